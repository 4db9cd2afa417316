"""Predicates of a scenario over findings: true, false or unknown, with the reasons.

What is not known leaves a predicate unknown, never true. Records under objection do not count;
where a court's order or a statute's ban is disputed, a person has to verify it (ruling 29).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from catalogue.model import Locality, Nature, RecordType, Role
from catalogue.scenario import Predicate, Scenario
from catalogue.values import PartialDate, Period
from connectors.errors import SectionState
from resolvers.checks.findings import Finding, Findings, Found, adverse, counts
from resolvers.healing import Healed


class Truth(StrEnum):
    """Whether a predicate holds."""

    TRUE = "TRUE"
    FALSE = "FALSE"
    UNKNOWN = "UNKNOWN"


class Why(StrEnum):
    """What a truth rests on, or why it is not known."""

    RECORD_PRESENT = "RECORD_PRESENT"
    NO_RECORD = "NO_RECORD"
    SOURCE_UNKNOWN = "SOURCE_UNKNOWN"
    NOT_PERMITTED = "NOT_PERMITTED"
    VALUE_UNKNOWN = "VALUE_UNKNOWN"
    DISPUTED_NOT_COUNTED = "DISPUTED_NOT_COUNTED"
    HUMAN_VERIFICATION = "HUMAN_VERIFICATION"


class Evaluated(NamedTuple):
    """One predicate about one subject."""

    predicate: Predicate
    truth: Truth
    reasons: tuple[Why, ...]
    because: tuple[tuple[Finding, Healed], ...] = ()
    """Records that made it so."""
    disputed: bool = False
    """Whether a record under objection was left out."""
    covered: Mapping[str, Period] = MappingProxyType({})
    """How far back each record type really reaches, where the predicate looks back."""


@dataclass(frozen=True, slots=True)
class Looking:
    """Through what predicates look: the day, the locality's clocks, and since when the person is of age."""

    today: date
    locality: Locality
    adult_since: date | None = None


def evaluate(scenario: Scenario, findings: Findings, looking: Looking) -> list[Evaluated]:
    """Every predicate that looks at a type of this kind of subject."""
    standing = {attached.when for attached in scenario.measures if attached.disputed == "HUMAN_VERIFICATION"}
    evaluated = []
    for predicate in scenario.predicates:
        concerned = [findings[code] for code in predicate.record_types if code in findings]
        if concerned:
            evaluated.append(_evaluated(predicate, concerned, looking, stands=predicate.code in standing))
    return evaluated


def _evaluated(
    predicate: Predicate, concerned: list[Finding], looking: Looking, *, stands: bool
) -> Evaluated:
    tally = _Tally(predicate, looking)
    for finding in concerned:
        tally.add(finding)
    covered = dict(_coverage(predicate.within, concerned, looking)) if predicate.within else {}
    truth, reasons = tally.verdict(stands=stands)
    return Evaluated(predicate, truth, reasons, tuple(tally.hits), tally.disputed, covered)


@dataclass(slots=True)
class _Tally:
    predicate: Predicate
    looking: Looking
    hits: list[tuple[Finding, Healed]] = field(default_factory=list)
    doubts: set[Why] = field(default_factory=set)
    disputed: bool = False

    def add(self, finding: Finding) -> None:
        if finding.result is Found.NOT_PERMITTED or not _may_look(self.predicate, finding):
            self.doubts.add(Why.NOT_PERMITTED)
            return
        if finding.section.state is not SectionState.OK:
            self.doubts.add(Why.SOURCE_UNKNOWN)
        if _unstated(self.predicate, finding, self.looking):
            self.doubts.add(Why.VALUE_UNKNOWN)
        for healed in finding.section.healed:
            matches = _matches(self.predicate, finding.entry, healed, self.looking)
            if matches is False:
                continue
            if not counts(healed):
                self.disputed = True
            elif matches is None:
                self.doubts.add(Why.VALUE_UNKNOWN)
            else:
                self.hits.append((finding, healed))

    def verdict(self, *, stands: bool) -> tuple[Truth, tuple[Why, ...]]:
        """The truth and its reasons; a record that counts settles it, doubt leaves it open."""
        absent = bool(self.predicate.absent)
        if self.hits:
            return (Truth.FALSE if absent else Truth.TRUE), (Why.RECORD_PRESENT,)
        reasons = sorted(self.doubts)
        if self.disputed:
            reasons.append(Why.HUMAN_VERIFICATION if stands else Why.DISPUTED_NOT_COUNTED)
        # a fact in favour that is disputed is no fact against anybody either
        if self.doubts or (self.disputed and (stands or not absent)):
            return Truth.UNKNOWN, tuple(reasons)
        return (Truth.TRUE if absent else Truth.FALSE), (Why.NO_RECORD, *reasons)


def _may_look(predicate: Predicate, finding: Finding) -> bool:
    """Whether the grant shows all that the answer would tell."""
    entry = finding.entry
    graded = entry.field_by_role.get(Role.SEVERITY)
    asked = [predicate.value.field] if predicate.value else []
    if predicate.severities and graded:
        asked.append(graded.name)
    if not finding.shows_records:
        plain = entry.nature is Nature.ADVERSE or bool(predicate.present)
        return plain and not (asked or predicate.within or predicate.severities)
    if predicate.within:
        starts = [entry.field_by_role.get(role) for role in entry.clocks.starts_on]
        dated = [start.name for start in starts if start]
        if dated and all(map(finding.denies, dated)):
            return False
    return not any(map(finding.denies, asked)) and not (predicate.absent and finding.conceals_adverse)


def _unstated(predicate: Predicate, finding: Finding, looking: Looking) -> bool:
    """Whether a type that answers by a statement, such as that a post may be filled, holds none in force."""
    stated = predicate.absent and predicate.value and not finding.entry.can_be_adverse
    answered = finding.section.state is SectionState.OK
    return (
        bool(stated)
        and answered
        and not any(_in_force(healed, looking.today) for healed in finding.section.healed)
    )


def _matches(predicate: Predicate, entry: RecordType, healed: Healed, looking: Looking) -> bool | None:
    """Whether the record is what the predicate looks for; None where that cannot be told."""
    told = list(_tests(predicate, entry, healed, looking))
    if False in told:
        return False
    return None if None in told else True


def _tests(
    predicate: Predicate, entry: RecordType, healed: Healed, looking: Looking
) -> Iterator[bool | None]:
    if predicate.value:
        status = healed.row.values.get(predicate.value.field)
        known = status in (*predicate.value.counts, *predicate.value.others)
        yield status in predicate.value.counts if known else None
    elif predicate.absent:
        yield adverse(healed)
    if predicate.present:
        yield _in_force(healed, looking.today)
    if predicate.severities:
        severity = healed.facts.severity
        yield None if severity is None else severity in predicate.severities
    if predicate.within:
        yield _recent(entry, healed, predicate.within, looking.today)


def _in_force(healed: Healed, today: date) -> bool:
    ends = (healed.row.controls.get(role) for role in (Role.VALID_UNTIL, Role.UNTIL, Role.REMOVED_ON))
    days = (end.latest for end in ends if isinstance(end, PartialDate) and not end.open_ended)
    return all(day >= today for day in days)


def _recent(entry: RecordType, healed: Healed, within: Period, today: date) -> bool | None:
    """Whether it falls within the time looked back on, or still stood in it."""
    if entry.clocks.retention.kind == "UNTIL_REMOVED":
        return True  # what stands on such a list stands on it today
    removed = healed.row.controls.get(Role.REMOVED_ON)
    days = [day for day in (healed.day, removed.latest if isinstance(removed, PartialDate) else None) if day]
    return any(within.after(day) >= today for day in days) if days else None


def _coverage(within: Period, concerned: list[Finding], looking: Looking) -> Iterator[tuple[str, Period]]:
    """How far back the answer reaches: no further than records are kept, or than the person is of age."""
    for finding in concerned:
        if finding.result not in (Found.UNKNOWN, Found.NOT_PERMITTED):
            yield finding.entry.code, _reach(within, finding.entry, looking)


def _reach(within: Period, entry: RecordType, looking: Looking) -> Period:
    retention = looking.locality.clocks.get(entry.code, entry.clocks).retention
    if retention.kind == "UNTIL_REMOVED":
        return Period()  # only what stands on it today
    kept = retention.period or looking.locality.adverse_retention
    limits = [within, kept]
    if looking.adult_since:
        limits.append(Period(months=_months_between(looking.adult_since, looking.today)))
    return min(limits, key=lambda period: period.after(looking.today))


def _months_between(start: date, end: date) -> int:
    months = (end.year - start.year) * 12 + end.month - start.month - (end.day < start.day)
    return max(months, 0)
