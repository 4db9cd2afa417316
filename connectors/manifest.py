"""The manifest: how one department's system is read. One YAML file per source.

Unknown keys are refused; what the file says is checked against the catalogue when it is
loaded and against the living source by `credit-gateway source check`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints, model_validator

from catalogue.identifiers import KeyKind, SubjectKind
from catalogue.model import FieldName, Label, RecordTypeCode, Role
from connectors.parts import Drop, Part, Rest, Signing, Token

Scalar: TypeAlias = str | int | bool | None
Column = Annotated[str, StringConstraints(pattern=r"^[^\s\"'`;]+$")]
"""A column as the source names it; `table.column` where tables are joined."""
Table = Annotated[str, StringConstraints(pattern=r"^[^\s\"'`;]+$")]
Step: TypeAlias = str | Mapping[str, object]
"""One decoder: its name, or `{name: argument}`. The names are listed in docs/decoders.md."""


class KeyForm(StrEnum):
    """A form in which a column may hold a key; the query asks for every declared form at once."""

    NORMAL = "NORMAL"
    """18 characters, upper case."""
    LOWER = "LOWER"
    """Lower-case `x`, or a USCC in lower case."""
    DIGITS_15 = "DIGITS_15"
    """The pre-1999 citizen id of 15 digits."""
    PADDED = "PADDED"
    """15-digit numbers padded with blanks to 18 (CHAR(18))."""
    TRAILING_SPACE = "TRAILING_SPACE"
    """One blank or TAB behind."""
    FULL_WIDTH = "FULL_WIDTH"
    """Full-width digits and letters."""
    ORGANIZATION_CODE = "ORGANIZATION_CODE"
    """Characters 9–17 of a USCC (GB 11714), with and without its dash."""
    TAXPAYER_15 = "TAXPAYER_15"
    """Old taxpayer number: characters 3–17 of the USCC (region and organization code)."""


class Key(Part):
    """Where a key stands. Several columns mean: whichever validates."""

    columns: tuple[Column, ...] = Field(min_length=1)
    forms: tuple[KeyForm, ...] = (KeyForm.NORMAL,)


class Origin(Part):
    """Where a field or control comes from: a column with its decoder chain, or a constant."""

    column: Column | None = None
    columns: tuple[Column, ...] = ()
    """Several columns for one attribute: the first that decodes to something."""
    decode: tuple[Step, ...] = ("trim",)
    value: str | bool | int | None = None
    """A constant that this source does not store, such as a list's statutory severity."""

    @model_validator(mode="after")
    def _one_origin(self) -> Origin:
        origins = [self.column is not None, bool(self.columns), self.value is not None]
        if sum(origins) != 1:
            raise ValueError("give exactly one of `column`, `columns` or `value`")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """Columns this mapping reads."""
        return (self.column,) if self.column else self.columns


class Condition(Part):
    """One condition of the row filter; all must hold."""

    column: Column
    op: Literal["=", "!=", "in", "not in", "is null", "is not null", "null or", "null or not"]
    """`null or`: NULL, or one of the values (soft delete with NULL meaning "not deleted")."""
    value: Scalar | tuple[Scalar, ...] = None

    @property
    def values(self) -> tuple[Scalar, ...]:
        """The value or values as a tuple."""
        return self.value if isinstance(self.value, tuple) else (self.value,)


class Join(Part):
    """An inner join to a table that holds the key or a part of the record."""

    table: Table
    on: Mapping[Column, Column]
    """Column of the records' table → column of the joined table."""


class Version(Part):
    """Several rows are versions of one record: the one with the greatest `latest` stands."""

    by: tuple[Column, ...] = Field(min_length=1)
    latest: Column


class RecordSource(Part):
    """How one record type is read from this source."""

    table: Table | None = None
    union: tuple[Table, ...] = ()
    """Tables of the same shape, split by year or kind."""
    query: str | None = None
    """A fixed query of the department, used as a derived table."""
    rest: Rest | None = None
    file: Drop | None = None
    join: tuple[Join, ...] = ()
    where: tuple[Condition, ...] = ()
    keys: Mapping[KeyKind, Key] = Field(min_length=1)
    identity: tuple[Column, ...] = ()
    """Columns that identify a record where there is no primary key, or beyond it (ruling 31)."""
    fields: Mapping[FieldName, Origin]
    controls: Mapping[Role, Origin] = Field(default_factory=dict)
    version: Version | None = None
    dedupe: tuple[str, ...] = ()
    """Fields or roles whose normalized values make two rows the same record; the latest stands."""
    row_cap: Annotated[int, Field(ge=1, le=10_000)] | None = None

    @model_validator(mode="after")
    def _one_place(self) -> RecordSource:
        places = [self.table is not None, bool(self.union), self.query is not None]
        places += [self.rest is not None, self.file is not None]
        if sum(places) != 1:
            raise ValueError("give exactly one of `table`, `union`, `query`, `rest` or `file`")
        return self


class Breaker(Part):
    """When to stop asking a failing source, and for how long."""

    failures: Annotated[int, Field(ge=1)] = 5
    open_for_ms: Annotated[int, Field(ge=100)] = 5_000


class Manifest(Part):
    """One source."""

    source: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]
    department: str
    system: Label
    contact: str
    connector: Literal["sql", "rest", "file"]
    url: str
    """`${VARIABLE}` or `${VARIABLE:-default}`: taken from the environment."""
    deadline_ms: Annotated[int, Field(ge=10, le=60_000)] = 800
    pool: Annotated[int, Field(ge=1, le=64)] = 4
    in_flight: Annotated[int, Field(ge=1, le=1_000)] = 16
    row_cap: Annotated[int, Field(ge=1, le=10_000)] = 200
    breaker: Breaker = Breaker()
    headers: Mapping[str, str] = Field(default_factory=dict)
    """REST: sent with every call, such as a key; environment references are filled in."""
    signing: Signing | None = None
    token: Token | None = None
    rate_per_second: Annotated[float, Field(gt=0)] | None = None
    quota_per_hour: Annotated[int, Field(ge=1)] | None = None
    """Statements or calls of this process in any hour."""
    code_tables: Mapping[str, Mapping[str, str]] = Field(default_factory=dict)
    """Code → label tables used by `codes: <table>`."""
    identity: Mapping[SubjectKind, RecordTypeCode] = Field(default_factory=dict)
    """Kinds of subject this source confirms, and the record type it confirms them by."""
    records: Mapping[RecordTypeCode, RecordSource] = Field(min_length=1)
