"""What dialects write differently and SQLAlchemy cannot guess: row limits, text keys, raw bytes.

Oracle has FETCH FIRST (12c on), SQL Server TOP. SQL Server's driver sends text as NVARCHAR, which
would turn a VARCHAR key column into a scan, so keys are cast to what such columns are.
"""

from __future__ import annotations

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
