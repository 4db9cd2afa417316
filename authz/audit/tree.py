"""The Merkle tree as the store holds it: leaf hashes, and every eighth level of complete subtrees.

Any complete subtree is at most 128 kept hashes away, so a proof over a million leaves reads a
few thousand small rows by their keys, and none of the payloads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, select

from authz.audit.merkle import EMPTY, STEP, Frontier, Span, complete_subtrees, joined, node_hash
from authz.audit.tables import audit_leaf, audit_subtree
from authz.prepared import Prepared

_HEAD: Final = Prepared(
    select(audit_leaf.c.leaf_index, audit_leaf.c.root).order_by(audit_leaf.c.leaf_index.desc()).limit(1)
)


class TreeDamaged(Exception):
    """The stored tree contradicts itself: nothing is appended to it, nothing proven from it."""


def head_of(connection: Connection) -> tuple[int, bytes]:
    """How many leaves there are, and the tree head."""
    for last in _HEAD.all(connection):
        return int(last.leaf_index) + 1, last.root
    return 0, EMPTY


def root_at(connection: Connection, size: int) -> bytes:
    """The tree head of the first `size` leaves, as it was written then; raises TreeDamaged."""
    if size == 0:
        return EMPTY
    found = connection.execute(select(audit_leaf.c.root).where(audit_leaf.c.leaf_index == size - 1)).scalar()
    if found is None:
        raise TreeDamaged
    return bytes(found)


def frontier_of(connection: Connection, size: int) -> Frontier:
    """The tree of the first `size` leaves, ready to grow; raises TreeDamaged."""
    return Frontier(size, _peaks(connection, (0, size)))


def span_hash(connection: Connection, span: Span) -> bytes:
    """The hash over a span of a proof, or over a whole tree; raises TreeDamaged."""
    return joined(_peaks(connection, span))


def hashes_between(connection: Connection, span: Span) -> Sequence[bytes]:
    """The leaf hashes of a span; raises TreeDamaged when one is missing."""
    start, end = span
    column = audit_leaf.c.leaf_index
    query = select(audit_leaf.c.leaf_hash).where(column >= start, column < end).order_by(column)
    found = connection.execute(query).scalars().all()
    if len(found) != end - start:
        raise TreeDamaged
    return found


def _peaks(connection: Connection, span: Span) -> list[bytes]:
    return [_complete(connection, *each) for each in complete_subtrees(span)]


def _complete(connection: Connection, height: int, position: int) -> bytes:
    """The hash of a complete subtree, folded from the kept hashes below it."""
    levels = height % STEP
    span = (position << levels, (position + 1) << levels)
    nodes = hashes_between(connection, span) if height < STEP else _kept(connection, height - levels, span)
    for _ in range(levels):
        nodes = [node_hash(nodes[at], nodes[at + 1]) for at in range(0, len(nodes), 2)]
    return nodes[0]


def _kept(connection: Connection, height: int, span: Span) -> Sequence[bytes]:
    start, end = span
    column = audit_subtree.c.position
    query = (
        select(audit_subtree.c.hash)
        .where(audit_subtree.c.height == height, column >= start, column < end)
        .order_by(column)
    )
    found = connection.execute(query).scalars().all()
    if len(found) != end - start:
        raise TreeDamaged
    return found
