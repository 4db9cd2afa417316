"""The names a manifest may use, and how a chain of them becomes one function.

A chain runs left to right; NULL or an empty text ends it with None. After `split` every
further step runs on each part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from catalogue.values import Value
from connectors.errors import ManifestError
from connectors.shapes import Step as Written

Decoder: TypeAlias = Callable[[object], Value]
CodeTables: TypeAlias = Mapping[str, Mapping[str, str]]
StepFunction: TypeAlias = Callable[[Any], object]
Factory: TypeAlias = Callable[[object, CodeTables], StepFunction]
"""Builds a step from its written argument (None if bare); raises ValueError saying what is wrong."""


class DecodeError(ValueError):
    """A cell that cannot be decoded: a word of the decoder's own, never the cell."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Registered:
    """One decoder: how it is built and the type it gives (None: the type it was given)."""

    build: Factory
    gives: type | None


DECODERS: Final[dict[str, Registered]] = {}
"""Every decoder by name."""


def configured(name: str, *, gives: type | None = None) -> Callable[[Factory], Factory]:
    """Register a decoder that takes an argument; a name can be taken once."""

    def register(build: Factory) -> Factory:
        if name in DECODERS:
            raise ValueError(f"decoder {name!r} is registered twice")
        DECODERS[name] = Registered(build, gives)
        return build

    return register


def plain(name: str, *, gives: type | None = None) -> Callable[[StepFunction], StepFunction]:
    """Register a decoder without an argument."""

    def register(step: StepFunction) -> StepFunction:
        def build(argument: object, _tables: CodeTables) -> StepFunction:
            if argument is not None:
                raise ValueError("it takes no argument")
            return step

        configured(name, gives=gives)(build)
        return step

    return register


def compile_chain(steps: tuple[Written, ...], code_tables: CodeTables, where: str = "decode") -> Decoder:
    """One function from a cell to its value, which raises DecodeError.

    Raises ManifestError (MANIFEST_DECODER) for unknown names and wrong arguments.
    """
    functions = tuple(_build(step, code_tables, where) for step in steps)
    if len(functions) == 1:
        return _single(functions[0])

    def decode(cell: object) -> Value:
        for function in functions:
            if not cell and _empty(cell):
                return None
            cell = _each(function, cell) if type(cell) is tuple else function(cell)
        value: Any = cell
        return None if not value and _empty(value) else value

    return decode


def only_step(steps: tuple[Written, ...], code_tables: CodeTables, where: str) -> StepFunction | None:
    """The step of a chain of one that says what it gives; what it is asked is no tuple, and not empty."""
    if len(steps) != 1 or DECODERS[_name_of(steps[0])[0]].gives is None:
        return None
    return _build(steps[0], code_tables, where)


def _single(function: StepFunction) -> Decoder:
    """A chain of one step, as most are."""

    def decode(cell: object) -> Value:
        if not cell and _empty(cell):
            return None
        value: Any = _each(function, cell) if type(cell) is tuple else function(cell)
        return None if not value and _empty(value) else value

    return decode


class Unreadable:
    """In place of a cell whose bytes are not in the charset that the manifest names; never holds them."""

    def __bool__(self) -> bool:
        """False, so that chains look at it where they look for nothing."""
        return False


def _empty(cell: object) -> bool:
    """NULL and empty texts or lists, but neither zero nor false; raises DecodeError for the unreadable."""
    if isinstance(cell, Unreadable):
        raise DecodeError("CHARSET")
    return cell is None or isinstance(cell, str | bytes | tuple | list)


def result_type(steps: tuple[Written, ...]) -> type:
    """The type a chain of known names gives: `str` unless a step says otherwise, `tuple` after `split`."""
    gives = [DECODERS[_name_of(step)[0]].gives for step in steps]
    if tuple in gives:
        return tuple
    return next((found for found in reversed(gives) if found), str)


def ends_in_text(steps: tuple[Written, ...]) -> bool:
    """Whether the last step gives text by itself, whatever it was given."""
    return bool(steps) and DECODERS[_name_of(steps[-1])[0]].gives is str


def _each(function: StepFunction, parts: tuple[object, ...]) -> tuple[object, ...]:
    decoded = (function(part) for part in parts)
    return tuple(part for part in decoded if part not in (None, ""))


def _name_of(step: Written) -> tuple[str, object]:
    if isinstance(step, str):
        return step, None
    if len(step) != 1:
        raise ValueError("write one decoder a step, as `name` or `{name: argument}`")
    return next(iter(step.items()))


def _build(step: Written, code_tables: CodeTables, where: str) -> StepFunction:
    try:
        name, argument = _name_of(step)
        if name not in DECODERS:
            raise ValueError(f"it is unknown; choose from {', '.join(sorted(DECODERS))}")
        return DECODERS[name].build(argument, code_tables)
    except ValueError as fault:
        written = step if isinstance(step, str) else "/".join(map(str, step))
        raise ManifestError("MANIFEST_DECODER", where, f"decoder {written!r}: {fault}") from None
