"""On which records a check's findings rest, so that an objection to one stops what was done because of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from authz.references import References
from catalogue.scenario import FACTS_OF_THE_CASE, Scenario
from resolvers.checks.answer import SubjectCheck
from resolvers.checks.findings import Finding, adverse, counts
from resolvers.healing import Healed, document_of


def grounds_of(
    checks: Sequence[SubjectCheck], scenario: Scenario, references: References
) -> set[tuple[str, str]]:
    """Predicates and keyed hashes of records that count against them, and of the decisions they tell of.

    Only of predicates that a measure rests on which an objection suspends.
    """
    wanted = {terms.when or FACTS_OF_THE_CASE for terms in scenario.suspendable}
    return {
        (predicate, hashed)
        for check in checks
        for predicate, finding, healed in _against(check)
        if predicate in wanted
        for hashed in _hashes(check, finding, healed, references)
    }


def _against(check: SubjectCheck) -> Iterator[tuple[str, Finding, Healed]]:
    for one in check.evaluated:
        if one.predicate.absent:
            yield from ((one.predicate.code, *each) for each in one.because)
    for finding in check.findings.values():
        for healed in finding.section.healed:
            if counts(healed) and adverse(healed):
                yield FACTS_OF_THE_CASE, finding, healed


def _hashes(check: SubjectCheck, finding: Finding, healed: Healed, references: References) -> Iterator[str]:
    entry, row = finding.entry, healed.row
    yield references.record_hash(healed.source.name, entry.code, row.identity)
    if document := document_of(entry, row):
        yield from references.document_hashes(*document, check.read.subject.key)
