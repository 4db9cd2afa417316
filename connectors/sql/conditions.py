"""Conditions of a manifest as SQL, with their values as literals rendered by the dialect's types."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BindParameter, ColumnElement, bindparam, func, or_
from sqlalchemy.engine.interfaces import Dialect

from connectors.shapes import Condition, Scalar


class Conditions:
    """Renders conditions for one dialect; `charset` is that of bytes whose declared charset is wrong."""

    def __init__(self, dialect: Dialect, charset: str | None = None) -> None:
        self._postgresql = dialect.name == "postgresql"
        self._charset = charset

    def of(self, subject: ColumnElement[Any], condition: Condition) -> ColumnElement[bool]:
        """The condition on this column."""
        values = [value for value in condition.values if value is not None]
        if self._charset and not all(str(value).isascii() for value in values):
            # the server would translate a literal into the declared charset, so bytes are compared
            subject = func.hex(subject)
            values = [str(value).encode(self._charset).hex().upper() for value in values]
        literals = [self.literal(value) for value in values]
        match condition.op:
            case "is null":
                return subject.is_(None)
            case "is not null":
                return subject.is_not(None)
            case "=" | "in":
                return subject.in_(literals)
            case "!=" | "not in":
                return subject.not_in(literals)
            case "null or":
                return or_(subject.is_(None), subject.in_(literals))
            case "null or not":
                return or_(subject.is_(None), subject.not_in(literals))

    def literal(self, value: Scalar) -> BindParameter[Any]:
        """A value of the manifest."""
        # PostgreSQL types an untyped literal by its column, so one manifest fits int and varchar
        plain = int(value) if isinstance(value, bool) else value
        if self._postgresql:
            plain = str(plain)
        return bindparam(None, plain, unique=True, literal_execute=True)
