"""Whether the log is whole: no gap, no altered leaf, one chain from the first leaf to the head.

What a chain alone cannot show is a cut tail: compare the head with one noted before.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from authz.audit.leaves import GENESIS, Leaf, chain_hash, leaf_hash, read_leaves
from authz.store import Store


class FaultKind(StrEnum):
    """What is wrong with a leaf."""

    GAP = "GAP"
    """A leaf before this one is gone."""
    LEAF = "LEAF"
    """The payload is not the one that was hashed."""
    CHAIN = "CHAIN"
    """The leaf does not follow from those before it."""
    SUBJECT = "SUBJECT"
    """The subject a person searches by is not the one in the payload."""
    EVENT = "EVENT"
    """The payload is not an event at all."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The first leaf that does not fit."""

    index: int
    kind: FaultKind


@dataclass(frozen=True, slots=True)
class Verification:
    """How many leaves are proven, the chain hash of the last of them, and the first fault after it."""

    leaves: int
    head: str
    fault: Fault | None = None


async def verify_leaves(store: Store) -> Verification:
    """Walk the whole log up to its first fault."""
    expected, chain = 0, GENESIS
    async for leaf in read_leaves(store):
        kind = _fault(leaf, expected, chain)
        if kind is not None:
            return Verification(expected, chain.hex(), Fault(leaf.index, kind))
        expected, chain = expected + 1, leaf.chain_hash
    return Verification(expected, chain.hex())


def _fault(leaf: Leaf, expected: int, chain: bytes) -> FaultKind | None:
    if leaf.index != expected:
        return FaultKind.GAP
    if leaf_hash(leaf.payload) != leaf.leaf_hash:
        return FaultKind.LEAF
    if chain_hash(chain, leaf.leaf_hash) != leaf.chain_hash:
        return FaultKind.CHAIN
    try:
        subject = leaf.event.get("subject")
    except ValueError:
        return FaultKind.EVENT
    named = subject.get("auditRef") if isinstance(subject, dict) else None
    return None if named == leaf.subject else FaultKind.SUBJECT
