"""The shapes in which departments keep records, as parts of a manifest.

Each part says one thing and can be combined with every other. Logical columns are written
`column` for the records' own table and `name.column` for a joined one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints, model_validator

from connectors.parts import Part

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
    """Padded with blanks to `padTo`: 15-digit numbers and every other declared form."""
    TRAILING_SPACE = "TRAILING_SPACE"
    """One blank or TAB behind."""
    FULL_WIDTH = "FULL_WIDTH"
    """Full-width digits and letters."""
    ORGANIZATION_CODE = "ORGANIZATION_CODE"
    """Characters 9–17 of a USCC (GB 11714), with and without its dash."""
    TAXPAYER_15 = "TAXPAYER_15"
    """Old taxpayer number: characters 3–17 of the USCC (region and organization code)."""
    LINKED = "LINKED"
    """A number that the identity authority's `aliases` link, such as the registration number."""


class Key(Part):
    """Where a key stands. Several columns mean: whichever validates."""

    columns: tuple[Column, ...] = Field(min_length=1)
    forms: tuple[KeyForm, ...] = (KeyForm.NORMAL,)
    pad_to: Annotated[int, Field(ge=15, le=64)] = 18
    """The declared length of the columns, up to which numbers of the form PADDED are filled with blanks."""

    @model_validator(mode="after")
    def _padding_is_declared(self) -> Key:
        if "pad_to" in self.model_fields_set and KeyForm.PADDED not in self.forms:
            raise ValueError("`padTo` goes with the form PADDED")
        return self


class Condition(Part):
    """One condition on a row; of several all must hold."""

    column: Column
    op: Literal["=", "!=", "in", "not in", "is null", "is not null", "null or", "null or not"]
    """`null or`: NULL, or one of the values (soft delete with NULL meaning "not deleted")."""
    value: Scalar | tuple[Scalar, ...] = None

    @property
    def values(self) -> tuple[Scalar, ...]:
        """The value or values as a tuple."""
        return self.value if isinstance(self.value, tuple) else (self.value,)

    @model_validator(mode="after")
    def _null_is_asked_by_name(self) -> Condition:
        if self.op in ("is null", "is not null"):
            if self.value is not None:
                raise ValueError(f"`{self.op}` takes no `value`")
        elif None in self.values:
            raise ValueError("give a `value`; NULL is asked by `is null` and `null or`")
        return self


class Lookup(Part):
    """A code table inside the source: the word that a column's code has there."""

    table: Table
    code: Column
    word: Column


class Origin(Part):
    """Where a field or control comes from: columns with a decoder chain, alternatives, or a constant."""

    column: Column | None = None
    columns: tuple[Column, ...] = ()
    """Several columns for one attribute: the first that decodes to something."""
    first_of: tuple[Origin, ...] = ()
    """Several origins with chains of their own: the first whose `when` holds and that gives something."""
    value: str | bool | int | None = None
    """A constant that this source does not store, such as a list's statutory severity."""
    decode: tuple[Step, ...] = ("trim",)
    lookup: Lookup | None = None
    when: tuple[Condition, ...] = ()
    collect: bool | Annotated[str, Field(min_length=1)] = False
    """The values of all joined rows of one record: as a list, or as one text with this between them."""

    @model_validator(mode="after")
    def _one_origin(self) -> Origin:
        origins = [self.column is not None, bool(self.columns), bool(self.first_of), self.value is not None]
        if sum(origins) != 1:
            raise ValueError("give exactly one of `column`, `columns`, `firstOf` or `value`")
        if (self.lookup or self.collect) and self.column is None:
            raise ValueError("`lookup` and `collect` go with one `column`")
        if any(origin.collect for origin in self.first_of):
            raise ValueError("`collect` cannot stand in `firstOf`: collect one column")
        if self.first_of and "decode" in self.model_fields_set:
            raise ValueError("write `decode` into each origin of `firstOf`")
        return self

    @property
    def word(self) -> Column | None:
        """The logical column that holds the word of a code looked up in the source."""
        return f"{lookup_name(self)}.{self.lookup.word}" if self.lookup else None

    @property
    def chains(self) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
        """The chain up to the step that splits the cell, and what is behind it."""
        names = [step if isinstance(step, str) else next(iter(step), "") for step in self.decode]
        cut = names.index("split") + 1 if "split" in names else 0
        return self.decode[:cut], self.decode[cut:]

    @property
    def reads(self) -> tuple[Column, ...]:
        """Logical columns that this mapping reads."""
        own = (self.column,) if self.column else self.columns
        found = [*own, *(condition.column for condition in self.when)]
        found += [self.word] if self.word else []
        for origin in self.first_of:
            found += origin.reads
        return tuple(dict.fromkeys(found))

    def each(self) -> Iterator[Origin]:
        """The origin and its alternatives."""
        yield self
        for origin in self.first_of:
            yield from origin.each()


def lookup_name(origin: Origin) -> str:
    """The name under which a lookup's table is joined: one for each column that is looked up in it."""
    return f"{origin.lookup.table}@{origin.column}" if origin.lookup else ""


class Codes(Part):
    """A column whose cells are codes, and what each of them is called here."""

    column: Column
    codes: Mapping[str, str] = Field(min_length=1)


class Day(Part):
    """A column whose cells begin with a day."""

    column: Column
    first: Annotated[int, Field(ge=8, le=16)] | None = None
    """Of a moment: how many characters are the day."""
    decode: tuple[Step, ...] = ("date",)


class Publicity(Part):
    """双公示: how decisions are counted by day at night, without a subject, a number or a text of any."""

    published_on: Day
    """When a decision was published, or handed over for that; empty while it was not."""
    department: Codes | None = None
    """Whose decision it was, where not the source's own department's; codes become department codes."""
    where: tuple[Condition, ...] = ()
    """Which rows are of this record type, where the table holds others too."""
    deadline_ms: Annotated[int, Field(ge=100, le=600_000)] = 60_000

    @property
    def reads(self) -> tuple[Column, ...]:
        """Columns that the count names."""
        own = (self.department.column,) if self.department else ()
        return (self.published_on.column, *own, *(condition.column for condition in self.where))


class Pivot(Part):
    """A joined attribute-value table: `name.X` is the value of the row whose attribute is X."""

    attribute: Column
    value: Column


class Join(Part):
    """A table that holds the key, or a part of the record."""

    table: Table
    name: str | None = Field(default=None, alias="as", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """How its columns are written, where not by the table's own name."""
    on: Mapping[Column, Column] = Field(min_length=1)
    """Column of the records' table → column of the joined table."""
    where: tuple[Condition, ...] = ()
    """Conditions on the joined table's own columns."""
    optional: bool = False
    """Keep records that have no such row; the table is read only when one of its columns is."""
    pivot: Pivot | None = None

    @property
    def owner(self) -> str:
        """What stands before the dot of its columns."""
        return self.name or self.table


class Constant(Part):
    """A value that every row of one table has."""

    value: str | int


class Branch(Part):
    """One table of a union whose columns have other names."""

    table: Table
    columns: Mapping[Column, Column | Constant | None] = Field(default_factory=dict)
    """Column as the manifest writes it → this table's own, a constant, or null where it has none."""


class Alias(Part):
    """A table of an identity authority that says which numbers are one subject's."""

    table: Table
    former: Column
    current: Column
    numbers: bool = False
    """`former` holds another kind of number, such as the registration number: nobody is asked by it."""
    where: tuple[Condition, ...] = ()


class Version(Part):
    """Several rows are versions of one record: the one with the greatest `latest` stands."""

    by: tuple[Column, ...] = Field(min_length=1)
    latest: Column


class Unpack(Part):
    """Several records packed into one cell: each becomes a row of its own."""

    column: Column
    rows: str = Field(min_length=1)
    """Signs between the records; each also in full width."""
    cells: str | None = Field(default=None, min_length=1)
    """Signs between the parts of one record, where it has several."""
    names: tuple[Column, ...] = Field(alias="as", min_length=1)
    """Columns that the parts become."""

    @model_validator(mode="after")
    def _parts_have_names(self) -> Unpack:
        if self.cells is None and len(self.names) > 1:
            raise ValueError("several names in `as` need `cells`, the signs between them")
        return self
