"""Leaves of the log: canonical bytes, and how they are read back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from typing import Final

import orjson
from sqlalchemy import LargeBinary, cast, func, select

from authz.audit.tables import audit_leaf
from authz.store import Store

_PAGE: Final = 2_000
# in SQLite a forger may leave text where bytes belong: a finding, so it may not be an error
_BINARY: Final = (audit_leaf.c.payload, audit_leaf.c.leaf_hash, audit_leaf.c.root)
_LEAVES: Final = (
    select(audit_leaf.c.leaf_index, audit_leaf.c.subject)
    .add_columns(*(cast(each, LargeBinary).label(each.name) for each in _BINARY))
    .order_by(audit_leaf.c.leaf_index)
    .limit(_PAGE)
)


def canonical(members: Mapping[str, object]) -> bytes:
    """RFC 8785 bytes of a JSON object with ASCII names and no floats; raises TypeError for others."""
    return orjson.dumps(members, option=orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One row of the log."""

    index: int
    subject: str | None
    """The subject's audit reference, so that a person finds the readers."""
    payload: bytes | None
    """None once it has been erased at the end of its retention."""
    leaf_hash: bytes
    root: bytes
    """The tree head of the log up to and including this leaf."""

    @property
    def event(self) -> dict[str, object]:
        """The event the leaf holds; raises ValueError when it is erased, or no event at all."""
        decoded = orjson.loads(self.payload or b"")
        if not isinstance(decoded, dict):
            raise ValueError("an event is a JSON object")
        return decoded


async def read_leaves(
    store: Store, start: int = 0, subjects: Collection[str] | None = None
) -> AsyncIterator[Leaf]:
    """Leaves in order, page by page, so that no transaction stays open while they are used."""
    query = _LEAVES
    if subjects is not None:
        query = query.where(audit_leaf.c.subject.in_(subjects))
    following = start
    while True:
        async with store.reading() as connection:
            rows = (await connection.execute(query.where(audit_leaf.c.leaf_index >= following))).all()
        for row in rows:
            yield Leaf(row.leaf_index, row.subject, row.payload, row.leaf_hash, row.root)
        if len(rows) < _PAGE:
            return
        following = rows[-1].leaf_index + 1


async def count_leaves(store: Store) -> int:
    """How many leaves the log has, by the index of the last one."""
    async with store.reading() as connection:
        last = (await connection.execute(select(func.max(audit_leaf.c.leaf_index)))).scalar()
    return 0 if last is None else int(last) + 1
