"""What a channel gave, compared with what the oracle says: nothing past its clocks, and nothing lost."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

from catalogue.identifiers import SubjectKey
from catalogue.model import RecordType, Role
from tests.support.ageing.gateway import Years
from tests.support.ageing.oracle import Way, days_of, seen
from tests.support.ageing.rows import (
    ADULT,
    COMPANY,
    LEAPLING,
    ODD,
    Sample,
    catalogue,
    flag_of,
    samples,
    types_of,
)
from tests.support.ageing.tables import SOURCE


def of_subject(key: SubjectKey) -> list[Sample]:
    return [sample for sample in samples() if sample.subject == key]


def days_for(key: SubjectKey, way: Way, codes: Container[str] | None = None) -> list[date]:
    """Days on which something changes that is not looked at elsewhere, and one in each year.

    In a profile of its own that is what differs from the default; of a leapling what happened about their
    coming of age; of an entity that is no company the types that only such have.
    """
    usual, like = replace(way, locality="default"), {LEAPLING: ADULT}.get(key, COMPANY)
    rows = [sample for sample in of_subject(key) if codes is None or sample.entry.code in codes]
    if way != usual:
        rows = [sample for sample in rows if seen(sample, way) != seen(sample, usual)]
    elif key not in (ADULT, COMPANY):
        known = {(sample.entry.code, *sample.roles.items()) for sample in of_subject(like)}
        rows = [sample for sample in rows if (sample.entry.code, *sample.roles.items()) not in known]
    return days_of(rows, [way], every=365)


@dataclass(frozen=True)
class Looking:
    """One client looking at one subject in one way."""

    years: Years
    key: SubjectKey
    way: Way
    client: str
    flags: bool = True
    """Whether the query asks for the field that tells a breach."""

    @cached_property
    def rows(self) -> Mapping[str, Sequence[tuple[str, Sample]]]:
        """Rows by type, as this client knows them."""
        references = self.years.deployment.references
        found: dict[str, list[tuple[str, Sample]]] = {entry.code: [] for entry in types_of(self.key)}
        for sample in of_subject(self.key):
            reference = references.record_ref(SOURCE, sample.entry.code, sample.id, self.client)
            found[sample.entry.code].append((reference, sample))
        return found

    def faults(self, day: date, node: Mapping[str, Any], denied: Iterable[str]) -> list[str]:
        """Everything that is otherwise than it should be, in words; `denied` are ends of denied paths."""
        closed = {tuple(path.split(".")[-3:]) for path in denied}
        return [
            f"{day} {self.way} {fault}"
            for entry in types_of(self.key)
            if (group := node.get(catalogue().domains[entry.domain].field)) and entry.section in group
            for fault in self._of_type(day, entry, self.rows[entry.code], group[entry.section], closed)
        ]

    def _of_type(
        self,
        day: date,
        entry: RecordType,
        rows: Sequence[tuple[str, Sample]],
        section: Mapping[str, Any],
        closed: set[tuple[str, ...]],
    ) -> Iterator[str]:
        expected = {reference: seen(sample, self.way).on(day) for reference, sample in rows}
        samples_by = dict(rows)
        shown = {one["recordId"]: one for one in section["records"] or ()}
        for reference in shown.keys() - expected.keys():
            yield f"{entry.code}: {reference} is nobody's"
        if section["state"] == "DENIED":
            if self.way.channel != "PUBLIC":
                yield f"{entry.code}: DENIED"
            return
        flag = flag_of(entry)
        concealed = not self.flags or flag is None or (entry.section, "records", flag.name) in closed
        for reference, what in expected.items():
            told, sample = shown.get(reference), samples_by[reference]
            whole = concealed or flag.name not in sample.values or (told and told[flag.name] is not None)
            found = "GONE" if told is None else "KEPT" if whole else "STRIPPED"
            hoped = "GONE" if what == "WITHHELD" else "KEPT" if concealed and what == "STRIPPED" else what
            if found != hoped:
                yield f"{entry.code} {dict(sample.roles)} {sample.values}: {found}, not {what}"
            if told and (told["status"] == "DISPUTED") != (sample.roles.get(Role.STATUS) == "DISPUTED"):
                yield f"{entry.code}: status {told['status']}"
        unreadable = self.key in ODD and any(s.roles.get(Role.STATUS) == "正常" for _, s in rows)
        state = "PARTIAL" if unreadable or "WITHHELD" in expected.values() else "OK"
        if section["state"] != state:
            yield f"{entry.code}: {section['state']}, not {state}"
