"""Every error the gateway can answer: the table of codes, and the one mapping of exceptions to it.

Only this module knows both GraphQL's errors and the packages' own trees (authz, connectors,
catalogue). An exception that nobody planned becomes INTERNAL with the request id and no text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import yaml
from graphql import GraphQLError, Node

from authz.errors import AuthzError, Throttled
from catalogue.identifiers import IdentifierError
from catalogue.personal_text import scrub
from connectors.errors import SourceError
from resolvers.errors import BadArgument


class Stage(StrEnum):
    """How far a request came before it failed."""

    HTTP = "HTTP"
    """Not a well-formed GraphQL request."""
    DOCUMENT = "DOCUMENT"
    """Well formed, but the document or its variables cannot be used."""
    ACCESS = "ACCESS"
    """Who asks, why, and about whom."""
    SOURCE = "SOURCE"
    """A department did not answer; the rest of the answer stands."""
    SERVER = "SERVER"
    """The gateway itself."""


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One row of the table: its HTTP status, what it means and what to do."""

    code: str
    status: int
    stage: Stage
    meaning: str
    remedy: str

    @property
    def message(self) -> str:
        """The text of an error that has nothing more specific to say."""
        return f"{self.meaning} {self.remedy}"


def _table() -> Mapping[str, ErrorCode]:
    rows = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    return {
        code: ErrorCode(code, row["status"], Stage(row["stage"]), row["meaning"], row["remedy"])
        for code, row in rows.items()
    }


ERRORS: Final = _table()


def coded(
    code: str, message: str | None = None, nodes: Collection[Node] | None = None, **extensions: object
) -> GraphQLError:
    """A GraphQL error with a code of the table; KeyError for a code that is not in it."""
    known = ERRORS[code]
    return GraphQLError(message or known.message, nodes, extensions={"code": known.code, **extensions})


def code_of(error: GraphQLError) -> ErrorCode:
    """The error's row in the table; INTERNAL for an error that does not come from it."""
    return ERRORS[(translated(error).extensions or {})["code"]]


def translated(error: GraphQLError) -> GraphQLError:
    """The error as the table has it, with its place in the document and in the answer kept."""
    origin = origin_of(error)
    if origin is error and (error.extensions or {}).get("code") in ERRORS:
        return error
    plain = of_exception(origin)
    return GraphQLError(
        plain.message, error.nodes, error.source, error.positions, error.path, extensions=plain.extensions
    )


def origin_of(error: Exception) -> Exception:
    """The exception that a resolver raised, under any number of GraphQL's own wrappings."""
    while isinstance(error, GraphQLError) and error.original_error is not None:
        error = error.original_error
    return error


_UNFIT: Final = re.compile(r"Argument '\w+' (?:has invalid value|of required type)")
"""graphql-core's words when it executes; in a validated document only a variable can be at fault."""


def of_exception(fault: Exception) -> GraphQLError:
    """What a client is told of an exception; an unplanned one is INTERNAL and nothing else."""
    match fault:
        case RequestRefused():
            return fault.errors[0]
        case GraphQLError() if (fault.extensions or {}).get("code") in ERRORS:
            return fault
        case Throttled() if fault.code in ERRORS:
            return coded(fault.code, fault.message, retryAfter=fault.retry_after)
        case AuthzError() | BadArgument() if fault.code in ERRORS:
            return coded(fault.code, fault.message)
        case SourceError() if fault.code in ERRORS:
            return coded(fault.code, source=fault.source, retryable=fault.retryable)
        case GraphQLError() if fault.original_error is None and _UNFIT.match(fault.message):
            return coded("BAD_VARIABLES")
        case IdentifierError():
            return coded("IDENTIFIER_INVALID", kind=fault.kind.value, fault=fault.fault.value)
        case _:
            return coded("INTERNAL")


class RequestRefused(Exception):
    """A request that is answered without being executed; never holds a value of the request."""

    def __init__(self, *errors: GraphQLError, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(*(code_of(error).code for error in errors))
        self.errors = errors
        self.headers = headers or {}

    @property
    def code(self) -> ErrorCode:
        """The row of the first error, which gives the answer its HTTP status."""
        return code_of(self.errors[0])

    @classmethod
    def because(cls, code: str, message: str | None = None, **headers: str) -> RequestRefused:
        """Refused with one error; keywords are response headers, `_` for `-`."""
        return cls(
            coded(code, message), headers={name.replace("_", "-"): text for name, text in headers.items()}
        )


def formatted(error: GraphQLError, request_id: str) -> dict[str, object]:
    """The error as JSON (GraphQL specification §7.1.2), with `extensions.code`.

    The message is scrubbed once more, whoever wrote it; INTERNAL carries the request id.
    """
    known = translated(error)
    extensions = dict(known.extensions or {})
    if extensions["code"] == "INTERNAL":
        extensions["requestId"] = request_id
    row: dict[str, object] = {"message": scrub(known.message)}
    if known.locations:
        row["locations"] = [place.formatted for place in known.locations]
    if known.path is not None:
        row["path"] = list(known.path)
    row["extensions"] = extensions
    return row
