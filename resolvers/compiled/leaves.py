"""Leaves: an expression that prints a value if it has just the class its type expects, and fails if not.

What fails is printed by graphql-core, which knows every conversion and every message of the
specification; so nothing here converts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, Final, NoReturn

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    GraphQLScalarType,
)

from catalogue.values import CHINA_TIME, PartialDate, Precision


class Unfit(Exception):
    """The value does not have the class that its leaf prints; graphql-core says what to do."""


class Uncompiled(Exception):
    """The selection holds something that is not compiled."""


def unfit() -> NoReturn:
    """In an expression: not here."""
    raise Unfit


def day(value: object) -> str:
    """ISO 8601, with the precision that is known."""
    if value.__class__ is not PartialDate:
        raise Unfit
    assert isinstance(value, PartialDate)  # noqa: S101 - for the type checker
    if value.precision is Precision.DAY and not value.open_ended:
        return value.earliest.isoformat()
    return str(value)


def instant(value: object) -> str:
    """RFC 3339 in Asia/Shanghai."""
    if value.__class__ is not datetime:
        raise Unfit
    assert isinstance(value, datetime)  # noqa: S101 - for the type checker
    if value.tzinfo is None:
        raise Unfit
    local = value if value.tzinfo is CHINA_TIME else value.astimezone(CHINA_TIME)
    return local.isoformat("T", "milliseconds")


@lru_cache(256, typed=True)
def fetched(value: object) -> str:
    """`instant` of when the gateway asked, which all requests of a batch share."""
    return instant(value)


def money(value: object) -> str:
    """An exact decimal."""
    if value.__class__ is not Decimal:
        raise Unfit
    return format(value, "f")


def integer(value: object) -> int:
    """32 bits, as the specification has it."""
    if value.__class__ is int and -(2**31) <= value < 2**31:
        return value
    raise Unfit


def texts(value: object) -> list[str]:
    """A list of texts, none of them null."""
    if value.__class__ not in (tuple, list) or any(each.__class__ is not str for each in value):
        raise Unfit
    return list(value)


def members(table: Mapping[object, str], values: object) -> list[str]:
    """A list of an enum's members, none of them null."""
    if values.__class__ not in (tuple, list):
        raise Unfit
    assert isinstance(values, tuple | list)  # noqa: S101 - for the type checker
    return [table[each] for each in values]


HELPERS: Final[Mapping[str, Callable[..., Any]]] = {
    each.__name__: each for each in (unfit, day, instant, fetched, money, integer, texts, members)
}
"""What expressions call."""
_CLASS: Final = {
    "String": "str",
    "ID": "str",
    "RecordTypeCode": "str",
    "ScenarioCode": "str",
    "Uscc": "str",
    "Boolean": "bool",
}
_HELPER: Final = {"PartialDate": "day", "DateTime": "instant", "Money": "money", "Int": "integer"}


def leaf(kind: GraphQLOutputType, value: str, *, of_batch: bool = False) -> str:
    """An expression that prints the value of an expression; raises Uncompiled for a type unknown here.

    What is the same `of_batch` is remembered from one request to the next, which no value of a record is.
    """
    strict, inner = unwrapped(kind)
    if isinstance(inner, GraphQLScalarType) and inner.name in _CLASS:
        null = "" if strict else " or v is None"
        return f"v if (v := {value}).__class__ is {_CLASS[inner.name]}{null} else unfit()"
    if strict:
        return _printed(inner, value, of_batch=of_batch)
    return f"None if (v := {value}) is None else {_printed(inner, 'v', of_batch=of_batch)}"


def _printed(kind: GraphQLOutputType, value: str, *, of_batch: bool) -> str:
    """The same for a value that is not null, of a class that is not JSON's."""
    if isinstance(kind, GraphQLEnumType):
        return f"{kind}[{value}]"
    if isinstance(kind, GraphQLScalarType) and kind.name in _HELPER:
        helper = "fetched" if of_batch and kind.name == "DateTime" else _HELPER[kind.name]
        return f"{helper}({value})"
    item = kind.of_type if isinstance(kind, GraphQLList) else None
    named = item.of_type if isinstance(item, GraphQLNonNull) else None
    if isinstance(named, GraphQLEnumType):
        return f"members({named}, {value})"
    if isinstance(named, GraphQLScalarType) and _CLASS.get(named.name) == "str":
        return f"texts({value})"
    raise Uncompiled(str(kind))


def unwrapped(kind: GraphQLOutputType) -> tuple[bool, GraphQLOutputType]:
    """Whether null may not stand there, and the type without saying so."""
    return (True, kind.of_type) if isinstance(kind, GraphQLNonNull) else (False, kind)


@lru_cache(1_024)
def enum_table(kind: GraphQLEnumType) -> dict[object, str]:
    """What graphql-core prints for each member."""
    wrapped: type[Enum] = kind.wrapped_cls  # type: ignore[attr-defined]
    return {member: kind.coerce_output_value(member) for member in wrapped}
