"""双公示: decisions of a month by department and day, counted by the department's own database.

Nothing of a row leaves it but two days and the code of a department, and these only in groups.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Final

from sqlalchemy.engine.interfaces import Dialect

from catalogue.model import Role
from catalogue.values import PartialDate, Value
from connectors.decoders import DecodeError, compile_chain
from connectors.errors import ManifestError, SourceRubbish
from connectors.manifest import Manifest
from connectors.protocol import Tallies, Tally
from connectors.sql.pool import Pool
from connectors.sql.reader import Reader
from connectors.sql.statement import Statements

MOST_GROUPS: Final = 20_000


class Counting:
    """How the decisions of one record type are counted. Raises ManifestError where nothing says how."""

    def __init__(self, manifest: Manifest, dialect: Dialect, reader: Reader) -> None:
        record, field = reader.record, reader.record_type.field_by_role.get(Role.DETERMINED_ON)
        origin = record.fields.get(field.name) if field else None
        if record.publicity is None or origin is None or origin.column is None:
            raise ManifestError("MANIFEST_PUBLICITY", reader.record_type.code, "nothing says how to count")
        self._source, self._publicity, self._column = manifest.source, record.publicity, origin.column
        self._statements = Statements(record, dialect)
        self._determined = compile_chain(origin.decode, manifest.code_tables)
        self._published = compile_chain(record.publicity.published_on.decode, manifest.code_tables)
        self._department = manifest.department
        self.deadline_ms = record.publicity.deadline_ms

    def explain(self, month: date) -> str:
        """The exact statement."""
        return self._statements.counted(self._publicity, self._column, month).sql

    async def tallies(self, pool: Pool, month: date) -> Tallies:
        """The month's decisions; raises a SourceError, TOO_MANY_GROUPS where cells are no days."""
        statement = self._statements.counted(self._publicity, self._column, month)
        rows = await pool.fetch(statement.sql, statement.bind((), MOST_GROUPS + 1))
        if len(rows) > MOST_GROUPS:
            raise SourceRubbish(self._source, "TOO_MANY_GROUPS")
        found: Counter[tuple[str, date, date | None]] = Counter()
        unread = 0
        for *cells, number in rows:
            decisions = int(str(number))
            try:
                determined, published = _day(self._determined(cells[0])), _day(self._published(cells[1]))
            except DecodeError:
                determined = None
            if determined is None:
                unread += decisions
            elif determined.replace(day=1) == month.replace(day=1):
                found[self._of(cells), determined, published] += decisions
        return Tallies(tuple(Tally(*days, number) for days, number in found.items()), unread)

    def _of(self, cells: Sequence[object]) -> str:
        codes = self._publicity.department
        return codes.codes.get(str(cells[2] or "").strip(), "") if codes else self._department


def _day(value: Value) -> date | None:
    """The day that was read; None for an empty cell, and for one that says when something is open-ended."""
    return value.latest if isinstance(value, PartialDate) and not value.open_ended else None
