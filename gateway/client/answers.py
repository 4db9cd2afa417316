"""What the gateway answers, as values. Nothing that is not known can be taken for nothing found.

`result` and `value` compare (`item.result is Finding.NONE`); none of them, and no check, is true or
false by itself. Where records or measures are not known, asking whether there are any raises TypeError.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NoReturn, TypeVar

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass

_CONFIG: Final = ConfigDict(alias_generator=to_camel)
T = TypeVar("T")


class Neither:
    """Neither true nor false."""

    def __bool__(self) -> NoReturn:
        raise TypeError(
            f"A {type(self).__name__} is neither true nor false. Compare `item.result` or"
            " `predicate.value`, and look at `check.complete` first."
        )


class Finding(Neither, StrEnum):
    """What was found of one record type."""

    NONE = "NONE"
    """Every source answered in full, and there is no record that may be used."""
    PRESENT = "PRESENT"
    DISPUTED = "DISPUTED"
    """Only records under objection, which may not be held against anybody."""
    UNKNOWN = "UNKNOWN"
    NOT_PERMITTED = "NOT_PERMITTED"


class Truth(Neither, StrEnum):
    """Whether a predicate holds."""

    TRUE = "TRUE"
    FALSE = "FALSE"
    UNKNOWN = "UNKNOWN"


class Partial(tuple[Any, ...]):
    """There may be more: that it is empty says nothing."""

    def __bool__(self) -> NoReturn:
        raise TypeError("Not everything is known here. Look at `item.result` and `check.complete`.")


class NotKnown(Partial):
    """What there is was not told."""

    def __len__(self) -> NoReturn:
        self.__bool__()

    def __iter__(self) -> Iterator[Any]:
        self.__bool__()


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Item(Neither):
    """One record type."""

    record_type: str
    result: Finding
    record_type_name: str | None = None
    state: str | None = None
    reason: str | None = None
    department_name: str | None = None
    contact: str | None = None
    fetched_at: datetime | None = None
    records: tuple[Mapping[str, Any], ...] | None = None
    """Permitted fields, masked, as the operation selects them; raises TypeError unless they are known."""

    def __post_init__(self) -> None:
        known = self.result == Finding.NONE or (
            self.records is not None and self.result in (Finding.PRESENT, Finding.DISPUTED)
        )
        object.__setattr__(self, "records", (self.records or ()) if known else NotKnown())


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Predicate(Neither):
    """A question of the scenario."""

    code: str
    value: Truth
    reasons: tuple[str, ...] = ()
    record_types: tuple[str, ...] = ()
    record_ids: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Named:
    """A measure of the imported list."""

    code: str


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Measure(Neither):
    """What a law attaches to these facts; taking it is for a named person."""

    measure: Named
    predicate: str
    obligation: str
    basis: tuple[str, ...] = ()
    human_verification: bool


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Task:
    """What makes a check whole: ASK_AGAIN or CHECK_BY_HAND."""

    record_type: str
    step: str
    department_name: str | None = None
    contact: str | None = None


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Receipt:
    """Keep it: `jws` proves that you checked, with `nonce` and `statement` also what was found."""

    jws: str
    nonce: str
    statement: str


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Facts(Neither):
    """What was found of one subject."""

    subject_ref: str
    items: tuple[Item, ...]
    predicates: tuple[Predicate, ...]
    measures: tuple[Measure, ...]
    display_name: str | None = None

    def item(self, record_type: str) -> Item:
        """Of one record type; raises LookupError where the check did not ask for it."""
        return _one(self.items, "record_type", record_type)

    def predicate(self, code: str) -> Predicate:
        """By its code; raises LookupError where the scenario has no such question."""
        return _one(self.predicates, "code", code)


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class RelatedCheck(Facts):
    """The same of a person who was named with the subject."""

    role: str


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Check(Facts):
    """A must-check. It decides nothing; `complete` says whether every record type has an answer."""

    check_id: str
    case_no: str | None = None
    completeness: str
    manual_check_required: bool
    tasks: tuple[Task, ...]
    related: tuple[RelatedCheck, ...] = ()
    checked_at: datetime
    valid_until: datetime
    receipt: Receipt

    def __post_init__(self) -> None:
        if not self.complete:  # a measure may follow from what is not known yet
            for facts in (self, *self.related):
                object.__setattr__(facts, "measures", Partial(facts.measures))

    @property
    def complete(self) -> bool:
        """Whether every permitted record type has an answer; where not, `tasks` says what to do."""
        return self.completeness == "COMPLETE"


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class TakenMeasure:
    """A measure that a person took, and where it stands."""

    id: str
    measure_code: str
    state: str


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class Outcome:
    """A report that is kept; `overridden` are types that the check did not know."""

    id: str
    overridden: tuple[str, ...]
    measures: tuple[TakenMeasure, ...]


@dataclass(frozen=True, kw_only=True, config=_CONFIG)
class ManualCheck:
    """A check by hand that is recorded; the case goes on when nothing is `outstanding`."""

    check_id: str
    outstanding: tuple[str, ...]


def _one(found: tuple[T, ...], name: str, value: str) -> T:
    for each in found:
        if getattr(each, name) == value:
            return each
    raise LookupError(f"the check has no {value}")
