"""Proofs for people who do not trust the gateway; docs/audit.md has the lines that check them.

Both kinds lead to the newest checkpoint, so that a proof stands by itself.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.audit.checkpoints import Checkpoint, CheckpointInvalid, Notary
from authz.audit.merkle import Span, consistency_spans, implied_root, inclusion_spans
from authz.audit.tables import audit_leaf
from authz.audit.tree import TreeDamaged, span_hash
from authz.store import Store


class ProofRefused(Exception):
    """There is no such proof: a stable code and what to do next."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That a leaf is in the log that was signed (RFC 6962 §2.1.1)."""

    index: int
    leaf: bytes | None
    """The event's bytes; None after their erasure, when the proof speaks of the hash alone."""
    leaf_hash: bytes
    path: Sequence[bytes]
    checkpoint: Checkpoint

    def as_json(self) -> dict[str, object]:
        """The proof as a file; bytes of the leaf in base64, hashes in hexadecimal."""
        return {
            "checkpoint": self.checkpoint.statement,
            "index": self.index,
            "keyId": self.checkpoint.key_id,
            "leaf": None if self.leaf is None else base64.b64encode(self.leaf).decode(),
            "leafHash": self.leaf_hash.hex(),
            "path": [each.hex() for each in self.path],
            "size": self.checkpoint.size,
        }


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """That the log that was signed only grew since it had `old` leaves (RFC 6962 §2.1.2)."""

    old: int
    path: Sequence[bytes]
    checkpoint: Checkpoint

    def as_json(self) -> dict[str, object]:
        """The proof as a file, hashes in hexadecimal."""
        return {
            "checkpoint": self.checkpoint.statement,
            "keyId": self.checkpoint.key_id,
            "oldSize": self.old,
            "path": [each.hex() for each in self.path],
            "size": self.checkpoint.size,
        }


async def prove_inclusion(store: Store, notary: Notary, index: int) -> InclusionProof:
    """The proof of one leaf; raises ProofRefused."""
    async with store.reading() as connection:
        checkpoint = await _newest(notary, connection)
        if not 0 <= index < checkpoint.size:
            raise ProofRefused(
                "LEAF_NOT_SIGNED",
                f"The newest checkpoint signs {checkpoint.size} events. Sign again: audit checkpoint --new.",
            )
        path = await _path(connection, inclusion_spans(index, (0, checkpoint.size)))
        row = (await connection.execute(select(audit_leaf).where(audit_leaf.c.leaf_index == index))).one()
    if implied_root(row.leaf_hash, index, checkpoint.size, path) != checkpoint.root:
        _damaged()
    return InclusionProof(index, row.payload, row.leaf_hash, path, checkpoint)


async def prove_consistency(store: Store, notary: Notary, old: int) -> ConsistencyProof:
    """The proof of growth since a size; raises ProofRefused."""
    async with store.reading() as connection:
        checkpoint = await _newest(notary, connection)
        if not 0 < old <= checkpoint.size:
            raise ProofRefused(
                "SIZE_NOT_SIGNED", f"Give a size from 1 to {checkpoint.size}, that of the newest checkpoint."
            )
        path = await _path(connection, consistency_spans(old, (0, checkpoint.size)))
        if await _path(connection, [(0, checkpoint.size)]) != [checkpoint.root]:
            _damaged()
    return ConsistencyProof(old, path, checkpoint)


async def _newest(notary: Notary, connection: AsyncConnection) -> Checkpoint:
    try:
        found = await connection.run_sync(notary.newest)
    except CheckpointInvalid:
        _damaged()
    if found is None:
        raise ProofRefused("NOTHING_SIGNED", "There is no checkpoint yet. Sign one: audit checkpoint --new.")
    return found


async def _path(connection: AsyncConnection, spans: Sequence[Span]) -> list[bytes]:
    try:
        return [await connection.run_sync(span_hash, span) for span in spans]
    except TreeDamaged:
        _damaged()


def _damaged() -> NoReturn:
    raise ProofRefused("LOG_DAMAGED", "The log is not the one that was signed. Run `audit verify`.")
