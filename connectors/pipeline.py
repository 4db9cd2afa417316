"""From physical rows to decoded records by subject: what every connector does after reading.

match the key → merge joined rows → keep the standing version → unpack → merge duplicates → decode → cap

Versions and duplicates are settled before output fields are decoded, so that an older row
never comes back because its successor cannot be read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

from catalogue.identifiers import KeyKind, SubjectKey
from catalogue.model import RecordType, Role
from connectors.attributes import Attribute, control_attributes, field_attributes
from connectors.cells import Cells, Reader
from connectors.decoders import CodeTables, Unreadable
from connectors.errors import ManifestError
from connectors.manifest import RecordSource
from connectors.marks import markable
from connectors.matching import KeyConflict, Matcher
from connectors.protocol import Answer, Ask, Reject, Row
from connectors.row_plan import PLACE, Plan
from connectors.row_source import row_reader
from connectors.unpacking import Unpacking

_PLANS_KEPT: Final = 64


class Pipeline:
    """Decodes the rows of one record type of one source. Raises ManifestError if it cannot be built."""

    def __init__(
        self,
        record_type: RecordType,
        source: RecordSource,
        code_tables: CodeTables,
        charset: str | None = None,
    ) -> None:
        self._type = record_type
        self._source = source
        self._charset = charset
        self._parts = source.unpack.names if source.unpack else ()
        self._fields = field_attributes(record_type, source, code_tables)
        carried = {
            record_type.field_by_name[name].role: attribute for name, attribute in self._fields.items()
        }
        self._controls: dict[Role, Attribute] = {role: found for role, found in carried.items() if role}
        self._controls |= control_attributes(record_type, source, code_tables)
        self._dedupe = [self._dedupe_part(name) for name in source.dedupe]
        self._fixed = self._fixed_columns()
        self._plan = lru_cache(_PLANS_KEPT)(self._make_plan)

    def columns(self, fields: frozenset[str], kinds: Collection[KeyKind] | None = None) -> tuple[str, ...]:
        """Physical columns for these fields asked by these kinds of key (all, unless said): keys first.

        The key columns of a kind that is not asked are another subject's number: they stay unnamed.
        """
        keys = self._source.keys
        found = [column for kind in keys if kinds is None or kind in kinds for column in keys[kind].columns]
        found += self._fixed
        found += (column for name in sorted(self._mapped(fields)) for column in self._fields[name].columns)
        return tuple(column for column in dict.fromkeys(found) if column not in self._parts)

    def row_source(self, fields: frozenset[str], columns: Sequence[str]) -> str:
        """The Python text that reads a row of these columns, under their names."""
        return f"# c: {', '.join(columns)}\n{self._plan(fields, tuple(columns)).text}"

    def answer(
        self,
        ask: Ask,
        columns: Sequence[str],
        rows: Iterable[Cells],
        fetched_at: datetime,
        cap: int,
        truncated_by_source: bool = False,  # noqa: FBT001, FBT002 -- the connectors' seam
    ) -> Answer:
        """Decoded rows by asked key; `cap` is per key. Rows of nobody asked are dropped in silence."""
        plan = self._plan(ask.fields, tuple(columns))
        if self._charset:
            rows = (readable(cells, self._charset) for cells in rows)
        found, rejects = self._match(ask, plan, rows)
        decoded: dict[SubjectKey, tuple[Row, ...]] = dict.fromkeys(ask.keys, ())
        truncated = set(ask.keys) if truncated_by_source else set()
        for key, cells in found.items():
            # an authority that follows numbers is also asked for wrong ones
            standing, faults = plan.decode(key, cells, valid=not ask.follow)
            if faults:
                rejects[key] += faults
            if len(standing) > cap:
                standing = standing[:cap]
                truncated.add(key)
            decoded[key] = standing
        told = {key: tuple(rejects[key]) for key in decoded if key in rejects} if rejects else {}
        return Answer(decoded, fetched_at, told, frozenset(truncated))

    def _match(
        self, ask: Ask, plan: Plan, rows: Iterable[Cells]
    ) -> tuple[dict[SubjectKey, list[Cells]], dict[SubjectKey, list[Reject]]]:
        """The rows of those who have any, and those that name several."""
        found: dict[SubjectKey, list[Cells]] = defaultdict(list)
        rejects: dict[SubjectKey, list[Reject]] = defaultdict(list)
        kinds = {key.kind for key in ask.keys}
        matchers = [
            Matcher(kind, key, ask.keys, plan.keys[kind], ask.links)
            for kind, key in self._source.keys.items()
            if kind in kinds
        ]
        for cells in rows:
            for matcher in matchers:
                try:
                    subject = matcher.subject(cells)
                except KeyConflict as conflict:
                    for named in conflict.keys:
                        rejects[named].append(Reject("KEY_CONFLICT", mark=plan.mark(cells)))
                else:
                    if subject:
                        found[subject].append(cells)
        return found, rejects

    def _mapped(self, fields: frozenset[str]) -> frozenset[str]:
        unknown = fields - self._type.field_by_name.keys()
        if unknown:
            raise ValueError(f"{self._type.code} has no field {', '.join(sorted(unknown))}")
        return fields & self._fields.keys()

    def _dedupe_part(self, name: str) -> Attribute:
        role = next((role for role in self._controls if role.value == name), None)
        found = self._fields.get(name) or (self._controls[role] if role else None)
        if found is None:
            where = f"{self._type.code}.dedupe"
            raise ManifestError("MANIFEST_DEDUPE", where, f"{name!r} is neither a mapped field nor a control")
        return found

    def _fixed_columns(self) -> tuple[str, ...]:
        source = self._source
        found = [*source.identity, *((source.unpack.column,) if source.unpack else ())]
        if source.version:
            found += [*source.version.by, source.version.latest]
        for attribute in [*self._controls.values(), *self._dedupe]:
            found += attribute.columns
        return tuple(dict.fromkeys(found))

    def _make_plan(self, fields: frozenset[str], columns: tuple[str, ...]) -> Plan:
        at = {column: index for index, column in enumerate((*columns, *self._parts))}
        version, unpack = self._source.version, self._source.unpack
        names = sorted(fields)
        controls = {role: attribute.reader(at) for role, attribute in self._controls.items()}
        shared = [(name, self._shared(name), self._fields.get(name)) for name in names]
        by = tuple(at[column] for column in version.by) if version else ()
        # records out of one cell share every column but their own parts
        parts = tuple(at[column] for column in self._parts)
        own = tuple(at[column] for column in self._source.identity)
        identities = ((*own, *parts) if own else (), (*by, *parts) if by else ())
        read, text = row_reader(self._controls, shared, identities[0] or identities[1], at)
        attributes = [*self._controls.values(), *(self._fields[name] for name in self._mapped(fields))]
        return Plan(
            keys={
                kind: tuple(at[one] for one in key.columns)
                for kind, key in self._source.keys.items()
                if at.keys() >= set(key.columns)
            },
            read=read,
            text=text,
            controls=controls,
            outputs=tuple(self._output(name, at) for name in names),
            marked=own if markable(self._source) else (),
            place=at.get(PLACE),
            identity=identities,
            unpacking=Unpacking(unpack, at[unpack.column]) if unpack else None,
            collected=frozenset(at[one.collected] for one in attributes if one.collected),
            version=by,
            latest=at[version.latest] if version else None,
            dedupe=tuple(attribute.reader(at) for attribute in self._dedupe),
            fixed=tuple(at[one] for one in (*self._fixed, *self._parts) if one not in self._source.listed),
        )

    def _output(self, name: str, at: Mapping[str, int]) -> tuple[str, Role | None, Reader]:
        attribute = self._fields.get(name)
        if attribute is None:
            return name, None, lambda _cells: None
        return name, self._shared(name), attribute.reader(at)

    def _shared(self, name: str) -> Role | None:
        """The control that holds the value of a field."""
        attribute, role = self._fields.get(name), self._type.field_by_name[name].role
        return role if attribute and role and self._controls[role] is attribute else None


def readable(cells: Cells, charset: str) -> list[object]:
    """The row with its bytes read in that charset, whatever the database declares."""
    return [_text(cell, charset) if isinstance(cell, bytes) else cell for cell in cells]


def _text(cell: bytes, charset: str) -> object:
    try:
        return cell.decode(charset)
    except UnicodeError:
        return Unreadable()
