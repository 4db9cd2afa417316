"""What an approval system says when it asks. Identifiers stay out of `repr`, and so out of logs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Case:
    """Why somebody asks (`AccessContext`); a bank gives `consent_id` instead of a case's declarations."""

    scenario: str
    purpose: str
    case_no: str | None = None
    reason_code: str | None = None
    no_conflict_of_interest: bool | None = None
    repeat_reason: str | None = None
    repeat_note: str | None = None
    legal_basis_id: str | None = None
    consent_id: str | None = None


@dataclass(frozen=True)
class Person:
    """A natural person; number and name go together."""

    citizen_id: str = field(repr=False)
    name: str = field(repr=False)

    def lookup(self) -> dict[str, Any]:
        """`SubjectLookup`."""
        return {"person": said(self)}


@dataclass(frozen=True)
class Entity:
    """An entity by its unified social credit code."""

    uscc: str

    def lookup(self) -> dict[str, Any]:
        """`SubjectLookup`."""
        return {"uscc": self.uscc}


@dataclass(frozen=True)
class Reference:
    """A subject by the reference that this client was given."""

    subject_ref: str

    def lookup(self) -> dict[str, Any]:
        """`SubjectLookup`."""
        return {"subjectRef": self.subject_ref}


@dataclass(frozen=True)
class Related:
    """A person who belongs to the entity, in a role such as LEGAL_REPRESENTATIVE."""

    role: str
    person: Person


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a named person concluded; `officer` is a staff reference. See docs/must-check.md."""

    result: str
    officer: str
    concluded_on: date
    reasons: str = field(repr=False)
    receipt: str | None
    """`check.receipt.jws`; None says that nobody checked."""
    noticed_on: date | None = None
    hearing: str = "NOT_OFFERED"
    measures: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a measure."""

    id: str
    state: str
    officer: str
    done_on: date
    executed: bool | None = None


@dataclass(frozen=True, kw_only=True)
class ByHand:
    """That somebody asked a department; never what they found."""

    receipt: str
    record_type: str
    method: str
    checked_on: date


def said(value: Any) -> Any:  # noqa: ANN401 - whatever an input holds
    """As variables of GraphQL: names in camelCase, days as YYYY-MM-DD, nothing that was not said."""
    if hasattr(value, "__dataclass_fields__"):
        members = {each.name: getattr(value, each.name) for each in fields(value)}
        return {_camel(name): said(one) for name, one in members.items() if one is not None}
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [said(one) for one in value]
    return value


def _camel(name: str) -> str:
    first, *more = name.split("_")
    return first + "".join(map(str.title, more))
