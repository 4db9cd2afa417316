"""The tree against the test vectors of Certificate Transparency and the recursion of RFC 6962 itself."""

import hashlib
from collections.abc import Sequence

import pytest

from authz.audit.merkle import (
    EMPTY,
    Frontier,
    Span,
    complete_subtrees,
    consistency_spans,
    implied_root,
    inclusion_spans,
    joined,
    leaf_hash,
    node_hash,
)

LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
"""The eight entries of the reference tests of Certificate Transparency, and the heads over them."""
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): INCLUSION[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): INCLUSION[1, 5][1:],
}


def _hashes(count: int) -> list[bytes]:
    return [leaf_hash(each) for each in LEAVES[:count]]


def mth(hashes: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, as it is written there."""
    if not hashes:
        return hashlib.sha256().digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return node_hash(mth(hashes[:k]), mth(hashes[k:]))


def _path(hashes: Sequence[bytes], spans: list[Span]) -> list[bytes]:
    return [mth(hashes[start:end]) for start, end in spans]


def test_heads_are_those_of_certificate_transparency() -> None:
    tree = Frontier()
    assert tree.root == EMPTY == mth([])
    for each, expected in zip(LEAVES, ROOTS, strict=True):
        tree.append(leaf_hash(each))
        assert tree.root.hex() == expected


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_inclusion_proofs_are_those_of_certificate_transparency(index: int, size: int) -> None:
    path = _path(_hashes(size), inclusion_spans(index, (0, size)))
    assert [each.hex() for each in path] == INCLUSION[index, size]


@pytest.mark.parametrize(("old", "size"), CONSISTENCY)
def test_consistency_proofs_are_those_of_certificate_transparency(old: int, size: int) -> None:
    path = _path(_hashes(size), consistency_spans(old, (0, size)))
    assert [each.hex() for each in path] == CONSISTENCY[old, size]


def test_every_leaf_of_every_tree_is_proven_and_no_other() -> None:
    hashes = [leaf_hash(bytes([number])) for number in range(70)]
    for size in (1, 2, 3, 31, 32, 33, 64, 69, 70):
        root = mth(hashes[:size])
        for index in range(size):
            path = _path(hashes, inclusion_spans(index, (0, size)))
            assert implied_root(hashes[index], index, size, path) == root
            assert size == 1 or implied_root(hashes[index - 1], index, size, path) != root
            for wrong in (path[:-1], [*path, root]):
                if wrong != path:
                    with pytest.raises(ValueError, match="path"):
                        implied_root(hashes[index], index, size, wrong)


def test_complete_subtrees_make_the_head_and_are_told_once() -> None:
    hashes = [leaf_hash(number.to_bytes(2, "big")) for number in range(1_000)]
    tree, told = Frontier(), {}
    for size, each in enumerate(hashes, 1):
        for subtree in tree.append(each):
            assert (subtree.height, subtree.position) not in told
            told[subtree.height, subtree.position] = subtree.hash
        if size in {1, 2, 255, 256, 257, 700, 999}:
            assert tree.root == mth(hashes[:size])
            peaks = [mth(hashes[p << h : (p + 1) << h]) for h, p in complete_subtrees((0, size))]
            assert joined(peaks) == tree.root
            assert Frontier(size, peaks).root == tree.root
    assert told == {
        (8, position): mth(hashes[position * 256 : position * 256 + 256]) for position in range(3)
    }


def test_a_tree_of_65536_leaves_keeps_a_second_level() -> None:
    tree = Frontier()
    last = [tree.append(bytes(32)) for _ in range(65_536)][-1]
    assert [(each.height, each.position) for each in last] == [(8, 255), (16, 0)]
    assert last[1].hash == tree.root
