"""Texts that share nothing: who compiles what a text asks for finds nothing of it that was compiled before.

The same fields under other names: the operation has a new one, and the last field of each selection that has
none below it. Every section has such a selection, and what prints a selection names what prints those in it.
"""

from __future__ import annotations

from random import Random
from string import ascii_lowercase
from typing import Final

from graphql import FieldNode, NameNode, OperationDefinitionNode, SelectionSetNode, Visitor, parse, visit

WORD: Final = "\0"
"""Stands in a template for the word that is new with each text."""


def template(query: str) -> str:
    """The question with WORD wherever a text differs from all others: what fills it in parses nothing."""
    places = _Places()
    visit(parse(query), places)
    for start, end, new in reversed(places.found):
        query = query[:start] + new + query[end:]
    return query


def new_word(dice: Random) -> str:
    """A word that was not met before; of letters, for figures may be somebody's number."""
    return f"New{''.join(dice.choices(ascii_lowercase, k=12))}"


class _Places(Visitor):
    """What is replaced by what, in the order of the text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, int, str]] = []

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: object) -> None:
        if node.name:
            self.found.append((*_span(node.name), WORD))

    def enter_selection_set(self, node: SelectionSetNode, *_: object) -> None:
        if any(getattr(each, "selection_set", None) for each in node.selections):
            return
        last = next(each for each in reversed(node.selections) if isinstance(each, FieldNode))
        # numbered, for what a fragment names so stands beside what others do
        alias = f"{WORD}_{len(self.found)}"
        start, end = _span(last.alias or last.name)
        self.found.append((start, end, alias) if last.alias else (start, start, f"{alias}: "))


def _span(name: NameNode) -> tuple[int, int]:
    assert name.loc
    return name.loc.start, name.loc.end
