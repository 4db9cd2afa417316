"""The Python text that reads a row in which nothing is out of the ordinary.

Written once for each plan and shown by `query --dump-source`: a text stands as it is, a known code is
looked up, the number that was asked for is known, any other cell goes through its decoder. What raises
is read again by the plan's own readers, which say where the fault is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from catalogue.model import Role
from catalogue.values import Value
from connectors.attributes import Attribute
from connectors.cells import Cells, Positions

RowReader: TypeAlias = Callable[[Cells, str | None], tuple[str | None, dict[Role, Value], dict[str, Value]]]
"""Identity where one whole number is it, controls and output values; raises CellError or DecodeError.

The text is the citizen id that was asked for, where it is known to be one.
"""
_NOTHING: Final = "None"


def row_reader(
    controls: Mapping[Role, Attribute],
    outputs: Sequence[tuple[str, Role | None, Attribute | None]],
    identity: tuple[int, ...],
    at: Positions,
) -> tuple[RowReader, str]:
    """The compiled reader and its text; an output with a role has the value of that control."""
    text, names = written(controls, outputs, identity, at)
    made: dict[str, Any] = {}
    exec(compile(text, "<row>", "exec"), names, made)  # noqa: S102 - written by us from the manifest
    reader: RowReader = made["read"]
    return reader, text


def written(
    controls: Mapping[Role, Attribute],
    outputs: Sequence[tuple[str, Role | None, Attribute | None]],
    identity: tuple[int, ...],
    at: Positions,
) -> tuple[str, dict[str, object]]:
    """The function `read`, and what the names in it stand for."""
    names: dict[str, object] = {f"role_{role.name}": role for role in controls}
    before = [
        f"    {role.name} = {_expression(role.name, attribute, at, names)}"
        for role, attribute in controls.items()
    ]
    held = ", ".join(f"role_{role.name}: {role.name}" for role in controls)
    values = (
        f"{name!r}: {role.name if role else _expression(name, attribute, at, names)}"
        for name, role, attribute in outputs
    )
    alone = f"str(v) if (v := c[{identity[0]}]).__class__ is int else None" if len(identity) == 1 else None
    result = f"    return {alone}, {{{held}}}, {{{', '.join(values)}}}"
    return "\n".join(["def read(c, asked):", *before, result]), names


def _expression(name: str, attribute: Attribute | None, at: Positions, names: dict[str, object]) -> str:
    if attribute is None:
        return _NOTHING
    plain = attribute.plain
    if plain is None:
        names[f"read_{name}"] = attribute.reader(at)
        return f"read_{name}(c)"
    names[f"decode_{name}"] = plain.decode
    cell, decoded = f"(v := c[{at[plain.column]}])", f"(None if v is None else decode_{name}(v))"
    if plain.bare:  # letters and digits alone: nothing in it to trim
        return f"v if {cell}.__class__ is str and v.isalnum() else {decoded}"
    if plain.words:
        names[f"words_{name}"] = plain.words
        return f"words_{name}[v] if {cell}.__class__ is str and v in words_{name} else {decoded}"
    if plain.step:
        names[f"step_{name}"] = plain.step
        stepped = f"(step_{name}(v) or None)" if plain.gives in (str, tuple) else f"step_{name}(v)"
        # a number may be the one that was asked for, which need not be read again
        known, v = (f"asked if {cell} == asked else ", "v") if plain.citizen else ("", cell)
        return f"{known}({stepped} if {v} and v.__class__ is not tuple else {decoded})"
    return f"None if {cell} is None else decode_{name}(v)"
