"""Tables and columns as a database describes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_HAN: Final = re.compile(r"[\u4e00-\u9fff]")


def commented(name: str, comment: str | None) -> str:
    """The comment, or a Chinese name, which says what a comment would."""
    return comment or (name if _HAN.search(name) else "")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `kind` is text, date, number, boolean, binary or other."""

    name: str
    kind: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns of this table that must be found in another."""

    columns: tuple[str, ...]
    table: str
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One table or view, as the manifest would name it."""

    name: str
    columns: tuple[Column, ...]
    comment: str = ""
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()

    @property
    def shape(self) -> tuple[str, ...]:
        """Names of the columns, folded: equal for tables that are split by year or kind."""
        return tuple(column.name.casefold() for column in self.columns)
