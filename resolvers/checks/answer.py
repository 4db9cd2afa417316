"""From what was read of one subject to what a check says of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import strawberry

from authz.lifecycle import ADULT
from catalogue.identifiers import KeyKind, birth_date
from catalogue.scenario import Disclosure, Scenario
from catalogue.values import Period
from resolvers.building import Record
from resolvers.catalogue_graph import localized, measure_info
from resolvers.checks.completeness import Task, tasks
from resolvers.checks.findings import COUNT_CAP, Finding, Findings, Found
from resolvers.checks.measures import Attached, attached
from resolvers.checks.predicates import Evaluated, Looking, evaluate
from resolvers.checks.types import CheckCoverage, CheckItem, CheckMeasure, CheckPredicate, CheckTask
from resolvers.healing import Healed
from resolvers.nodes import pointer_node, record_node
from resolvers.reading import SubjectRead
from resolvers.scalars import Instant, RecordTypeCode


@dataclass(frozen=True, slots=True)
class Shown:
    """What every part of a check has, as the graph shows it."""

    items: list[CheckItem]
    predicates: list[CheckPredicate]
    measures: list[CheckMeasure]


@dataclass(frozen=True)
class SubjectCheck:
    """One subject of a check: findings, predicates over them, and the measures that follow."""

    scenario: Scenario
    read: SubjectRead

    @cached_property
    def findings(self) -> Findings:
        """By record type, in the scenario's order."""
        views = self.read.decided.views
        return {code: Finding.of(section, views[code]) for code, section in self.read.sections.items()}

    @cached_property
    def evaluated(self) -> list[Evaluated]:
        """The scenario's predicates about this subject."""
        services, key = self.read.reading.context.services, self.read.subject.key
        person = key.kind is KeyKind.CITIZEN_ID
        adult_since = ADULT.after(birth_date(key.value)) if person else None
        return evaluate(
            self.scenario, self.findings, Looking(services.today(), services.locality, adult_since)
        )

    @cached_property
    def attached(self) -> list[Attached]:
        """Measures that follow."""
        catalogue = self.read.reading.context.services.catalogue
        return list(attached(self.scenario, catalogue, self.evaluated))

    @cached_property
    def tasks(self) -> list[Task]:
        """What is left to do."""
        return list(tasks(self.findings))

    @property
    def position(self) -> int:
        """Where the intent stands in the audit log."""
        assert self.read.position is not None  # noqa: S101 - only a public read has none
        return self.read.position

    @cached_property
    def _records(self) -> dict[str, list[Record]]:
        """Each record once, however often it is named: its id takes longer than all else about it."""
        return {code: list(self.read.records(section)) for code, section in self.read.sections.items()}

    @property
    def _discloses(self) -> bool:
        return self.scenario.disclosure is Disclosure.RECORDS

    @cached_property
    def shown(self) -> Shown:
        """What leaves."""
        return Shown(
            [self._item(finding) for finding in self.findings.values()],
            [self._predicate(one) for one in self.evaluated],
            [_measure(one) for one in self.attached],
        )

    def shown_tasks(self) -> Iterator[CheckTask]:
        """What is left to do, and whom to call."""
        departments = self.read.reading.context.services.catalogue.departments
        for task in self.tasks:
            department = departments[task.finding.entry.department]
            yield CheckTask(
                recordType=RecordTypeCode(task.finding.entry.code),
                step=task.step,
                departmentName=department.name.zh,
                contact=department.contact,
            )

    def _item(self, finding: Finding) -> CheckItem:
        entry, section, result = finding.entry, finding.section, finding.result
        department = self.read.reading.context.services.catalogue.departments[entry.department]
        open_ = self._discloses and finding.shows_records
        known = open_ and result not in (Found.UNKNOWN, Found.NOT_PERMITTED)
        return CheckItem(
            recordType=RecordTypeCode(entry.code),
            recordTypeName=entry.name.zh,
            result=result,
            state=section.state,
            reason=finding.reason,
            department=department.code,
            departmentName=department.name.zh,
            contact=department.contact,
            legalBasis=list(entry.legal_basis),
            fetchedAt=Instant(section.fetched_at) if section.fetched_at else None,
            count=min(len(section.healed), COUNT_CAP) if known else None,
            severityMax=finding.severity_max if self._discloses else None,
            recordIds=[strawberry.ID(each.record_id) for each in self._records[entry.code]] if open_ else [],
            records=self._nodes(finding),
        )

    def _nodes(self, finding: Finding) -> Any:
        """Nodes, which the graph reads as records."""
        section = finding.section
        if not self._discloses:
            return None
        if section.entry.pointer is not None:
            return [pointer_node(self.read.subject, section)]
        if not finding.shows_records or not section.state.answered:
            return None
        return [record_node(record) for record in self._records[finding.entry.code]]

    def _record_id(self, finding: Finding, healed: Healed) -> strawberry.ID:
        (found,) = (each for each in self._records[finding.entry.code] if each.healed is healed)
        return strawberry.ID(found.record_id)

    def _predicate(self, one: Evaluated) -> CheckPredicate:
        because = [each for each in one.because if self._discloses and each[0].shows_records]
        return CheckPredicate(
            code=one.predicate.code,
            name=localized(one.predicate.name),
            value=one.truth,
            reasons=list(one.reasons),
            recordTypes=[
                RecordTypeCode(code) for code in dict.fromkeys(found.entry.code for found, _ in one.because)
            ],
            recordIds=[self._record_id(*each) for each in because],
            covered=_covered(one.covered),
        )


def _covered(covered: Mapping[str, Period]) -> list[CheckCoverage]:
    return [
        CheckCoverage(recordType=RecordTypeCode(code), period=str(period)) for code, period in covered.items()
    ]


def _measure(one: Attached) -> CheckMeasure:
    return CheckMeasure(
        measure=measure_info(one.measure),
        predicate=one.terms.when or "",
        obligation=one.obligation,
        basis=list(one.terms.basis),
        humanVerification=one.human_verification,
    )
