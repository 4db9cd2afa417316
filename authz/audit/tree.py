"""The Merkle tree as the store holds it: leaf hashes, and every eighth level of complete subtrees.

Any complete subtree is at most 128 kept hashes away, so a proof over a million leaves reads a
few thousand small rows by their keys, and none of the payloads.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.audit.merkle import EMPTY, STEP, Frontier, Span, complete_subtrees, joined, node_hash
from authz.audit.tables import audit_leaf, audit_subtree


class TreeDamaged(Exception):
    """The stored tree contradicts itself: nothing is appended to it, nothing proven from it."""


async def head_of(connection: AsyncConnection) -> tuple[int, bytes]:
    """How many leaves there are, and the tree head."""
    column = audit_leaf.c.leaf_index
    newest = select(column, audit_leaf.c.root).order_by(column.desc()).limit(1)
    found = (await connection.execute(newest)).first()
    return (int(found.leaf_index) + 1, found.root) if found else (0, EMPTY)


async def root_at(connection: AsyncConnection, size: int) -> bytes:
    """The tree head of the first `size` leaves, as it was written then; raises TreeDamaged."""
    if size == 0:
        return EMPTY
    found = (
        await connection.execute(select(audit_leaf.c.root).where(audit_leaf.c.leaf_index == size - 1))
    ).scalar()
    if found is None:
        raise TreeDamaged
    return bytes(found)


async def frontier_of(connection: AsyncConnection, size: int) -> Frontier:
    """The tree of the first `size` leaves, ready to grow; raises TreeDamaged."""
    return Frontier(size, await _peaks(connection, (0, size)))


async def span_hash(connection: AsyncConnection, span: Span) -> bytes:
    """The hash over a span of a proof, or over a whole tree; raises TreeDamaged."""
    return joined(await _peaks(connection, span))


async def hashes_between(connection: AsyncConnection, span: Span) -> Sequence[bytes]:
    """The leaf hashes of a span; raises TreeDamaged when one is missing."""
    start, end = span
    column = audit_leaf.c.leaf_index
    query = select(audit_leaf.c.leaf_hash).where(column >= start, column < end).order_by(column)
    found = (await connection.execute(query)).scalars().all()
    if len(found) != end - start:
        raise TreeDamaged
    return found


async def _peaks(connection: AsyncConnection, span: Span) -> list[bytes]:
    return [await _complete(connection, *each) for each in complete_subtrees(span)]


async def _complete(connection: AsyncConnection, height: int, position: int) -> bytes:
    """The hash of a complete subtree, folded from the kept hashes below it."""
    levels = height % STEP
    span = (position << levels, (position + 1) << levels)
    nodes = (
        await hashes_between(connection, span)
        if height < STEP
        else await _kept(connection, height - levels, span)
    )
    for _ in range(levels):
        nodes = [node_hash(nodes[at], nodes[at + 1]) for at in range(0, len(nodes), 2)]
    return nodes[0]


async def _kept(connection: AsyncConnection, height: int, span: Span) -> Sequence[bytes]:
    start, end = span
    column = audit_subtree.c.position
    query = (
        select(audit_subtree.c.hash)
        .where(audit_subtree.c.height == height, column >= start, column < end)
        .order_by(column)
    )
    found = (await connection.execute(query)).scalars().all()
    if len(found) != end - start:
        raise TreeDamaged
    return found
