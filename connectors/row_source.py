"""The Python text that reads a row in which nothing is out of the ordinary.

Written once for each plan: a text stands as it is, a known code is looked up, any other cell goes
through its decoder. What raises is read again by the plan's own readers, which say where the fault is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from catalogue.model import Role
from catalogue.values import Value
from connectors.attributes import Attribute
from connectors.cells import Cells, Positions
from connectors.decoders.text import BEFORE, BLANKS

RowReader: TypeAlias = Callable[[Cells], tuple[dict[Role, Value], dict[str, Value]]]
"""Controls and output values of a row; raises CellError or DecodeError."""
_NOTHING: Final = "None"


def row_reader(
    controls: Mapping[Role, Attribute],
    outputs: Sequence[tuple[str, Role | None, Attribute | None]],
    at: Positions,
) -> RowReader:
    """The compiled reader; an output with a role has the value of that control."""
    text, names = written(controls, outputs, at)
    made: dict[str, Any] = {}
    exec(compile(text, "<row>", "exec"), names, made)  # noqa: S102 - written by us from the manifest
    reader: RowReader = made["read"]
    return reader


def written(
    controls: Mapping[Role, Attribute],
    outputs: Sequence[tuple[str, Role | None, Attribute | None]],
    at: Positions,
) -> tuple[str, dict[str, object]]:
    """The function `read`, and what the names in it stand for."""
    names: dict[str, object] = {"BEFORE": BEFORE, "BLANKS": BLANKS}
    names |= {f"role_{role.name}": role for role in controls}
    before = [
        f"    {role.name} = {_expression(role.name, attribute, at, names)}"
        for role, attribute in controls.items()
    ]
    held = ", ".join(f"role_{role.name}: {role.name}" for role in controls)
    values = (
        f"{name!r}: {role.name if role else _expression(name, attribute, at, names)}"
        for name, role, attribute in outputs
    )
    text = "\n".join(["def read(c):", *before, f"    return {{{held}}}, {{{', '.join(values)}}}"])
    return text, names


def _expression(name: str, attribute: Attribute | None, at: Positions, names: dict[str, object]) -> str:
    if attribute is None:
        return _NOTHING
    plain = attribute.plain
    if plain is None:
        names[f"read_{name}"] = attribute.reader(at)
        return f"read_{name}(c)"
    names[f"decode_{name}"] = plain.decode
    cell, decoded = f"c[{at[plain.column]}]", f"decode_{name}"
    if plain.bare:
        bare = "v[0] not in BEFORE and v[-1] not in BLANKS"
        return f"v if (v := {cell}).__class__ is str and v and {bare} else {decoded}(v)"
    if plain.words:
        names[f"words_{name}"] = plain.words
        return f"words_{name}[v] if (v := {cell}).__class__ is str and v in words_{name} else {decoded}(v)"
    return f"{decoded}({cell})"
