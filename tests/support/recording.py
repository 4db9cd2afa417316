"""What a department really saw: a Source that passes every question on and writes it down."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

from catalogue.identifiers import KeyKind
from catalogue.model import Label
from connectors.described import begun
from connectors.manifest import Manifest
from connectors.protocol import Answer, Ask, Finding, Source, Tallies, Told

_SELECT_LIST = re.compile(r"SELECT (.*?)\s+FROM", re.DOTALL)
_CAST = re.compile(r"CAST\((.+?) AS \w+\) AS [^,\s]+")


@dataclass(frozen=True, slots=True)
class Question:
    """One question as the department got it."""

    source: str
    record_type: str
    fields: frozenset[str]
    """Catalogue fields, control fields included."""
    sent: str
    """The SQL, or the shape of the HTTP request."""
    keys: int

    @property
    def columns(self) -> frozenset[str]:
        """Columns that the SQL takes out of the database; empty for HTTP, which answers whole rows."""
        found = _SELECT_LIST.match(self.sent)
        if not found:
            return frozenset()
        listed = _CAST.sub(r"\1", found[1])
        return frozenset(name.strip().rpartition(".")[2].strip('"') for name in listed.split(","))


@dataclass
class Ledger:
    """Questions in the order they were asked."""

    questions: list[Question] = field(default_factory=list)


class Recorded:
    """Implements `connectors.protocol.Source` around a real one."""

    def __init__(self, source: Source, ledger: Ledger) -> None:
        self.behind = source
        self._ledger = ledger

    @property
    def manifest(self) -> Manifest:
        return self.behind.manifest

    @property
    def name(self) -> str:
        return self.behind.name

    @property
    def department(self) -> str:
        return self.behind.department

    @property
    def system(self) -> Label:
        return self.behind.system

    @property
    def contact(self) -> str:
        return self.behind.contact

    @property
    def record_types(self) -> frozenset[str]:
        return self.behind.record_types

    def key_kinds(self, record_type: str) -> frozenset[KeyKind]:
        return self.behind.key_kinds(record_type)

    async def fetch(self, ask: Ask) -> Answer:
        sent = self.behind.explain(ask.record_type, ask.fields)
        self._ledger.questions.append(Question(self.name, ask.record_type, ask.fields, sent, len(ask.keys)))
        return await self.behind.fetch(ask)

    def begin(self, ask: Ask) -> Told:
        return begun(lambda: self.fetch(ask))

    async def tallies(self, record_type: str, month: date) -> Tallies:
        return await self.behind.tallies(record_type, month)

    def explain(self, record_type: str, fields: frozenset[str]) -> str:
        return self.behind.explain(record_type, fields)

    def row_source(self, record_type: str, fields: frozenset[str]) -> str:
        return self.behind.row_source(record_type, fields)

    async def check(self) -> list[Finding]:
        return await self.behind.check()

    async def ping(self) -> None:
        await self.behind.ping()

    async def close(self) -> None:
        await self.behind.close()
