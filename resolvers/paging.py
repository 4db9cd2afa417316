"""The `records` connection: all permitted types merged, newest first, behind encrypted cursors.

Types are fetched whole and merged, so that no page depends on what another client does. A
cursor holds the sort key of its edge, opens only under the same grant, and means nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import total_ordering

import orjson
from graphql import GraphQLError

from authz.decisions import Effect, TypeDecisions
from authz.grants import Grant
from authz.references import References
from catalogue.identifiers import SubjectKey
from connectors.errors import SectionState
from resolvers.building import Maker, Node, Section
from resolvers.healing import Healed
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


def page_node(
    page: PageRead,
    start: Start,
    sections: Mapping[str, Section],
    decisions: Mapping[str, TypeDecisions],
    maker: Maker,
) -> Node:
    """The connection node of one `records` field."""
    mine = [section for code, section in sections.items() if code in page.types]
    ordered = sorted(
        (
            (_position(section, healed, maker), section, healed)
            for section in mine
            if decisions[section.entry.code].existence.effect is Effect.PERMIT
            for healed in section.healed
        ),
        key=lambda item: item[0],
    )
    rest = [item for item in ordered if start.after is None or item[0] > start.after]
    edges: list[Node] = [
        {
            "__typename": "CreditRecordEdge",
            "node": maker.record(section, healed, decisions[section.entry.code]),
            "cursor": maker.references.seal_cursor(position.dump(), start.seal),
        }
        for position, section, healed in rest[: page.first]
    ]
    return {
        "__typename": "CreditRecordConnection",
        "state": overall(mine),
        "sections": [_status(section) for section in mine],
        "edges": edges if any(section.state.answered for section in mine) else fault_of(mine),
        "pageInfo": {
            "__typename": "PageInfo",
            "hasNextPage": len(rest) > page.first,
            "hasPreviousPage": len(rest) < len(ordered),
            "startCursor": edges[0]["cursor"] if edges else None,
            "endCursor": edges[-1]["cursor"] if edges else None,
        },
    }


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


def _status(section: Section) -> Node:
    return {
        "__typename": "SectionStatus",
        "recordType": section.entry.code,
        "state": section.state,
        "reason": section.reason,
        "fetchedAt": section.fetched_at,
    }


def _position(section: Section, healed: Healed, maker: Maker) -> Position:
    return Position(healed.age, section.entry.code, maker.record_ref(section.entry, healed))
