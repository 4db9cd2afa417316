"""How fields and types of the graph are declared: always bilingual, always classified."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any

import strawberry
from strawberry.types.base import StrawberryType
from strawberry.types.field import StrawberryField

from catalogue.model import DataClass, Label
from resolvers.directives import Masked, classified


def bilingual(zh: str, en: str) -> str:
    """A description: Chinese first, English below."""
    return f"{zh}\n\n{en}"


def described(
    zh: str,
    en: str,
    level: DataClass = DataClass.PUBLIC,
    *,
    mask: str | None = None,
    resolver: Callable[..., object] | None = None,
    name: str | None = None,
) -> Any:
    """A field with its bilingual description, data class and mask."""
    directives: list[object] = [classified(level)]
    if mask:
        directives.append(Masked(rule=mask))
    options: dict[str, Any] = {"description": bilingual(zh, en), "directives": directives}
    if name:
        options["name"] = name
    if resolver:
        options["resolver"] = resolver
    return strawberry.field(**options)


def mutation(resolver: Callable[..., object], result: object, zh: str, en: str) -> Any:
    """An act of the graph: described, and for those who may do it."""
    return strawberry.mutation(
        resolver=resolver,
        graphql_type=result,
        description=bilingual(zh, en),
        directives=[classified(DataClass.AUTHORIZED)],
    )


def object_type(
    name: str,
    label: Label,
    members: Iterable[tuple[str, object, StrawberryField]],
    *,
    bases: tuple[type, ...] = (),
    directives: Iterable[object] = (),
    note: Label | None = None,
) -> type:
    """Create a GraphQL object type from data: `members` are (field name, annotation, field).

    Nodes of the type are `dict`s whose `"__typename"` is the type's name.
    """
    annotations: dict[str, object] = {}
    body: dict[str, object] = {"__annotations__": annotations, "__module__": __name__}
    for field_name, annotation, member in members:
        annotations[field_name] = annotation
        body[field_name] = member
    body["is_type_of"] = staticmethod(lambda node, _info: node["__typename"] == name)
    zh, en = label.zh, label.en
    if note:
        zh, en = f"{zh}。{note.zh}", f"{en}. {note.en}"
    created: type = type(name, bases, body)
    return strawberry.type(created, name=name, description=bilingual(zh, en), directives=list(directives))


def named_enum(members: type[Enum], name: str, label: Label, values: Mapping[Any, Label]) -> None:
    """Register an enum of the lower packages as a GraphQL enum, every value described."""
    strawberry.enum(members, name=name, description=bilingual(label.zh, label.en))
    for value in members.__strawberry_definition__.values:  # type: ignore[attr-defined]
        described_value = values[members[value.name]]
        value.description = bilingual(described_value.zh, described_value.en)


def optional(kind: type | StrawberryType) -> object:
    """`kind | None` as an annotation for types that are made at run time."""
    return kind | None  # type: ignore[operator]
