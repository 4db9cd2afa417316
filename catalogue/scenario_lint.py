"""Rules of scenarios (GR-07, GR-12): relevance, measures of the imported list, two approvers, an end.

What a predicate looks at bears on the matter, and a restriction rests on something adverse alone.
"""

from __future__ import annotations

from typing import Final

from catalogue import guardrails
from catalogue.identifiers import KeyKind, SubjectKind
from catalogue.model import Catalogue, Nature, RecordType, Role
from catalogue.problems import Problem, Problems, repeated, unknown
from catalogue.scenario import AttachedMeasure, Obligation, Predicate, Scenario, ScenarioKind
from catalogue.values import Period

CONSENT_ONLY: Final = frozenset({ScenarioKind.BANK_LOAN, ScenarioKind.PRIVATE_RECRUITMENT})
"""Private callers have no statutory duty to check, so only the subject's consent can open a record."""
STATUTORY_ONLY: Final = frozenset({ScenarioKind.COURT_ENFORCEMENT, ScenarioKind.INSPECTION_FREQUENCY})
ENTITIES_ONLY: Final = frozenset({ScenarioKind.INSPECTION_FREQUENCY})
LONGEST_TERM: Final = Period(years=2)
"""Every scenario stops by itself (GR-12)."""


def scenario_problems(scenario: Scenario, catalogue: Catalogue) -> Problems:
    """GR-07: what makes a scenario unfit to register."""
    if word := guardrails.PROHIBITED_PURPOSES.find(scenario.name.zh, scenario.name.en):
        yield Problem("GR07", scenario.code, f"“{word}” is a purpose no check may serve; remove the scenario")
    if scenario.kind in CONSENT_ONLY and scenario.basis != ("CONSENT",):
        yield Problem("GR07", scenario.code, f"{scenario.kind} rests on CONSENT alone")
    if scenario.kind in STATUTORY_ONLY and scenario.basis != ("STATUTORY",):
        yield Problem("GR07", scenario.code, f"{scenario.kind} rests on a STATUTORY mandate alone")
    if not scenario.valid_from <= scenario.valid_until <= LONGEST_TERM.after(scenario.valid_from):
        yield Problem("GR12", scenario.code, "`validUntil` must lie within two years of `validFrom`")
    approvers = {approver.strip().casefold() for approver in scenario.approved_by} - {""}
    if len(approvers) < len(scenario.approved_by):
        yield Problem("GR07", scenario.code, "one person approved it alone; name two in `approvedBy`")
    yield from _relevance_problems(scenario, catalogue)
    yield from _predicate_problems(scenario, catalogue)
    yield from _measure_problems(scenario, catalogue)
    yield from _related_problems(scenario, catalogue)


def _relevance_problems(scenario: Scenario, catalogue: Catalogue) -> Problems:
    for code in repeated(item.record_type for item in scenario.relevance):
        yield Problem("GR07", scenario.code, f"{code} stands twice; give one reason")
    for item in scenario.relevance:
        entry = catalogue.record_types.get(item.record_type)
        if entry is None:
            yield Problem("GR07", scenario.code, f"there is no record type {item.record_type}")
            continue
        for name in item.fields:
            if name not in entry.field_by_name:
                yield unknown(f"{scenario.code}.{entry.code}", "field", name)
        if scenario.kind in ENTITIES_ONLY and KeyKind.USCC not in entry.keys:
            yield Problem("GR07", scenario.code, f"{scenario.kind} concerns entities; remove {entry.code}")
        facts = {field.name for field in entry.fields if field.statutory_fact}
        if scenario.code not in entry.scenarios and (seen := facts & set(item.fields or facts)):
            advice = (
                f"does not name {scenario.code}, which would see its statutory fact {min(seen)}; name other"
                f" `fields` in the relevance of {scenario.code}, or add {scenario.code} to `scenarios`"
            )
            yield Problem("SCENARIO_MISMATCH", entry.code, advice)


def _predicate_problems(scenario: Scenario, catalogue: Catalogue) -> Problems:
    for code in repeated(predicate.code for predicate in scenario.predicates):
        yield Problem("DUPLICATE_NAME", f"{scenario.code}.{code}", "the predicate stands twice; keep one")
    relevant = {item.record_type: item for item in scenario.relevance}
    for predicate in scenario.predicates:
        place = f"{scenario.code}.{predicate.code}"
        if word := guardrails.SCORES.find(predicate.code, predicate.name.zh, predicate.name.en):
            yield Problem("GR01", place, f"“{word}” scores somebody; name the fact")
        for code in predicate.record_types:
            item, entry = relevant.get(code), catalogue.record_types.get(code)
            if item is None:
                yield Problem("GR07", place, f"{code} does not bear on the matter; name it in `relevance`")
            elif entry is not None:
                seen = set(item.fields) or entry.field_by_name.keys()
                yield from _look_problems(place, predicate, entry, frozenset(seen))


def _look_problems(place: str, predicate: Predicate, entry: RecordType, seen: frozenset[str]) -> Problems:
    """What one predicate may ask of one type."""
    if predicate.absent and not entry.can_be_adverse and predicate.value is None:
        yield Problem("PREDICATE", place, f"{entry.code} holds nothing adverse; give `value`")
    if predicate.present and entry.nature is Nature.ADVERSE:
        yield Problem("PREDICATE", place, f"{entry.code} is adverse; use `absent`")
    if predicate.present and predicate.severities:
        yield Problem("PREDICATE", place, "only what is adverse has a severity; use `absent`")
    asked = [predicate.value.field] if predicate.value else []
    graded = entry.field_by_role.get(Role.SEVERITY)
    if predicate.severities and graded:
        asked.append(graded.name)
    for name in asked:
        if name not in entry.field_by_name:
            yield unknown(place, "field", name)
        elif name not in seen:
            yield Problem("GR07", place, f"{entry.code}.{name} does not bear on the matter; name it there")


def _measure_problems(scenario: Scenario, catalogue: Catalogue) -> Problems:
    for attached in scenario.measures:
        measure = catalogue.measures.get(attached.code)
        if measure is None:
            yield Problem("GR07", scenario.code, f"measure {attached.code} is not in the imported list")
            continue
        place = f"{scenario.code}.{attached.code}"
        restricts = attached.code.startswith("R")
        if scenario.basis == ("CONSENT",) and restricts and measure.legal_class != 3:
            yield Problem("GR07", place, "consent carries no restriction by authorities; remove it")
        if attached.obligation and _ORDER.index(attached.obligation) < _ORDER.index(measure.obligation):
            advice = f"the list says {measure.obligation}; a scenario may only weaken it"
            yield Problem("MEASURE", place, advice)
        if attached.disputed == "HUMAN_VERIFICATION" and measure.legal_class != 1:
            advice = "an objection suspends what no law or court orders; leave `disputed` out"
            yield Problem("MEASURE", place, advice)
        yield from _condition_problems(place, attached, scenario)


_ORDER: Final = (Obligation.MANDATORY, Obligation.RECOMMENDED, Obligation.OPTIONAL)


def _condition_problems(place: str, attached: AttachedMeasure, scenario: Scenario) -> Problems:
    if attached.when is None:
        return
    predicate = scenario.predicate_by_code.get(attached.when)
    if predicate is None:
        yield unknown(place, "predicate", attached.when)
    elif attached.code.startswith("R") and predicate.present:
        advice = "a restriction needs something adverse; lacking a record is no ground. Use `absent`"
        yield Problem("MEASURE", place, advice)


def _related_problems(scenario: Scenario, catalogue: Catalogue) -> Problems:
    if not scenario.related_persons:
        return
    entries = [catalogue.record_types[code] for code in scenario.record_types & catalogue.record_types.keys()]
    persons = any(SubjectKind.NATURAL_PERSON in entry.subjects for entry in entries)
    entities = any(KeyKind.USCC in entry.keys for entry in entries)
    if not (persons and entities):
        advice = "related persons belong to an entity, and need types about both; remove `relatedPersons`"
        yield Problem("GR08", scenario.code, advice)
