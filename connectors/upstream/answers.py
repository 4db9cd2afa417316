"""What another graph says, in our words: its states and errors never look cleaner here than there.

Raises SourceDenied, SourceTimeout, SourceBusy, SourceUnavailable, SourceDrift or SourceRubbish.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from catalogue.identifiers import SubjectKey
from connectors.errors import (
    SourceBusy,
    SourceDenied,
    SourceDrift,
    SourceError,
    SourceRubbish,
    SourceTimeout,
    SourceUnavailable,
)
from connectors.http import Reply
from connectors.json_text import parse
from connectors.parts import Upstream
from connectors.protocol import Reject

STATES: Final[Mapping[str, tuple[type[SourceError], str]]] = {
    "TIMEOUT": (SourceTimeout, "UPSTREAM_TIMEOUT"),
    "BUSY": (SourceBusy, "UPSTREAM_BUSY"),
    "UNAVAILABLE": (SourceUnavailable, "UPSTREAM_UNAVAILABLE"),
    "NOT_CONNECTED": (SourceUnavailable, "UPSTREAM_NOT_CONNECTED"),
    "DENIED": (SourceDenied, "UPSTREAM_DENIED"),
}
_SCHEMA: Final = frozenset(
    {"GRAPHQL_VALIDATION", "GRAPHQL_SYNTAX", "GRAPHQL_VALIDATION_FAILED", "BAD_VARIABLES"}
)
_REFUSALS: Final = (
    "SCENARIO_", "MANDATE_", "TYPE_NOT_", "CASE_", "PURPOSE_", "ACTOR_", "SCOPE_", "PERSONAL_", "NO_GRANT",
)  # fmt: skip
"""How the codes of another gateway's refusals begin (docs/errors.md)."""


@dataclass(frozen=True, slots=True)
class Section:
    """The rows of one subject there, and what is missing from them."""

    rows: tuple[Mapping[str, object], ...]
    rejects: tuple[Reject, ...] = ()


def document_of(source: str, reply: Reply) -> Mapping[str, Any]:
    """The JSON object of an answer; raises a SourceError where it is none, or all was refused."""
    if reply.status == 429 or (reply.status == 503 and b"AUDIT" not in reply.body):
        raise SourceBusy(source, "HTTP_BUSY")
    if reply.status == 401:
        raise SourceUnavailable(source, "HTTP_REFUSED")
    try:
        document = parse(reply.body)
    except (ValueError, RecursionError) as fault:
        if reply.status >= 500:
            raise SourceUnavailable(source, "HTTP_SERVER_ERROR") from fault
        raise SourceRubbish(source, "UNREADABLE") from fault
    if not isinstance(document, dict):
        raise SourceRubbish(source, "SHAPE")
    if reply.status != 200 or document.get("data") is None:
        raise _refused(source, reply.status, document)
    if not isinstance(document["data"], dict):
        raise SourceRubbish(source, "SHAPE")
    return document


def section_of(source: str, document: Mapping[str, Any], steps: Sequence[str]) -> Section:
    """One subject's section in an answer of another gateway."""
    subject = document["data"].get("subject")
    if not isinstance(subject, dict):
        raise _refused(source, 200, document)
    found: object = subject
    for step in steps:
        found = found.get(step) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        raise SourceRubbish(source, "SHAPE")
    state, rows = str(found.get("state")), found.get("records")
    if state in STATES:
        kind, reason = STATES[state]
        raise kind(source, reason)
    if state not in ("OK", "PARTIAL") or not isinstance(rows, list):
        raise SourceRubbish(source, "SHAPE")
    return Section(_rows(source, rows), tuple(_missing(document, state, steps)))


def entities_of(
    source: str, document: Mapping[str, Any], keys: Sequence[SubjectKey], upstream: Upstream
) -> list[Section]:
    """The rows of each entity of a subgraph, in the order they were asked."""
    entities = document["data"].get("_entities")
    if not isinstance(entities, list) or len(entities) != len(keys):
        raise SourceRubbish(source, "SHAPE")
    if document.get("errors"):
        # which entities a resolver lost cannot be told from null, so that none may look clean
        raise SourceUnavailable(source, "UPSTREAM_UNAVAILABLE")
    for key, entity in zip(keys, entities, strict=True):
        if entity is not None and _object(entity).get(upstream.key) != key.value:
            raise SourceRubbish(source, "KEY_NOT_ASKED")
    return [Section(_rows(source, _listed(source, entity, upstream.rows))) for entity in entities]


def cell(row: Mapping[str, object], column: str) -> object:
    """The value at a dotted path of a row."""
    found: object = row
    for step in column.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _listed(source: str, entity: object, path: str | None) -> list[object]:
    if entity is None:
        return []
    found = entity
    for step in path.split(".") if path else []:
        if not isinstance(found, dict) or step not in found:
            raise SourceRubbish(source, "SHAPE")
        found = found[step]
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def _rows(source: str, rows: Sequence[object]) -> tuple[Mapping[str, object], ...]:
    if not all(isinstance(row, dict) for row in rows):
        raise SourceRubbish(source, "SHAPE")
    return tuple(row for row in rows if isinstance(row, dict))


def _missing(document: Mapping[str, Any], state: str, steps: Sequence[str]) -> list[Reject]:
    """Why the rows are not the whole truth for us: theirs are not, or they keep a field back."""
    found = [Reject("UPSTREAM_PARTIAL")] if state == "PARTIAL" or document.get("errors") else []
    denied = _object(_object(document.get("extensions")).get("authorization")).get("denied") or ()
    prefix = ".".join(("subject", *steps, "records", ""))
    if not isinstance(denied, list | tuple):
        return [*found, Reject("UPSTREAM_DENIED")]
    fields = [str(path).removeprefix(prefix) for path in denied if str(path).startswith(prefix)]
    return found + [Reject("UPSTREAM_DENIED", field) for field in fields]


def _refused(source: str, status: int, document: Mapping[str, Any]) -> SourceError:
    errors = document.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    code = str(_object(_object(first).get("extensions")).get("code", ""))
    if code == "SUBJECT_NOT_CONFIRMED":
        return SourceUnavailable(source, "UPSTREAM_NOT_CONFIRMED")
    if status == 403 or code.startswith(_REFUSALS):
        return SourceDenied(source, "UPSTREAM_DENIED")
    if code in _SCHEMA:
        return SourceDrift(source, "UPSTREAM_SCHEMA")
    if status == 404:
        return SourceDrift(source, "HTTP_NOT_FOUND")
    return SourceUnavailable(source, "UPSTREAM_UNAVAILABLE")


def _object(found: object) -> Mapping[str, Any]:
    """What should be a JSON object, empty where it is none."""
    return found if isinstance(found, dict) else {}
