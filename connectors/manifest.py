"""The manifest: how one department's system is read. One YAML file per source.

Unknown keys are refused; what the file says is checked against the catalogue when it is
loaded and against the living source by `credit-gateway source check`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints, model_validator

from catalogue.identifiers import KeyKind, SubjectKind
from catalogue.model import FieldName, Label, RecordTypeCode, Role
from connectors.parts import Client, Drop, Part, Rest, Signing, Token, Upstream
from connectors.shapes import (
    Alias,
    Branch,
    Column,
    Condition,
    Join,
    Key,
    Origin,
    Publicity,
    Table,
    Unpack,
    Version,
    lookup_name,
)

Batching: TypeAlias = Literal["on", "off"]


class RecordSource(Part):
    """How one record type is read from this source."""

    table: Table | None = None
    union: tuple[Table | Branch, ...] = ()
    """Tables split by year or kind."""
    query: str | None = None
    """A fixed query of the department, `SELECT {columns} FROM …`, used as a derived table."""
    rest: Rest | None = None
    file: Drop | None = None
    graphql: Upstream | None = None
    join: tuple[Join, ...] = ()
    where: tuple[Condition, ...] = ()
    unpack: Unpack | None = None
    keys: Mapping[KeyKind, Key] = Field(min_length=1)
    identity: tuple[Column, ...] = ()
    """Columns that identify a record where there is no primary key, or beyond it (ruling 31)."""
    fields: Mapping[FieldName, Origin]
    controls: Mapping[Role, Origin] = Field(default_factory=dict)
    aliases: tuple[Alias, ...] = ()
    """Corrected and linked numbers, where the record type is an identity authority's (ruling 15)."""
    version: Version | None = None
    dedupe: tuple[str, ...] = ()
    """Fields or roles whose normalized values make two rows the same record; the latest stands."""
    row_cap: Annotated[int, Field(ge=1, le=10_000)] | None = None
    batching: Batching | None = None
    """As of the source, for this record type."""
    publicity: Publicity | None = None
    """How the days are counted by which the law orders decisions to be public."""
    columns_hash: str | None = None
    """Hash of the source's columns when somebody last looked: another one is drift."""

    @model_validator(mode="after")
    def _one_place(self) -> RecordSource:
        places = [self.table is not None, bool(self.union), self.query is not None]
        places += [part is not None for part in (self.rest, self.file, self.graphql)]
        if sum(places) != 1:
            raise ValueError("give exactly one of `table`, `union`, `query`, `rest`, `file` or `graphql`")
        if self.query is not None and "{columns}" not in self.query:
            raise ValueError("write `SELECT {columns} FROM …`, so that only what is asked is named")
        return self

    @model_validator(mode="after")
    def _joined_rows_are_told_apart(self) -> RecordSource:
        owners = [join.owner for join in self.join]
        if len(set(owners)) < len(owners):
            raise ValueError("two joins have one name: give each its own by `as`")
        if any(origin.collect for origin in self.fields.values()) and not self.identity:
            raise ValueError("`collect` needs `identity`: the columns whose rows are one record")
        return self

    @model_validator(mode="after")
    def _parts_come_late(self) -> RecordSource:
        version = (*self.version.by, self.version.latest) if self.version else ()
        before = {*version, *(condition.column for condition in self.where)}
        before |= {column for key in self.keys.values() for column in key.columns}
        before |= {column for join in self.join for column in join.on}
        if self.unpack and (early := before & set(self.unpack.names)):
            raise ValueError(
                f"`{min(early)}` comes out of `unpack`: keys, filters and versions are read before"
            )
        return self

    @cached_property
    def origins(self) -> tuple[Origin, ...]:
        """Every origin of a field or control, alternatives included."""
        mapped = (*self.fields.values(), *self.controls.values())
        return tuple(part for origin in mapped for part in origin.each())

    @cached_property
    def joins(self) -> tuple[Join, ...]:
        """The joins as written, and those of code tables that are looked up."""
        lookups = {
            lookup_name(origin): Join.model_construct(
                table=origin.lookup.table,
                name=lookup_name(origin),
                on={origin.column: origin.lookup.code},
                optional=True,
            )
            for origin in self.origins
            if origin.lookup and origin.column and origin.word not in self.listed
        }
        return (*self.join, *lookups.values())

    @cached_property
    def listed(self) -> Mapping[str, Origin]:
        """Origins that look up several codes of one cell, by the name under which their words are read."""
        return {origin.word: origin for origin in self.origins if origin.word and origin.chains[0]}


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
    connector: Literal["sql", "rest", "file", "graphql"]
    url: str
    """`${VARIABLE}` or `${VARIABLE:-default}`: taken from the environment."""
    deadline_ms: Annotated[int, Field(ge=10, le=60_000)] = 800
    pool: Annotated[int, Field(ge=1, le=64)] = 4
    in_flight: Annotated[int, Field(ge=1, le=1_000)] = 16
    row_cap: Annotated[int, Field(ge=1, le=10_000)] = 200
    batching: Batching | None = None
    """SQL: whether questions of several requests may travel as one. Unless said, all may but those for
    fields of record types of class R (ruling 13)."""
    batch_keys: Annotated[int, Field(ge=2, le=1_000)] = 64
    """Most subjects that travel together out of several requests."""
    charset: str | None = None
    """SQL: what the bytes of its text really are, where the database declares another charset."""
    breaker: Breaker = Breaker()
    headers: Mapping[str, str] = Field(default_factory=dict)
    """REST: sent with every call, such as a key; environment references are filled in."""
    signing: Signing | None = None
    token: Token | None = None
    client: Client | None = None
    rate_per_second: Annotated[float, Field(gt=0)] | None = None
    quota_per_hour: Annotated[int, Field(ge=1)] | None = None
    """Statements or calls of all processes in any hour."""
    code_tables: Mapping[str, Mapping[str, str]] = Field(default_factory=dict)
    """Code → label tables used by `codes: <table>`."""
    identity: Mapping[SubjectKind, RecordTypeCode] = Field(default_factory=dict)
    """Kinds of subject this source confirms, and the record type it confirms them by."""
    records: Mapping[RecordTypeCode, RecordSource] = Field(min_length=1)
    confirms: Mapping[RecordTypeCode, RecordSource] = Field(default_factory=dict)
    """What this source is asked to confirm who may act for a subject; no answer of it enters the graph."""

    @property
    def mapped(self) -> Mapping[str, RecordSource]:
        """Everything this source can be asked for."""
        return {**self.records, **self.confirms}
