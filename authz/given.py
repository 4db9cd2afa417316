"""Rows that a statement is given as one parameter, so that its text is the same for however many.

`IN` with a list has another text for every length: SQLAlchemy writes it and the database parses
it anew each time, which costs more than what it looks for.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import orjson
from sqlalchemy import JSON, Dialect, Select, Text, TypeDecorator, bindparam, column, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class _AsJson(TypeDecorator[Collection[tuple[str, ...]]]):
    """Rows of text as a JSON array of arrays."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Collection[tuple[str, ...]] | None, dialect: Dialect) -> str:
        return orjson.dumps(list(value or ())).decode()


class _Rows(FunctionElement[Any]):
    """The members of a JSON array as rows with a column `value`."""

    name = "given"
    inherit_cache = True


@compiles(_Rows, "sqlite")
def _each(element: _Rows, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's own
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(_Rows, "postgresql")
def _elements(element: _Rows, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's own
    return f"json_array_elements(CAST({compiler.process(element.clauses, **options)} AS json))"


def given(name: str, width: int = 1) -> Select[Any]:
    """The rows of a parameter, tuples of so many texts, for `column.in_` or `tuple_(…).in_`."""
    rows = _Rows(bindparam(name, type_=_AsJson())).table_valued(column("value", JSON))
    return select(*(rows.c.value[number].as_string() for number in range(width)))
