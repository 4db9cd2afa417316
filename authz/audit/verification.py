"""Whether the log is whole: every leaf, the tree over them, and what was signed.

One walk from the first leaf to the last finds the first fault and says where it is. What the
store alone cannot show is a log that was cut together with its newest checkpoints: hand in a
checkpoint that was kept elsewhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select

from authz.audit.checkpoints import Checkpoint, CheckpointInvalid, Notary
from authz.audit.erasure import Erasures
from authz.audit.leaves import Leaf, count_leaves, read_leaves
from authz.audit.merkle import EMPTY, Frontier, Subtree, leaf_hash
from authz.audit.tables import audit_checkpoint, audit_subtree
from authz.store import Store


class FaultKind(StrEnum):
    """What is wrong with a leaf."""

    GAP = "GAP"
    """The leaf is gone."""
    LEAF = "LEAF"
    """The payload is not the one that was hashed."""
    TREE = "TREE"
    """The leaf does not follow from those before it: it was altered, moved or put in."""
    SUBTREE = "SUBTREE"
    """A kept hash, by which proofs are made, is not that of the leaves up to this one."""
    SUBJECT = "SUBJECT"
    """The subject a person searches by is not the one in the payload."""
    EVENT = "EVENT"
    """The payload is not an event at all."""
    ERASED = "ERASED"
    """The payload is gone, and no later event says that it was erased."""
    CHECKPOINT = "CHECKPOINT"
    """The checkpoint up to this leaf was not signed by this gateway."""
    HISTORY = "HISTORY"
    """From this leaf on, at the earliest, the log is not the one that was signed."""
    TAIL = "TAIL"
    """This leaf and those behind it were signed for, and are gone."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The first leaf that does not fit."""

    index: int
    kind: FaultKind


@dataclass(frozen=True, slots=True)
class Verification:
    """How many leaves are proven, their tree head, and the first fault after them."""

    leaves: int
    head: str
    fault: Fault | None = None
    signed: int = 0
    """How many of the leaves a checkpoint vouches for."""
    checkpoints: int = 0
    erased: int = 0


async def verify_leaves(
    store: Store,
    notary: Notary,
    *,
    kept: Iterable[Checkpoint] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """Walk the whole log up to its first fault; `progress` is told leaves done and leaves in all."""
    statements = await _statements(store)
    total = await count_leaves(store)  # after the checkpoints, so that none is ahead of it
    for checkpoint in kept:
        statements[checkpoint.size].append(checkpoint.statement)
    walk = _Walk(store, notary, statements)
    async for leaf in read_leaves(store):
        if leaf.index >= total:
            break
        fault = await walk.step(leaf)
        if fault is not None:
            return walk.verified(fault)
        if progress is not None:
            progress(leaf.index + 1, total)
    return walk.verified(walk.ending())


class _Walk:
    """What the log so far must lead to."""

    def __init__(self, store: Store, notary: Notary, statements: dict[int, list[str]]) -> None:
        self._store = store
        self._notary = notary
        self._statements = statements
        self._erasures = Erasures()
        self._tree = Frontier()
        self._proven = (0, EMPTY)
        self._signed = 0
        self._checkpoints = 0

    async def step(self, leaf: Leaf) -> Fault | None:
        """Take one leaf, unless it does not fit."""
        kind = await self._fault(leaf)
        if kind is None:
            self._proven = (self._tree.size, leaf.root)
            return None
        places = {FaultKind.HISTORY: self._signed, FaultKind.GAP: self._proven[0]}
        return Fault(places.get(kind, leaf.index), kind)

    def ending(self) -> Fault | None:
        """What only shows once the whole log is known."""
        leaves, _ = self._proven
        if any(size > leaves for size in self._statements):
            return Fault(leaves, FaultKind.TAIL)
        unexplained = self._erasures.unexplained()
        return None if unexplained is None else Fault(unexplained, FaultKind.ERASED)

    def verified(self, fault: Fault | None) -> Verification:
        """What is proven by now."""
        leaves, root = self._proven
        return Verification(leaves, root.hex(), fault, self._signed, self._checkpoints, self._erasures.erased)

    async def _fault(self, leaf: Leaf) -> FaultKind | None:
        if leaf.index != self._tree.size:
            return FaultKind.GAP
        if leaf.payload is not None and leaf_hash(leaf.payload) != leaf.leaf_hash:
            return FaultKind.LEAF
        completed = self._tree.append(leaf.leaf_hash)
        if self._tree.root != leaf.root:
            return FaultKind.TREE
        if completed and not await _are_kept(self._store, completed):
            return FaultKind.SUBTREE
        return self._of_the_event(leaf) or self._of_what_was_signed(leaf.root)

    def _of_the_event(self, leaf: Leaf) -> FaultKind | None:
        if leaf.payload is None:
            self._erasures.found(leaf.index)
            return FaultKind.SUBJECT if leaf.subject else None
        try:
            event = leaf.event
        except ValueError:
            return FaultKind.EVENT
        self._erasures.told(leaf.index, event)
        subject = event.get("subject")
        named = subject.get("auditRef") if isinstance(subject, dict) else None
        return None if named == leaf.subject else FaultKind.SUBJECT

    def _of_what_was_signed(self, root: bytes) -> FaultKind | None:
        """Whether the checkpoints of this size, if any, say the same."""
        for statement in self._statements.get(self._tree.size, ()):
            try:
                checkpoint = self._notary.open(statement)
            except CheckpointInvalid:
                return FaultKind.CHECKPOINT
            if checkpoint.size != self._tree.size:
                return FaultKind.CHECKPOINT
            if checkpoint.root != root:
                return FaultKind.HISTORY
            self._signed = checkpoint.size
            self._checkpoints += 1
        return None


async def _statements(store: Store) -> defaultdict[int, list[str]]:
    found: defaultdict[int, list[str]] = defaultdict(list)
    async with store.reading() as connection:
        for row in (await connection.execute(select(audit_checkpoint))).all():
            found[row.size].append(row.statement)
    return found


async def _are_kept(store: Store, completed: Iterable[Subtree]) -> bool:
    async with store.reading() as connection:
        for each in completed:
            found = await connection.execute(
                select(audit_subtree.c.hash).where(
                    audit_subtree.c.height == each.height, audit_subtree.c.position == each.position
                )
            )
            if found.scalar() != each.hash:
                return False
    return True
