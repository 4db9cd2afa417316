"""The look that spares a text its patterns lets none by that one of them would find."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from catalogue.personal_text import _PATTERNS, _SUSPECT

_PIECES = [
    "1",
    "0",
    "86",
    "138",
    "1380",
    "19800101",
    "6222",
    "99010",
    "92",
    " ",
    "-",
    "(",
    ")",
    "*",
    "****",
    "@",
    "E",
    "X",
    "京",
    "a.b",
]
TEXTS = st.one_of(
    st.lists(st.sampled_from(_PIECES), max_size=12).map("".join),
    *(st.from_regex(pattern) for pattern, _ in _PATTERNS),
)


@given(TEXTS)
@example("138-0013-8000")
@example("13800138000")
@example("1380013-8000")
@example("138 00138000")
@example("6222 0212 3456 7890")
@example("6222-02123456-7890")
@example("(0914)2345678")
@example("1980****")
@example("990101 19800101 0014")
@example("E12345678")
def test_no_text_with_a_personal_number_is_passed_over(text: str) -> None:
    if any(pattern.search(text) for pattern, _ in _PATTERNS):
        assert _SUSPECT.search(text)


def test_a_case_number_is_not_looked_at_again() -> None:
    assert not _SUSPECT.search("BENCH-2026-0001")
    assert not _SUSPECT.search("2026年度资格核验")
