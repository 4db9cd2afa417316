"""A fit written down as the YAML of one record type, with its doubts as comments beside the lines.

What is written is loaded again before it counts: a record type that the connector itself would
refuse is kept as a comment, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import yaml

from catalogue.identifiers import KeyKind, holds_citizen_id
from catalogue.model import FieldType, Role
from catalogue.personal_text import scrub
from connectors.introspect.chains import Chain, for_field, for_role
from connectors.introspect.described import Column
from connectors.introspect.fitting import Fit, Pair
from connectors.introspect.sampling import KEY_BY_NAME, Seen
from connectors.introspect.shapes import Shape, Words
from connectors.introspect.vocabulary import is_flag, vocabulary
from connectors.shapes import KeyForm
from connectors.shown import shown

UNSURE: Final = "unsure:"
"""Begins the comment beside every guess that a person must confirm."""
_LIST: Final = 12
_KINDS: Final = {FieldType.CITIZEN_ID: KeyKind.CITIZEN_ID, FieldType.USCC: KeyKind.USCC}
_NOT_DELETED: Final = (False, 0, "0", "N", "n", "否", "F")


@dataclass(frozen=True, slots=True)
class Draft:
    """The lines of one record type, indented as under `records:`."""

    code: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """As in the manifest."""
        return "\n".join(self.lines)

    def commented(self, reason: str) -> tuple[str, ...]:
        """The same, switched off."""
        return (f"  # {reason}", *(f"  # {line[2:]}" for line in self.lines))


def draft(fit: Fit) -> Draft:
    """One record type, as far as it could be guessed."""
    body = [*_place(fit.seen), *_keys(fit), *_where(fit.seen), *_identity(fit.seen.table.primary_key, fit)]
    left = _left_over(fit)
    lines = [
        f"  {fit.entry.code}: # {_headline(fit)}",
        *(f"    {line}" for line in body),
        *_section("fields", _fields(fit)),
        *_section("controls", _controls(fit)),
        *(f"    # {line}" for line in (*_versions(fit.seen), *left)),
    ]
    return Draft(fit.entry.code, tuple(map(shown, lines)))


def plain(value: object) -> str:
    """A value in YAML's short form, on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")


def note(comment: str) -> str:
    """A comment of the database, fit for a file: one line, no number of a person."""
    line = " ".join(comment.split())
    return "" if holds_citizen_id(line) else str(scrub(line))[:80]


def _headline(fit: Fit) -> str:
    seen, entry = fit.seen, fit.entry
    found = f"{len(fit.fields)} of {len(entry.fields)} fields found"
    said = note(seen.table.comment)
    parts = [f"{entry.name.zh} · {entry.name.en}", found, *([f"table: {said}"] if said else [])]
    doubt = f"; {UNSURE} also like {', '.join(fit.rivals)}" if fit.rivals else ""
    return "; ".join(parts) + doubt


def _section(name: str, lines: Iterator[str]) -> Iterator[str]:
    found = list(lines)
    if found or name == "fields":
        yield f"    {name}:" if found else f"    {name}: {{}}"
        yield from (f"      {line}" for line in found)


def _place(seen: Seen) -> Iterator[str]:
    if seen.union:
        yield f"union: {plain(list(seen.union))} # next year's table has to be added by hand"
    else:
        yield f"table: {plain(seen.table.name)}"
    if seen.join:
        # PyYAML quotes `on`, which manifests write bare
        join = f"{{table: {plain(seen.join.table)}, on: {plain(dict(seen.join.on))}}}"
        doubt = "" if seen.join_declared else f" # {UNSURE} no foreign key says so, only the names"
        yield f"join: [{join}]{doubt}"


def _keys(fit: Fit) -> Iterator[str]:
    yield "keys:"
    for kind, columns in fit.keys.items():
        seen = fit.seen.shapes[columns[0]]
        together = _key_together(fit, kind)
        forms = {form for name in together for form in fit.seen.shapes[name].forms.get(kind, ())}
        written: dict[str, object] = {"columns": together}
        if forms:
            ordered = [KeyForm.NORMAL, *sorted(forms, key=list(KeyForm).index)]
            written["forms"] = [form.value for form in ordered]
        share = f"{round(seen.share(seen.keys[kind]) * 100)} % of {seen.filled} sampled cells are valid"
        doubts = [share if seen.filled else f"{UNSURE} no cell to look at, by its name only"]
        if others := [name for name in columns if name not in together]:
            doubts.append(f"{UNSURE} {', '.join(others)} hold such numbers too; take the subject's")
        elif together[1:]:
            doubts.append(f"{UNSURE} several columns; a row in which they differ is rejected")
        yield f"  {kind.value}: {plain(written)} # {'; '.join(doubts)}"


def _key_together(fit: Fit, kind: KeyKind) -> list[str]:
    """The likeliest column, with the others whose names leave no doubt that the number is the subject's."""
    first, *others = fit.keys[kind]
    sure = (
        name for name in others if max(fit.seen.named_as_key(name, one) for one in KeyKind) >= KEY_BY_NAME
    )
    return [first, *sure]


def _where(seen: Seen) -> Iterator[str]:
    for column in seen.columns:
        if column.name in seen.shapes and is_flag(column.name, column.comment, vocabulary().soft_delete):
            kept = _not_deleted(column, seen.words.get(column.name, Words()))
            condition = plain({"column": column.name, "op": "null or", "value": kept})
            yield "where:"
            yield f"  - {condition} # {UNSURE} soft delete by its name; NULL is taken as not deleted"
            return


def _not_deleted(column: Column, words: Words) -> object:
    seen = [word for word in words.said if word in _NOT_DELETED]
    if column.kind == "boolean":
        return False
    return seen[0] if seen else 0 if column.kind == "number" else "0"


def _identity(key: tuple[str, ...], fit: Fit) -> Iterator[str]:
    subject = {name for columns in fit.keys.values() for name in columns}
    updated = fit.controls.get(Role.UPDATED_AT)
    record = [name for name in key if not updated or name != updated.column.name]
    if updated and record and len(record) < len(key):
        version = plain({"by": record, "latest": updated.column.name})
        yield f"version: {version} # {UNSURE} the primary key ends in the time of writing: history rows"
    if record and not subject & set(record):
        yield f"identity: {plain(record)}"
    elif not key:
        yield f"# {UNSURE} no primary key: name under `identity:` the columns that tell records apart"


def _fields(fit: Fit) -> Iterator[str]:
    for field in fit.entry.fields:
        pair = fit.fields.get(field.name)
        if pair is None:
            continue
        reading = for_field(field, pair, *_looked(fit, pair))
        if reading is None:
            yield f"# {field.name}: {{column: {pair.column.name}}} # {UNSURE} needs a chain of your own"
            continue
        kind = _KINDS.get(field.type) if field.role is Role.KEY else None
        columns = _key_together(fit, kind) if kind and kind in fit.keys else [pair.column.name]
        origin = _origin(columns, reading.decode)
        yield f"{field.name}: {origin}{_beside(pair, field.label.zh, reading.doubts)}"


def _controls(fit: Fit) -> Iterator[str]:
    for role, pair in sorted(fit.controls.items(), key=lambda item: list(Role).index(item[0])):
        reading = for_role(role, pair, *_looked(fit, pair))
        origin = _origin([pair.column.name], reading.decode)
        yield f"{role.value}: {origin}{_beside(pair, '', reading.doubts)}"


def _looked(fit: Fit, pair: Pair) -> tuple[Shape, Words]:
    return fit.seen.shapes[pair.column.name], fit.seen.words.get(pair.column.name, Words())


def _origin(columns: list[str], decode: Chain) -> str:
    named: dict[str, object] = {"columns": columns} if columns[1:] else {"column": columns[0]}
    return plain(named | ({"decode": decode} if decode else {}))


def _beside(pair: Pair, label: str, doubts: tuple[str, ...]) -> str:
    said = note(pair.column.comment)
    parts = [said or label] if said or label else []
    if doubts:
        parts.append(f"{UNSURE} {'; '.join(doubts)}")
    return f" # {'; '.join(parts)}" if parts else ""


def _versions(seen: Seen) -> Iterator[str]:
    """History rows: only a person can say what the versions share, so the lines stay comments."""
    flags = [
        column.name
        for column in seen.table.columns
        if is_flag(column.name, column.comment, vocabulary().history)
    ]
    for name in flags:
        said = ", ".join(map(str, seen.words.get(name, Words()).said)) or "nothing yet"
        yield f"{UNSURE} history rows? `{name}` says {said}. See `version` in docs/manifests.md"


def _left_over(fit: Fit) -> Iterator[str]:
    mapped = {pair.column.name for pair in (*fit.fields.values(), *fit.controls.values())}
    mapped |= {name for columns in fit.keys.values() for name in columns}
    never = {entry.name: entry.label.zh for entry in fit.entry.never_mapped}
    missing = [field.name for field in fit.entry.fields if field.name not in fit.fields]
    idle = [column.name for column in fit.seen.table.columns if column.name not in mapped]
    numbers = [
        name for name, shape in fit.seen.shapes.items() if shape.share(shape.registration_numbers) > 0.5
    ]
    dated = [name for name in idle if _is_dated(fit.seen.shapes.get(name))]
    told: Mapping[str, list[str]] = {
        "fields without a column": missing,
        "columns without a field": idle,
        "dates among them": dated,
        "must not be mapped": [f"{name} ({label})" for name, label in never.items()],
        "old registration numbers, no key by themselves": numbers,
    }
    for title, names in told.items():
        if names:
            more = f" and {len(names) - _LIST} more" if len(names) > _LIST * 3 else ""
            yield f"{title}: {', '.join(names[: _LIST * 3])}{more}"


def _is_dated(shape: Shape | None) -> bool:
    # whole numbers read as dates too: only what is no code and nearly always a date
    return shape is not None and not shape.is_code and shape.share(shape.dates) > 0.9
