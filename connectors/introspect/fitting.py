"""Which record type a table holds, and which column is which of its fields.

Every field and control of a type competes for every column; the best pairs win. A type's score
adds its pairs, each by how telling its label is among all types, and how well the table's own
name fits. Nothing here reads a cell.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from catalogue.identifiers import KeyKind
from catalogue.model import Catalogue, FieldType, RecordField, RecordType, Role
from connectors.introspect.described import Column
from connectors.introspect.sampling import Seen
from connectors.introspect.shapes import Shape
from connectors.introspect.vocabulary import by_comment, by_name, by_table, of_another, vocabulary

POSSIBLE: Final = 0.5
SURE: Final = 0.7
LEAST: Final = 1.2
"""A lower score is no likeness: key and name alone fit every type."""
_NEAREST: Final = 3
_TABLE_WEIGHT: Final = 2.0
_KIN: Final = 0.3
"""What a type of the same department is preferred by."""
_KEYS: Final = {FieldType.CITIZEN_ID: KeyKind.CITIZEN_ID, FieldType.USCC: KeyKind.USCC}
_DATED: Final = frozenset(role for role in Role if role.value.endswith(("On", "ntil", "From")))


@dataclass(frozen=True, slots=True)
class Pair:
    """A column for a field or role, and how sure that is."""

    column: Column
    score: float


@dataclass(frozen=True, slots=True)
class Fit:
    """A place read as records of one type."""

    seen: Seen
    entry: RecordType
    keys: Mapping[KeyKind, tuple[str, ...]]
    fields: Mapping[str, Pair]
    controls: Mapping[Role, Pair]
    score: float
    rivals: tuple[str, ...] = ()
    """Other types that fit nearly as well."""

    @property
    def clock_missing(self) -> bool:
        """An adverse type without the date on which its clock starts: a manifest may not leave it out."""
        starts = self.entry.clocks.starts_on
        makes = self.fields.keys() & {*self.entry.adverse_when}
        adverse = self.entry.nature.value == "ADVERSE" or bool(makes)
        carried = {self.entry.field_by_name[name].role for name in self.fields}
        return adverse and not (carried | set(self.controls)) & set(starts)


class Fitter:
    """Fits places to the record types of a catalogue."""

    def __init__(self, catalogue: Catalogue, department: str | None) -> None:
        self._entries = [entry for entry in catalogue.record_types.values() if entry.pointer is None]
        self._department = department
        labels = Counter(field.label.zh for entry in self._entries for field in entry.fields)
        self._telling = {label: 1 / math.sqrt(count) for label, count in labels.items()}

    def fits(self, seen: Seen) -> list[Fit]:
        """For every kind of key the place has, the type that fits best; types of both kinds once."""
        found: dict[str, Fit] = {}
        for kind in seen.kinds:
            ranked = self._ranked(seen, (kind,))
            if ranked and ranked[0].score >= LEAST:
                best = ranked[0]
                rivals = tuple(fit.entry.code for fit in ranked[1:4] if fit.score > 0.8 * best.score)
                found.setdefault(best.entry.code, replace(best, rivals=rivals))
        return list(found.values())

    def nearest(self, seen: Seen) -> list[Fit]:
        """The likeliest types of a place that none fits."""
        return [fit for fit in self._ranked(seen, seen.kinds)[:_NEAREST] if fit.score > 0]

    def _ranked(self, seen: Seen, kinds: Sequence[KeyKind]) -> list[Fit]:
        """The types that a place can be asked for by one of these keys, the likeliest first."""
        fits = (self._fit(seen, entry) for entry in self._entries if {*kinds} & {*entry.keys})
        return sorted(fits, key=lambda fit: -fit.score)

    def _fit(self, seen: Seen, entry: RecordType) -> Fit:
        keys = {kind: seen.key_columns(kind) for kind in entry.keys if seen.key_columns(kind)}
        fields, controls = _assigned(seen, entry, keys)
        total = sum(
            pair.score * self._telling[entry.field_by_name[name].label.zh] for name, pair in fields.items()
        )
        total += _TABLE_WEIGHT * by_table(seen.table.name, seen.table.comment, entry.code, entry.name)
        total += _KIN if entry.department == self._department else 0
        # a type half of whose fields are found fits better than a long one of which some are
        total *= 0.5 + 0.5 * len(fields) / max(1, len(entry.fields))
        return Fit(seen, entry, keys, fields, controls, total)


def _assigned(
    seen: Seen, entry: RecordType, keys: Mapping[KeyKind, Sequence[str]]
) -> tuple[dict[str, Pair], dict[Role, Pair]]:
    """The best pairs first; a column serves once."""
    pool: list[tuple[float, str, Role | None, Column]] = []
    for column in seen.columns:
        shape = seen.shapes[column.name]
        pool += [
            (score, field.name, None, column) for field, score in _for_fields(entry, column, shape, keys)
        ]
        pool += [(score, role.value, role, column) for role, score in _for_roles(entry, column, shape)]
    fields: dict[str, Pair] = {}
    controls: dict[Role, Pair] = {}
    taken: set[str] = set()
    for score, name, role, column in sorted(pool, key=lambda each: (-each[0], each[1], each[3].name)):
        if score < POSSIBLE or column.name in taken or (role in controls if role else name in fields):
            continue
        if role:
            controls[role] = Pair(column, score)
        else:
            fields[name] = Pair(column, score)
        taken.add(column.name)
    return fields, controls


def _for_fields(
    entry: RecordType, column: Column, shape: Shape, keys: Mapping[KeyKind, Sequence[str]]
) -> Iterator[tuple[RecordField, float]]:
    for field in entry.fields:
        kind = _KEYS.get(field.type)
        if kind and field.role is Role.KEY:
            if column.name in keys.get(kind, ())[:1]:
                yield field, 1.0
            continue
        words = vocabulary().fields.get(field.name, ())
        said = by_comment(column.comment, (field.label.zh,))
        score = max(said, by_name(column.name, words, field.label, field.name))
        if field.role is Role.NAME and of_another(column.name, column.comment):
            score = 0.0
        yield field, score * _suits(field.type, column, shape)


def _for_roles(entry: RecordType, column: Column, shape: Shape) -> Iterator[tuple[Role, float]]:
    words = vocabulary()
    # the name is no field everywhere, but a row with another person's name must be noticed (ruling 10)
    wanted = {*entry.controls, *entry.clocks.starts_on, Role.NAME} - entry.field_by_role.keys()
    for role in wanted:
        said = by_comment(column.comment, words.labels.get(role.value, ()))
        score = max(said, by_name(column.name, words.roles.get(role.value, ())))
        # a field of the same meaning says more than a control
        yield role, score * _plays(role, column, shape) * 0.98


def _plays(role: Role, column: Column, shape: Shape) -> float:
    if role is Role.NAME:
        return 0.0 if of_another(column.name, column.comment) else _suits(FieldType.STRING, column, shape)
    if role in _DATED or role is Role.UPDATED_AT:
        return _suits(FieldType.DATE, column, shape)
    return float(shape.is_code or not shape.filled)


def _suits(wanted: FieldType, column: Column, shape: Shape) -> float:
    """Whether the column's type and cells can be what is wanted."""
    dated = column.kind == "date" or (shape.filled > 0 and shape.share(shape.dates) >= 0.5)
    numeric = column.kind == "number" or shape.share(shape.numbers) >= 0.5
    unknown = not shape.filled and column.kind == "text"
    match wanted:
        case FieldType.DATE:
            return 1.0 if dated or unknown else 0.0
        case FieldType.MONEY | FieldType.INTEGER:
            return 1.0 if (numeric and column.kind != "date") or unknown else 0.0
        case FieldType.BOOLEAN:
            return 1.0 if column.kind == "boolean" or 0 < shape.distinct <= 2 or unknown else 0.0
        case FieldType.CITIZEN_ID | FieldType.USCC:
            return 1.0 if _KEYS[wanted] in shape.kinds or unknown else 0.0
        case _:
            return 0.0 if column.kind in ("date", "binary") or shape.kinds else 1.0
