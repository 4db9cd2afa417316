"""The monthly sample (domain.md §4.6): 1 % of each organization's reads, at least 20, or all if fewer.

Which reads it takes follows from the log alone. The seed is the tree head up to and with the
month's last event, once a signed checkpoint covers it; each read's lot is a hash of the seed,
the organization and the event's own hash, and the lowest lots are drawn. Nobody can choose,
for every event of the month is in the seed, and anybody with the log can draw again.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from authz.audit.leaves import Leaf
from authz.audit.months import bounds_of, events_around
from authz.review.events import Use, use_of
from authz.store import Store

LEAST: Final = 20
_SHARE: Final = 100
"""One in so many."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One read of the sample."""

    index: int
    use: Use


@dataclass(frozen=True, slots=True)
class Draw:
    """The sample of one month, and what it was drawn by."""

    month: str
    size: int
    """Events up to and with the month's last."""
    root: bytes
    """The tree head of that size: the seed."""
    reads: dict[str, int]
    """How many there were, by organization (USCC)."""
    drawn: tuple[Drawn, ...]


def size_of(reads: int) -> int:
    """How many of so many reads are looked at."""
    return min(reads, max(LEAST, -(-reads // _SHARE)))


async def draw(store: Store, month: str) -> Draw | None:
    """Draw a month's sample from the log; None where the month has no event."""
    start, end = bounds_of(month)
    lots: dict[str, list[tuple[bytes, Drawn]]] = defaultdict(list)
    last: Leaf | None = None
    found: list[tuple[Leaf, Use]] = []
    async for leaf, _, at in events_around(store, start, end):
        if at >= end:
            continue
        last = leaf
        use = use_of(leaf.payload)
        if at >= start and use is not None and use.reviewed and not use.denied:
            found.append((leaf, use))
    if last is None:
        return None
    for leaf, use in found:
        lots[use.organization].append((lot(last.root, use.organization, leaf), Drawn(leaf.index, use)))
    drawn = [one for mine in lots.values() for _, one in sorted(mine, key=_by_lot)[: size_of(len(mine))]]
    reads = {organization: len(mine) for organization, mine in sorted(lots.items())}
    return Draw(month, last.index + 1, last.root, reads, tuple(sorted(drawn, key=lambda one: one.index)))


def lot(root: bytes, organization: str, leaf: Leaf) -> bytes:
    """The lot of one read: SHA-256 over seed, organization and the event's hash."""
    return hashlib.sha256(root + organization.encode() + leaf.leaf_hash).digest()


def _by_lot(entry: tuple[bytes, Drawn]) -> bytes:
    return entry[0]


def organizations(drawn: Iterable[Drawn]) -> dict[str, int]:
    """How many were drawn, by organization."""
    counted: dict[str, int] = defaultdict(int)
    for one in drawn:
        counted[one.use.organization] += 1
    return dict(sorted(counted.items()))
