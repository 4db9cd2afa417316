"""The `records` connection: all permitted types merged, newest first, behind encrypted cursors.

Types are fetched whole and merged, so that no page depends on what another client does. A
cursor holds the sort key of its edge, opens only under the same grant, and means nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import total_ordering

import orjson
from graphql import GraphQLError

from authz.grants import Grant
from authz.references import References
from catalogue.identifiers import SubjectKey
from connectors.errors import SectionState
from resolvers.building import Record, Section
from resolvers.planning import PageRead


@total_ordering
@dataclass(frozen=True, slots=True)
class Position:
    """Where an edge stands: newest first, then by type and record, so that order is total."""

    day: int
    """Days before the end of time: small is new."""
    record_type: str
    record_ref: str

    def __lt__(self, other: Position) -> bool:
        return (self.day, self.record_type, self.record_ref) < (
            other.day,
            other.record_type,
            other.record_ref,
        )

    def dump(self) -> bytes:
        """Bytes to seal."""
        return orjson.dumps([self.day, self.record_type, self.record_ref])

    @classmethod
    def load(cls, raw: bytes) -> Position:
        """What `dump` wrote."""
        return cls(*orjson.loads(raw))


def _binding(grant: Grant, key: SubjectKey, page: PageRead, references: References) -> bytes:
    """What a cursor is bound to: the client, the grant's use, the subject and the filter."""
    return orjson.dumps(
        [
            grant.basis,
            grant.actor.client_id,
            getattr(grant, "case_no", None),
            getattr(grant, "use_key", None),
            references.audit_ref(key),
            sorted(page.types),
        ]
    )


@dataclass(frozen=True, slots=True)
class Start:
    """Where a page begins, and what its cursors are sealed with."""

    seal: bytes
    after: Position | None


def start_of(page: PageRead, grant: Grant, key: SubjectKey, references: References) -> Start:
    """Open the cursor before anything is asked; raises AuthzError CURSOR_INVALID."""
    seal = _binding(grant, key, page, references)
    after = Position.load(references.open_cursor(page.after, seal)) if page.after else None
    return Start(seal, after)


@dataclass(frozen=True, slots=True)
class Edge:
    """A record and its place in the order."""

    record: Record
    position: Position
    seal: bytes

    @property
    def cursor(self) -> str:
        """The place, encrypted and bound to the grant."""
        return self.record.subject.references.seal_cursor(self.position.dump(), self.seal)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the merged records, and the sections they come from."""

    sections: list[Section]
    edges: list[Edge]
    has_next: bool
    has_previous: bool

    @classmethod
    def of(cls, page: PageRead, start: Start, sections: list[Section], records: Iterable[Record]) -> Page:
        """The page that begins at `start`, of the records in `sections` that may be shown."""
        ordered = sorted(
            (Edge(record, _position(record), start.seal) for record in records),
            key=lambda edge: edge.position,
        )
        rest = [edge for edge in ordered if start.after is None or edge.position > start.after]
        return cls(sections, rest[: page.first], len(rest) > page.first, len(rest) < len(ordered))

    @property
    def state(self) -> SectionState:
        """The state of all of it."""
        return overall(self.sections)

    @property
    def answered(self) -> bool:
        """Whether any section answered, so that there is a list."""
        return any(section.state.answered for section in self.sections)

    @property
    def fault(self) -> GraphQLError | None:
        """What stands in place of the list otherwise."""
        return fault_of(self.sections)

    @property
    def start_cursor(self) -> str | None:
        """Cursor of the first edge."""
        return self.edges[0].cursor if self.edges else None

    @property
    def end_cursor(self) -> str | None:
        """Cursor to go on from."""
        return self.edges[-1].cursor if self.edges else None


def overall(sections: Sequence[Section]) -> SectionState:
    """OK if all permitted sections are; PARTIAL if any answered; else the first fault."""
    states = [section.state for section in sections if section.state is not SectionState.DENIED]
    if not states:
        return SectionState.DENIED
    if all(state is SectionState.OK for state in states):
        return SectionState.OK
    return SectionState.PARTIAL if any(state.answered for state in states) else states[0]


def fault_of(sections: Sequence[Section]) -> GraphQLError | None:
    """The error that stands in place of a list when no section answered; None when all were denied."""
    return next((section.error for section in sections if section.error), None)


def _position(record: Record) -> Position:
    return Position(record.healed.age, record.view.entry.code, record.record_id)
