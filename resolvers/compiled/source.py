"""The Python text that prints one plan under the decisions of one grant.

Written once for each shape of decisions and read by people too: `query --explain --dump-source`.
Denied fields are None in it and cost nothing, masks stand where the value is taken. The
functions take what `resolvers.reading` read: `read` a subject, `section`, `record`, `page`;
`out` collects the errors that stand in place of records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
)

from authz.decisions import Decision, Effect
from authz.masks import of_text_alone
from catalogue.model import Catalogue
from resolvers.building import PROPERTY_OF, TypeView
from resolvers.compiled.functions import Function, Used, function, text_of
from resolvers.compiled.leaves import Uncompiled, leaf, unwrapped
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
    """The function that prints a subject, or another object."""

    function: Function
    places: tuple[Place, ...]

    @property
    def text(self) -> str:
        """All of it, for people to read."""
        return text_of(self.function)


def written(catalogue: Catalogue, decided: Decided, selection: Selection) -> Source:
    """The source for one subject; raises Uncompiled."""
    sections = {
        (catalogue.domains[view.entry.domain].field, view.entry.section): view
        for view in decided.views.values()
    }
    writer = Writer(decided.views, sections)
    return writer.source(writer.subject(selection))


class Writer:
    """Writes functions below each other, the inner before the outer."""

    def __init__(
        self,
        views: Mapping[str, TypeView],
        sections: Mapping[tuple[str, str], TypeView] = MappingProxyType({}),
    ) -> None:
        self._views = views
        self._sections = sections
        """By the fields of their group and of themselves."""
        self._used: dict[str, Used] = {}
        """What the function names that is being written."""
        self.places: list[Place] = []

    def source(self, name: str) -> Source:
        """What was written, by the name of the last function."""
        written = self._used[name]
        assert isinstance(written, Function)  # noqa: S101 - for the type checker
        return Source(written, tuple(self.places))

    def subject(self, selection: Selection) -> str:
        """The function of the subject."""
        return self._function("subject", "read, out", selection, self._of_subject)

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

        def section(field: Field) -> str:
            if not field.below:
                return ""
            view = self._sections[group.name, field.name]
            name = self._section(field, view, (group.key, field.key))
            return f"{name}(read.sections[{view.entry.code!r}], read, out)"

        return self._function(group.name, "read, out", selection, section)

    def _section(self, section: Field, view: TypeView, path: ResponsePath) -> str:
        (selection,) = section.below.values()

        def member(field: Field) -> str:
            if field.below:
                return self._records(field, view, (*path, field.key))
            return self._leaf(field, _SECTION.get(field.name, ""))

        return self._function(section.name, "section, read, out", selection, member)

    def _records(self, field: Field, view: TypeView, path: ResponsePath) -> str:
        (selection,) = field.below.values()
        failed = f"out.fail(section.error, {self._place(field, path)})"
        if view.entry.pointer is not None:
            return f"[{self._node(selection)}(pointer_node(read.subject, section))]"
        if view.decisions.existence.effect is Effect.MASK:
            return f"None if section.state.answered else {failed}"
        record = self.record(selection, view)
        return (
            f"[{record}(record) for record in read.records(section)] if section.state.answered else {failed}"
        )

    def record(self, selection: Selection, view: TypeView) -> str:
        """The function of the records of one type."""
        attributes = {"values": False, "stripped": False, "context": False}
        return self._function(
            view.entry.graphql_type,
            "record",
            selection,
            lambda field: self._of_record(field, view, attributes),
            lambda: [f"{name} = record.{name}" for name, named in attributes.items() if named],
        )

    def _of_record(self, field: Field, view: TypeView, attributes: dict[str, bool]) -> str:
        """The value of a field; marks the record's attributes that it names."""
        own = view.entry.field_by_name.get(field.name)
        if own is not None:
            decision = view.decisions.fields[field.name]
            value = _decided(decision, field.name)
            if value == "None":
                return value
            attributes["values"] = True
            attributes["stripped"] |= own.adverse
            attributes["context"] |= _in_context(decision)
            return self._leaf(field, f"None if stripped else {value}" if own.adverse else value)
        if field.name == "recordType":
            return repr(view.entry.code)
        value = f"record.{PROPERTY_OF[field.name]}" if field.name in PROPERTY_OF else ""
        return self._nested(field, value) if field.below else self._leaf(field, value)

    def _page(self, connection: Field) -> str:
        (selection,) = connection.below.values()

        def member(field: Field) -> str:
            if field.name == "edges":
                edges = f"[{self._edge(field)}(edge) for edge in page.edges]"
                place = self._place(field, (connection.key, field.key))
                return f"{edges} if page.answered else out.fail(page.fault, {place})"
            if field.name == "sections":
                (status,) = field.below.values()
                return f"[{self._plain('section', status, _SECTION)}(each) for each in page.sections]"
            if field.name == "pageInfo":
                (info,) = field.below.values()
                return f"{self._plain('page', info, _PAGE)}(page)"
            return self._leaf(field, _PAGE.get(field.name, ""))

        return self._function("connection", "page, out", selection, member)

    def _edge(self, edges: Field) -> str:
        (selection,) = edges.below.values()

        def member(field: Field) -> str:
            if field.name == "node":
                return f"{self._node_of_any(field)}[edge.record.record_type](edge.record)"
            return self._leaf(field, "edge.cursor")

        return self._function("edge", "edge", selection, member)

    def _node_of_any(self, node: Field) -> str:
        """A table of functions by record type: of those whose records may be on a page."""

        def table() -> str:
            members = [
                f"{code!r}: {self.record(node.below[view.entry.graphql_type], view)}"
                for code, view in self._views.items()
                if view.entry.graphql_type in node.below and view.decisions.existence.effect is Effect.PERMIT
            ]
            return f" = {{{', '.join(members)}}}\n"

        return self._written("", "node", table)

    def _responsible(self, section: Field) -> str:
        (selection,) = section.below.values()

        def member(field: Field) -> str:
            if not field.below:
                return self._leaf(field, f"node[{field.name!r}]")
            (person,) = field.below.values()
            listed = f"[{self._node(person)}(each) for each in v]"
            place = self._place(field, (section.key, field.key))
            return f'{listed} if (v := node["persons"]).__class__ is list else out.fail(v, {place})'

        return self._function("responsible", "node, out", selection, member)

    def _nested(self, field: Field, value: str) -> str:
        """An object, or a list of objects, out of plain nodes."""
        (selection,) = field.below.values()
        return each_or_one(field, value, self._node(selection))

    def _node(self, selection: Selection) -> str:
        def member(field: Field) -> str:
            value = f"node[{field.name!r}]"
            return self._nested(field, value) if field.below else self._leaf(field, value)

        return self._function(selection.type_name, "node", selection, member)

    def _plain(self, parameter: str, selection: Selection, values: Mapping[str, str]) -> str:
        def member(field: Field) -> str:
            return self._leaf(field, values.get(field.name, ""))

        return self._function(selection.type_name, parameter, selection, member)

    def _leaf(self, field: Field, value: str) -> str:
        if field.name == "__typename":
            return ""
        if not value:
            raise Uncompiled(field.name)
        kind = get_named_type(field.type)
        if isinstance(kind, GraphQLEnumType):
            self._used[kind.name] = kind
        return leaf(field.type, value, of_batch=field.name == "fetchedAt")

    def _function(
        self,
        stem: str,
        parameters: str,
        selection: Selection,
        value_of: Callable[[Field], str],
        before: Callable[[], list[str]] = list,
    ) -> str:
        """A function that prints a selection, by the expressions of its fields; and first, statements."""

        def body() -> str:
            members = []
            for field in selection.fields:
                value = repr(selection.type_name) if field.name == "__typename" else value_of(field)
                members.append(f"        {field.key!r}: {value},")
            lines = [f"({parameters}):", *(f"    {line}" for line in before()), "    return {", *members]
            return "\n".join([*lines, "    }\n"])

        return self._written("def ", stem, body)

    def _written(self, before: str, stem: str, after: Callable[[], str]) -> str:
        """The name of what is written around it, for the function around that to use."""
        around, self._used = self._used, {}
        text = after()
        made = function(before, stem, text, tuple(self._used.values()))
        self._used = around
        self._used[made.name] = made
        return made.name

    def _place(self, field: Field, path: ResponsePath) -> int:
        self.places.append(Place(field.nodes, path))
        return len(self.places) - 1


def each_or_one(field: Field, value: str, function: str, *more: str) -> str:
    """An object, or a list of objects, each printed by a function that may take more than the object."""
    strict, inner = unwrapped(field.type)
    if isinstance(inner, GraphQLList):
        if not isinstance(inner.of_type, GraphQLNonNull):
            raise Uncompiled(str(field.type))
        printed = f"[{function}({', '.join(('each', *more))}) for each in v]"
    else:
        printed = f"{function}({', '.join(('v', *more))})"
    return f"{printed} if (v := {value}) is not None else {'unfit()' if strict else 'None'}"


def _decided(decision: Decision, name: str) -> str:
    """What a decision makes of a field, as an expression."""
    if decision.effect is Effect.PERMIT:
        return f"values[{name!r}]"
    if decision.effect is Effect.MASK and decision.mask:
        context = ", context" if _in_context(decision) else ""
        return f"mask({decision.mask!r}, values[{name!r}]{context})"
    return "None"


def _in_context(decision: Decision) -> bool:
    """Whether it masks by more than the text."""
    return decision.effect is Effect.MASK and decision.mask is not None and not of_text_alone(decision.mask)
