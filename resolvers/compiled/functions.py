"""Functions made of text, each once: documents that share a selection share what prints it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from textwrap import indent
from typing import Any, Final, TypeAlias

from graphql import GraphQLEnumType

from authz.masks import mask
from resolvers.compiled.leaves import HELPERS, enum_table
from resolvers.nodes import pointer_node, responsible_node

FUNCTIONS_KEPT: Final = 4_096
"""For what documents still to come share with those before: some 20 of a document, of 0.7 kB of text each."""
_GLOBALS: Final[dict[str, Any]] = {
    **HELPERS,
    "mask": mask,
    "pointer_node": pointer_node,
    "responsible_node": responsible_node,
}
_numbers: Final = count()


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A name that no other has, and the statement that gives it its value."""

    name: str
    text: str
    uses: tuple[Used, ...]
    value: Any
    """A function, or a table of functions."""


Used: TypeAlias = Function | GraphQLEnumType
"""What a text names: another function, or the table of what members of an enum print as."""


@lru_cache(FUNCTIONS_KEPT)
def function(before: str, stem: str, after: str, uses: tuple[Used, ...]) -> Function:
    """The function that a statement makes, before and after its name: `def `, `(read, out): ...`.

    What it uses comes to it as closures, so that it goes when the plans that print by it go.
    """
    name = f"{stem}_{next(_numbers)}"
    text = before + name + after
    parameters = ", ".join(each.name for each in uses)
    around = f"def made({parameters}):\n{indent(text, '    ')}\n    return {name}\n"
    made: dict[str, Any] = {}
    exec(compile(around, "<plan>", "exec"), _GLOBALS, made)  # noqa: S102 - written by us from the schema
    value = made["made"](*(each.value if isinstance(each, Function) else enum_table(each) for each in uses))
    return Function(name, text, uses, value)


def text_of(last: Function) -> str:
    """For people to read: the text of all it uses, and its own."""
    found: dict[Function, None] = {}

    def visit(one: Function) -> None:
        for each in one.uses:
            if isinstance(each, Function):
                visit(each)
        found[one] = None

    visit(last)
    return "\n".join(each.text for each in found)
