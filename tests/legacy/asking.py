"""Ask a legacy department for everything that its manifest maps, and show the answer exactly."""

from __future__ import annotations

from catalogue.identifiers import SubjectKey
from catalogue.values import Value
from connectors.protocol import Ask, Row, Source

COMPANY = "91990100MA9TE00142"
PERSON, OTHER, MINOR = "990101198001010014", "990101197512310022", "99010120120615004X"


async def told(source: Source, code: str, number: str) -> tuple[list[dict[str, object]], list[str]]:
    """Records of one subject, and why rows were rejected (`column: REASON`).

    A record is its fields and, behind `@`, its controls; what is null is left out.
    """
    key = SubjectKey.person(number) if code.startswith("P") else SubjectKey.entity(number)
    fields = frozenset(source.manifest.records[code].fields)
    answer = await source.fetch(Ask(code, fields, (key,)))
    rejects = [f"{reject.column or 'row'}: {reject.reason}" for reject in answer.rejects.get(key, ())]
    return [_shown(row) for row in sorted(answer.rows[key], key=lambda row: row.identity)], rejects


async def records(source: Source, code: str, number: str) -> list[dict[str, object]]:
    """Records of one subject of whom every row can be read."""
    found, rejects = await told(source, code, number)
    assert not rejects
    return found


def _shown(row: Row) -> dict[str, object]:
    fields = {name: _plain(value) for name, value in row.values.items() if value is not None}
    carried = set(fields.values()) - {None}
    controls = {f"@{role.value}": _plain(value) for role, value in row.controls.items() if value is not None}
    return fields | {
        name: value for name, value in controls.items() if value not in carried or name == "@status"
    }


def _plain(value: Value) -> str:
    return "、".join(value) if isinstance(value, tuple) else str(value)
