"""What dialects write differently and SQLAlchemy cannot guess: row limits, text keys, raw bytes.

Oracle has FETCH FIRST (12c on), SQL Server TOP. SQL Server's driver sends text as NVARCHAR, which
would turn a VARCHAR key column into a scan, so keys are cast to what such columns are.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    LargeBinary,
    Select,
    String,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects.mssql import VARBINARY

_KEY_LENGTH: Final = 64


def bind(name: str) -> BindParameter[Any]:
    """A parameter that is filled when the statement is sent."""
    return bindparam(name, None, required=False)


def limited(dialect: str, statement: Select[Any] | CompoundSelect[Any]) -> Select[Any] | CompoundSelect[Any]:
    """At most `limit` rows, a parameter."""
    if dialect == "oracle":
        return statement.fetch(bind("limit"))
    if dialect == "mssql":
        one = statement if isinstance(statement, Select) else select(statement.subquery("u"))
        return one.prefix_with(text("TOP (:limit)").bindparams(bind("limit")))
    return statement.limit(bind("limit"))


def key(dialect: str, name: str, *, wide: bool) -> ColumnElement[Any]:
    """One key as the column holds it; `wide` for columns with full-width digits."""
    if dialect == "mssql" and not wide:
        return cast(bind(name), String(_KEY_LENGTH))
    return bind(name)


def raw(dialect: str, found: ColumnElement[Any]) -> ColumnElement[Any]:
    """The bytes of a text column."""
    if dialect == "oracle":
        return func.utl_raw.cast_to_raw(found)
    if dialect == "mssql":
        return cast(found, VARBINARY("max"))  # type: ignore[no-untyped-call]
    return cast(found, LargeBinary)


def beginning(dialect: str, cell: ColumnElement[Any], length: int) -> ColumnElement[str]:
    """The first characters of a text."""
    cut = func.substring if dialect == "mssql" else func.substr
    return cut(cell, literal_column("1"), literal_column(str(length)), type_=String())


def beginnings(month: date) -> Mapping[int, list[str]]:
    """How a day of a month begins where its year has four digits (domain.md §5.4), by length."""
    year, ends = month.year, {"-": "-", "/": "/", ".": ".", "年": "月"}
    written = {f"{year}{month:%m}"}
    written |= {f"{year}{after}{m}{end}" for after, end in ends.items() for m in (f"{month:%m}", month.month)}
    return {length: sorted(one for one in written if len(one) == length) for length in (6, 7, 8)}
