"""The measures that a law attaches to what was found: told with their basis, taken by people only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from catalogue.model import Catalogue, Measure, Obligation
from catalogue.scenario import AttachedMeasure, Scenario
from resolvers.checks.predicates import Evaluated, Truth, Why


@dataclass(frozen=True, slots=True)
class Attached:
    """One measure, as a law attaches it to one predicate about one subject."""

    measure: Measure
    terms: AttachedMeasure
    human_verification: bool
    """An objection is under way against an order or a ban that stays: a person has to verify it first."""

    @property
    def obligation(self) -> Obligation:
        """As the scenario's law says, which is never stricter than the list."""
        return self.terms.obligation or self.measure.obligation


def attached(scenario: Scenario, catalogue: Catalogue, evaluated: Sequence[Evaluated]) -> Iterator[Attached]:
    """An incentive follows where its predicate holds, a restriction where it does not; doubt, nothing.

    An order of a court, or a ban of a statute, that is disputed stays for a person to verify (ruling 29).
    """
    by_code = {one.predicate.code: one for one in evaluated}
    for terms in scenario.measures:
        found = by_code.get(terms.when or "")
        if found is None:
            continue
        standing = Why.HUMAN_VERIFICATION in found.reasons and terms.disputed == "HUMAN_VERIFICATION"
        follows = found.truth is (Truth.TRUE if terms.code.startswith("I") else Truth.FALSE)
        if follows or standing:
            yield Attached(catalogue.measures[terms.code], terms, human_verification=standing)
