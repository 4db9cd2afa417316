"""The bench's question as data: which fields of which sections it asks for, and of which columns they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from graphql import (
    REMOVE,
    FieldNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

from bench.load import CASE, OPERATION
from bench.prepare import HERE
from bench.tables import POSTGRESQL
from catalogue.loader import load_catalogue
from resolvers.checks.documents import chunk_operation_of

QUERY: Final = (HERE / "query.graphql").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Asked:
    """One section of the question: `fields` are those of its records, without the fragment's."""

    group: str
    name: str
    fields: tuple[str, ...]

    @property
    def type_name(self) -> str:
        """The GraphQL type of one record, for contenders that name their own."""
        return self.name[0].upper() + self.name[1:].removesuffix("s")


def _fields(selection: SelectionSetNode | None) -> Iterator[FieldNode]:
    for node in selection.selections if selection else ():
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from _fields(node.selection_set)


def _asked() -> Iterator[Asked]:
    operation = parse(QUERY).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    (subject,) = _fields(operation.selection_set)
    for group in _fields(subject.selection_set):
        for section in _fields(group.selection_set):
            (records,) = (each for each in _fields(section.selection_set) if each.name.value == "records")
            fields = tuple(each.name.value for each in _fields(records.selection_set))
            yield Asked(group.name.value, section.name.value, fields)


ASKED: Final = tuple(_asked())
"""In the order of the question."""

_RECORD: Final = "recordType nature status provenance { department system sourceUpdatedAt }"


def federated(*, many: bool) -> str:
    """The question in the peers' graph, where sections stand on the person: no department owns a group."""
    root = "subjects(persons: $who)" if many else "subject(person: $who)"
    kind = "[PersonLookup!]!" if many else "PersonLookup!"
    sections = " ".join(
        f"{each.name} {{ state fetchedAt records {{ {_RECORD} {' '.join(each.fields)} }} }}" for each in ASKED
    )
    return f"query {OPERATION}($who: {kind}) {{ {root} {{ kind displayName {sections} }} }}"


@cache
def chunked() -> str:
    """What `credit-gateway check` sends for the scenario: a bulk check of many persons at once."""
    catalogue = load_catalogue()
    return chunk_operation_of(catalogue.scenarios[str(CASE["scenario"])], catalogue)


def tabular(departments: Sequence[Mapping[str, Any]]) -> str:
    """The question in the graph of PostGraphile and Mesh: a root field a table, rows by their key."""
    fields = [_table(each, each["engine"]) for each in _tables(departments)]
    variables = "$numbers: [String!]!, $forms: [String!]!, $listed: String!"
    return f"query {OPERATION}({variables}) {{ {' '.join(fields)} }}"


def _tables(departments: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for department in departments:
        if department["register"]:
            yield {"name": "register", **department["register"], "engine": department["engine"]}
        yield from (section | {"engine": department["engine"]} for section in department["sections"])


def _table(table: Mapping[str, Any], engine: str) -> str:
    """Rows of some numbers: `in` is PostGraphile's filter, a text with a list in it the one of Mesh."""
    numbers = "$numbers" if table["forms"] == ["NORMAL"] else "$forms"
    wanted = f"filter: {{{table['key']}: {{in: {numbers}}}}}"
    if engine != POSTGRESQL:
        wanted = f"where: {{{table['key']}: $listed}}"
    columns = {"citizenId": table["key"], **table["columns"]}
    rows = " ".join(f"{field}: {column}" for field, column in columns.items())
    return f"{table['name']}: {table['table']}({wanted}) {{ {rows} }}"


def without(query: str, section: str) -> str:
    """The question without one section, and without the group that this leaves empty."""
    return print_ast(visit(parse(query), _Without(section)))


class _Without(Visitor):
    def __init__(self, section: str) -> None:
        super().__init__()
        self._section = section

    def leave_field(self, node: FieldNode, *_: object) -> Any:  # noqa: ANN401 - a node or an action
        named = (node.alias or node.name).value == self._section
        emptied = node.selection_set is not None and not node.selection_set.selections
        return REMOVE if named or emptied else None
