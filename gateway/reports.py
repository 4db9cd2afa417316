"""What is told of one operation to the log and the metrics: never a value, a name or an id."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, TypeAlias


class Outcome(StrEnum):
    """How an operation ended."""

    OK = "ok"
    PARTIAL = "partial"
    """Data with errors: a section was denied or a source did not answer."""
    REFUSED = "refused"
    """Not executed, and the client can do something about it."""
    FAILED = "failed"
    """Not executed, or without an answer, and the client cannot."""
    TIMEOUT = "timeout"
    GONE = "gone"
    """The client closed the connection before the answer."""


class SourceReport(NamedTuple):
    """How one source did in one operation."""

    source: str
    state: str
    seconds: float
    rejected: int = 0
    """Rows that could not be read."""


@dataclass(slots=True)
class OperationReport:
    """Filled in as the request proceeds, so that a refusal reports as much as is known by then."""

    outcome: Outcome = Outcome.FAILED
    status: int = 500
    kind: str = ""
    """query, mutation or subscription."""
    operation: str = ""
    """Name of the operation in a valid document."""
    document: str = ""
    """Hash of the document without its literals."""
    client: str = ""
    seconds: float = 0.0
    codes: tuple[str, ...] = ()
    sources: tuple[SourceReport, ...] = field(default=())
    left: str = ""
    """Why graphql-core printed the answer: `document` or `value`; empty where what is compiled did."""


Observer: TypeAlias = Callable[[OperationReport], None]
