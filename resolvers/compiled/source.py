"""The Python text that prints one plan under the decisions of one grant.

Written once for each shape of decisions and read by people too: `query --explain --dump-source`.
Denied fields are None in it and cost nothing, masks stand where the value is taken. The
functions take what `resolvers.reading` read: `read` a subject, `section`, `record`, `page`;
`out` collects the errors that stand in place of records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from textwrap import indent
from typing import Final

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
)

from authz.decisions import Decision, Effect
from catalogue.model import Catalogue
from resolvers.building import PROPERTY_OF, TypeView
from resolvers.compiled.leaves import Uncompiled, enum_table, leaf, unwrapped
from resolvers.compiled.tree import Field, Selection
from resolvers.deciding import Decided
from resolvers.planning import ResponsePath

_SUBJECT: Final = {
    "kind": "read.plan.kind",
    "subjectRef": "read.subject.ref",
    "displayName": "read.display_name",
    "uscc": "read.subject.key.value",
}
_SECTION: Final = {
    "recordType": "section.entry.code",
    "state": "section.state",
    "reason": "section.reason",
    "fetchedAt": "section.fetched_at",
    "present": "section.present",
}
_PAGE: Final = {
    "state": "page.state",
    "hasNextPage": "page.has_next",
    "hasPreviousPage": "page.has_previous",
    "startCursor": "page.start_cursor",
    "endCursor": "page.end_cursor",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an error may stand in place of a list."""

    nodes: list[FieldNode]
    path: ResponsePath
    """Below the subject."""


@dataclass(frozen=True, slots=True)
class Source:
    """A function `made` that takes the tables and returns the function that prints a subject."""

    text: str
    tables: Mapping[str, Mapping[object, str]]
    """What enum members print as, by the enum's name."""
    places: tuple[Place, ...]


def written(catalogue: Catalogue, decided: Decided, selection: Selection) -> Source:
    """The source for one subject; raises Uncompiled."""
    writer = _Writer(catalogue, decided)
    subject = writer.subject(selection)
    body = "\n".join([*writer.functions, f"return {subject}"])
    text = f"def made({', '.join(sorted(writer.tables))}):\n{indent(body, '    ')}\n"
    return Source(text, writer.tables, tuple(writer.places))


class _Writer:
    """Writes functions below each other, the inner before the outer."""

    def __init__(self, catalogue: Catalogue, decided: Decided) -> None:
        self._views = decided.views
        self._sections = {
            (catalogue.domains[view.entry.domain].field, view.entry.section): view
            for view in decided.views.values()
        }
        self.functions: list[str] = []
        self._names: dict[str, str] = {}
        """Functions that are written already, by what they do."""
        self.places: list[Place] = []
        self.tables: dict[str, Mapping[object, str]] = {}

    def subject(self, selection: Selection) -> str:
        """The function of the subject."""
        items = [(field, self._of_subject(field)) for field in selection.fields]
        return self._function("subject", "read, out", selection, items)

    def _of_subject(self, field: Field) -> str:
        if field.name in _SUBJECT:
            return self._leaf(field, _SUBJECT[field.name])
        if field.name == "records":
            return f"{self._page(field)}(read.page({field.key!r}), out)"
        if field.name == "responsiblePersons":
            return f"{self._responsible(field)}(responsible_node(read), out)"
        return f"{self._group(field)}(read, out)" if field.below else ""

    def _group(self, group: Field) -> str:
        (selection,) = group.below.values()
        items = []
        for field in selection.fields:
            text = ""
            if field.below:
                view = self._sections[group.name, field.name]
                section = self._section(field, view, (group.key, field.key))
                text = f"{section}(read.sections[{view.entry.code!r}], read, out)"
            items.append((field, text))
        return self._function(group.name, "read, out", selection, items)

    def _section(self, section: Field, view: TypeView, path: ResponsePath) -> str:
        (selection,) = section.below.values()
        items = [
            (
                field,
                self._records(field, view, (*path, field.key))
                if field.below
                else self._leaf(field, _SECTION.get(field.name, "")),
            )
            for field in selection.fields
        ]
        return self._function(section.name, "section, read, out", selection, items)

    def _records(self, field: Field, view: TypeView, path: ResponsePath) -> str:
        (selection,) = field.below.values()
        failed = f"out.fail(section.error, {self._place(field, path)})"
        if view.entry.pointer is not None:
            return f"[{self._node(selection)}(pointer_node(read.subject, section))]"
        if view.decisions.existence.effect is Effect.MASK:
            return f"None if section.state.answered else {failed}"
        record = self._record(selection, view)
        return (
            f"[{record}(record) for record in read.records(section)] if section.state.answered else {failed}"
        )

    def _record(self, selection: Selection, view: TypeView) -> str:
        items = [(field, self._of_record(field, view)) for field in selection.fields]
        used = " ".join(text for _, text in items)
        names = {
            "values": "record.values",
            "stripped": "record.healed.stripped",
            "context": "record.context",
        }
        before = [f"{name} = {value}" for name, value in names.items() if name in used]
        return self._function(view.entry.graphql_type, "record", selection, items, before)

    def _of_record(self, field: Field, view: TypeView) -> str:
        own = view.entry.field_by_name.get(field.name)
        if own is not None:
            value = _decided(view.decisions.fields[field.name], field.name)
            if value == "None":
                return value
            return self._leaf(field, f"None if stripped else {value}" if own.adverse else value)
        if field.name == "recordType":
            return repr(view.entry.code)
        value = f"record.{PROPERTY_OF[field.name]}" if field.name in PROPERTY_OF else ""
        return self._nested(field, value) if field.below else self._leaf(field, value)

    def _page(self, connection: Field) -> str:
        (selection,) = connection.below.values()
        items = []
        for field in selection.fields:
            if field.name == "edges":
                path = (connection.key, field.key)
                edges = f"[{self._edge(field)}(edge) for edge in page.edges]"
                text = f"{edges} if page.answered else out.fail(page.fault, {self._place(field, path)})"
            elif field.name == "sections":
                (status,) = field.below.values()
                text = f"[{self._plain('section', status, _SECTION)}(each) for each in page.sections]"
            elif field.name == "pageInfo":
                (info,) = field.below.values()
                text = f"{self._plain('page', info, _PAGE)}(page)"
            else:
                text = self._leaf(field, _PAGE.get(field.name, ""))
            items.append((field, text))
        return self._function("connection", "page, out", selection, items)

    def _edge(self, edges: Field) -> str:
        (selection,) = edges.below.values()
        items = []
        for field in selection.fields:
            if field.name == "node":
                text = f"{self._node_of_any(field)}[edge.record.record_type](edge.record)"
            else:
                text = self._leaf(field, "edge.cursor")
            items.append((field, text))
        return self._function("edge", "edge", selection, items)

    def _node_of_any(self, node: Field) -> str:
        """A table of functions by record type: of those whose records may be on a page."""
        printed = {
            code: self._record(node.below[view.entry.graphql_type], view)
            for code, view in self._views.items()
            if view.entry.graphql_type in node.below and view.decisions.existence.effect is Effect.PERMIT
        }
        name = f"node_{len(self.functions)}"
        members = ", ".join(f"{code!r}: {function}" for code, function in printed.items())
        self.functions.append(f"{name} = {{{members}}}\n")
        return name

    def _responsible(self, section: Field) -> str:
        (selection,) = section.below.values()
        items = []
        for field in selection.fields:
            if field.below:
                (person,) = field.below.values()
                listed = f"[{self._node(person)}(each) for each in v]"
                place = self._place(field, (section.key, field.key))
                is_list = '(v := node["persons"]).__class__ is list'
                text = f"{listed} if {is_list} else out.fail(v, {place})"
            else:
                text = self._leaf(field, f"node[{field.name!r}]")
            items.append((field, text))
        return self._function("responsible", "node, out", selection, items)

    def _nested(self, field: Field, value: str) -> str:
        """An object, or a list of objects, out of plain nodes."""
        (selection,) = field.below.values()
        function = self._node(selection)
        strict, inner = unwrapped(field.type)
        if isinstance(inner, GraphQLList) and not isinstance(inner.of_type, GraphQLNonNull):
            raise Uncompiled(str(field.type))
        many = isinstance(inner, GraphQLList)
        printed = f"[{function}(each) for each in v]" if many else f"{function}(v)"
        return f"{printed} if (v := {value}) is not None else {'unfit()' if strict else 'None'}"

    def _node(self, selection: Selection) -> str:
        items = [
            (
                field,
                self._nested(field, f"node[{field.name!r}]")
                if field.below
                else self._leaf(field, f"node[{field.name!r}]"),
            )
            for field in selection.fields
        ]
        return self._function(selection.type_name, "node", selection, items)

    def _plain(self, parameter: str, selection: Selection, values: Mapping[str, str]) -> str:
        items = [(field, self._leaf(field, values.get(field.name, ""))) for field in selection.fields]
        return self._function(selection.type_name, parameter, selection, items)

    def _leaf(self, field: Field, value: str) -> str:
        if field.name == "__typename":
            return ""
        if not value:
            raise Uncompiled(field.name)
        kind = get_named_type(field.type)
        if isinstance(kind, GraphQLEnumType):
            self.tables[kind.name] = enum_table(kind)
        return leaf(field.type, value)

    def _function(
        self,
        stem: str,
        parameters: str,
        selection: Selection,
        items: Iterable[tuple[Field, str]],
        before: Iterable[str] = (),
    ) -> str:
        printed = [
            f"        {field.key!r}: {selection.type_name!r},"
            if field.name == "__typename"
            else f"        {field.key!r}: {text},"
            for field, text in items
        ]
        lines = [f"({parameters}):", *(f"    {line}" for line in before)]
        body = "\n".join([*lines, "    return {", *printed, "    }\n"])
        name = self._names.get(body)
        if name is None:
            name = self._names[body] = f"{stem}_{len(self.functions)}"
            self.functions.append(f"def {name}{body}")
        return name

    def _place(self, field: Field, path: ResponsePath) -> int:
        self.places.append(Place(field.nodes, path))
        return len(self.places) - 1


def _decided(decision: Decision, name: str) -> str:
    """What a decision makes of a field, as an expression."""
    if decision.effect is Effect.PERMIT:
        return f"values[{name!r}]"
    if decision.effect is Effect.MASK and decision.mask:
        return f"mask({decision.mask!r}, values[{name!r}], context)"
    return "None"
