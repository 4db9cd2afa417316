"""The Merkle tree of RFC 6962 §2.1 (unchanged in RFC 9162 §2.1): hashes and shapes, no storage.

A tree of n leaves is made of complete subtrees, one for each bit of n. A subtree of height h
and position p covers the leaves from p·2^h up to (p + 1)·2^h. A span [start, end) of a proof is
made of complete subtrees in the same way, because it starts at a multiple of its own size.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

EMPTY: Final = hashlib.sha256().digest()
"""The head of a tree without leaves."""
STEP: Final = 8
"""Complete subtrees whose height is a multiple of this are kept: one row for 256 leaves."""

Span: TypeAlias = tuple[int, int]
"""Leaves from the first up to, not including, the second."""


@dataclass(frozen=True, slots=True)
class Subtree:
    """A complete subtree and its hash."""

    height: int
    position: int
    hash: bytes


def leaf_hash(payload: bytes) -> bytes:
    """The hash of a leaf: SHA-256 over 0x00 and its bytes."""
    return hashlib.sha256(b"\x00" + payload).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256 over 0x01 and its children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def joined(peaks: Sequence[bytes]) -> bytes:
    """The hash over complete subtrees, given from the largest to the smallest."""
    if not peaks:
        return EMPTY
    sha256 = hashlib.sha256  # every leaf has its root: no call for each of its nodes
    found = peaks[-1]
    for peak in peaks[-2::-1]:
        found = sha256(b"\x01" + peak + found).digest()
    return found


class Frontier:
    """A growing tree by its complete subtrees alone: enough to append and to know the head."""

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self._peaks = list(peaks)

    @property
    def root(self) -> bytes:
        """The tree head."""
        return joined(self._peaks)

    def append(self, leaf: bytes) -> list[Subtree]:
        """Add the hash of a leaf; returns the subtrees to keep that it completed."""
        completed = []
        node, height, position = leaf, 0, self.size
        while position % 2:
            node, height, position = node_hash(self._peaks.pop(), node), height + 1, position // 2
            if height % STEP == 0:
                completed.append(Subtree(height, position, node))
        self._peaks.append(node)
        self.size += 1
        return completed


def complete_subtrees(span: Span) -> Iterator[tuple[int, int]]:
    """Height and position of the complete subtrees that a span is made of, largest first."""
    start, end = span
    while start < end:
        height = (end - start).bit_length() - 1
        yield height, start >> height
        start += 1 << height


def inclusion_spans(index: int, span: Span) -> list[Span]:
    """What an inclusion proof hashes, leaf upwards (RFC 6962 §2.1.1, PATH)."""
    start, end = span
    if end - start == 1:
        return []
    middle = start + _split(end - start)
    if index < middle:
        return [*inclusion_spans(index, (start, middle)), (middle, end)]
    return [*inclusion_spans(index, (middle, end)), (start, middle)]


def consistency_spans(old: int, span: Span, *, known: bool = True) -> list[Span]:
    """What a consistency proof from a smaller, non-empty tree hashes (RFC 6962 §2.1.2, SUBPROOF)."""
    start, end = span
    if old == end:
        return [] if known else [span]
    middle = start + _split(end - start)
    if old <= middle:
        return [*consistency_spans(old, (start, middle), known=known), (middle, end)]
    return [*consistency_spans(old, (middle, end), known=False), (start, middle)]


def implied_root(leaf: bytes, index: int, size: int, path: Iterable[bytes]) -> bytes:
    """The head that an inclusion proof leads to (RFC 9162 §2.1.3.2); raises ValueError for a wrong length."""
    node, last = leaf, size - 1
    for sibling in path:
        if last == 0:
            raise ValueError("the path is too long")
        if index % 2 or index == last:
            node = node_hash(sibling, node)
            while index and index % 2 == 0:
                index, last = index >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        index, last = index >> 1, last >> 1
    if last != 0:
        raise ValueError("the path is too short")
    return node


def _split(size: int) -> int:
    """The largest power of two below a size."""
    return 1 << ((size - 1).bit_length() - 1)
