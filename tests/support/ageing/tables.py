"""The department that holds the rows: its database, and the manifest by which it is read."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from catalogue.identifiers import KeyKind
from catalogue.model import FieldType, RecordField, RecordType, Role
from tests.support.ageing.rows import ADULT, COMPANY, IDENTITY, SUBJECTS, Sample, catalogue, roles_of, samples

SOURCE: Final = "ageing"
_DECODED: Final[Mapping[FieldType, list[Any]]] = {
    FieldType.DATE: ["date"],
    FieldType.BOOLEAN: ["boolean"],
    FieldType.INTEGER: ["integer"],
    FieldType.LIST: ["split"],
    FieldType.CITIZEN_ID: ["citizenId"],
    FieldType.USCC: ["uscc"],
}
_DATES: Final = frozenset(role for role in Role if role.value.endswith(("On", "ntil", "From")))
_KEYS: Final = {KeyKind.CITIZEN_ID: "person", KeyKind.USCC: "entity"}


def _fields(entry: RecordType) -> list[RecordField]:
    """What the county's manifest maps of a type: what clocks look at, and one plain field."""
    wanted = set(entry.control_fields)
    plain = (
        one.name
        for one in entry.fields
        if not one.adverse and not one.role and one.type in (FieldType.STRING, FieldType.CODE)
    )
    wanted |= set(list(plain)[:1])
    return [one for one in entry.fields if one.name in wanted]


def manifest() -> dict[str, Any]:
    return {
        "source": SOURCE,
        "department": "FG",
        "system": {"zh": "样例系统", "en": "Sample system"},
        "contact": "0914-6000000",
        "connector": "sql",
        "url": "sqlite:///../ageing.db",
        "deadlineMs": 60_000,
        "inFlight": 1_000,
        "identity": IDENTITY,
        "records": {entry.code: _record(entry) for entry in _types()},
        "confirms": {
            "E-SC-99": {
                "table": "acting",
                "keys": {"USCC": {"columns": ["entity"]}},
                "identity": ["id"],
                "fields": {"representativeId": {"column": "person", "decode": ["citizenId"]}},
            }
        },
    }


def _types() -> list[RecordType]:
    return [entry for entry in catalogue().record_types.values() if entry.pointer is None]


def _record(entry: RecordType) -> dict[str, Any]:
    controls = {}
    for role in entry.controls:
        decode = ["date"] if role in _DATES else ["instant"] if role is Role.UPDATED_AT else None
        controls[role.value] = {"column": _column(role)} | ({"decode": decode} if decode else {})
    fields = {}
    for one in _fields(entry):
        decode = _DECODED.get(one.type)
        fields[one.name] = {"column": _column_of(one)} | ({"decode": decode} if decode else {})
    return {
        "table": _table(entry),
        "keys": {kind.value: {"columns": [_KEYS[kind]]} for kind in entry.keys},
        "identity": ["id"],
        "fields": fields,
        "controls": controls,
    }


def _table(entry: RecordType) -> str:
    return entry.code.replace("-", "_").lower()


def _column(role: Role) -> str:
    return "person" if role is Role.KEY else "r_" + role.value


def _column_of(one: RecordField) -> str:
    if one.role is Role.KEY and one.type is FieldType.USCC:
        return "entity"
    return _column(one.role) if one.role else f"f_{one.name}"


def _written(entry: RecordType, sample: Sample) -> dict[str, str]:
    name = SUBJECTS[sample.subject]
    row = {"id": sample.id, _KEYS[sample.subject.kind]: sample.subject.value}
    row |= {_column(role): value for role, value in sample.roles.items()}
    mapped = {one.name for one in _fields(entry)}
    row |= {f"f_{key}": value for key, value in sample.values.items() if key in mapped}
    if Role.NAME in roles_of(entry):
        row[_column(Role.NAME)] = name
    if entry.responsible:
        row[f"f_{entry.responsible.name}"] = name
    return row


def write_records(path: Path) -> None:
    with closing(sqlite3.connect(path)) as opened, opened:
        for entry in _types():
            columns = {"id", *_KEYS.values(), *map(_column, roles_of(entry))}
            columns |= set(map(_column_of, _fields(entry)))
            named = ", ".join(f"{column} TEXT" for column in sorted(columns))
            opened.execute(f"CREATE TABLE {_table(entry)} ({named})")
        opened.execute("CREATE TABLE acting (id TEXT, entity TEXT, person TEXT)")
        opened.execute("INSERT INTO acting VALUES ('1', ?, ?)", (COMPANY.value, ADULT.value))
        for sample in samples():
            row = _written(sample.entry, sample)
            places = ", ".join("?" for _ in row)
            into = f"{_table(sample.entry)} ({', '.join(row)})"
            opened.execute(f"INSERT INTO {into} VALUES ({places})", tuple(row.values()))
