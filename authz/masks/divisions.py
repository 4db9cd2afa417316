"""Where an address leaves the county and becomes a home.

Names of divisions come from the GB/T 2260 table that python-stdnum carries, all editions
since 1980. Suffixes alone cannot do it: 州 ends 贺州 and 自治州, 市 is two levels, 区 also ends
小区. Suffixes serve only where no division of the address is in the table.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

_LINE: Final = re.compile(r'^ *(?P<code>\d+) (?:province|county)="(?P<names>[^"]+)"', re.MULTILINE)
_YEARS: Final = re.compile(r"\[[0-9-]*\]")

_NAME: Final = r"[^\W\d路街巷弄号村镇乡组栋幢室]"
_BY_SUFFIX: Final = re.compile(
    rf"(?:{_NAME}{{2,7}}?(?:省|自治区|特别行政区))?"
    rf"(?:{_NAME}{{2,6}}?(?:自治州|地区|盟|市))?"
    rf"(?:{_NAME}{{1,6}}?(?:县|旗|市|(?<![小社园校厂景库营片])区))?"
)
_LONGEST_NAME: Final = 15


class _Table:
    """Names of divisions with the codes they have borne; a county under its prefecture's four digits."""

    def __init__(self, lines: str) -> None:
        self.provinces: defaultdict[str, set[str]] = defaultdict(set)
        self.prefectures: defaultdict[str, set[str]] = defaultdict(set)
        self.counties: defaultdict[str, set[str]] = defaultdict(set)
        province = ""
        for line in _LINE.finditer(lines):
            code, names = line["code"], _YEARS.sub("", line["names"]).split(",")
            if len(code) == 2:
                province, level = code, self.provinces
            else:
                level = self.prefectures if code.endswith("00") else self.counties
            for name in names:
                level[name].add(code if len(code) == 2 else province + code[:2])


def county_level(address: str) -> str | None:
    """The leading divisions of an address, at most down to the county; None when there are none."""
    text = re.sub(r"\s", "", address)
    return text[: _known_end(text) or _suffix_end(text)] or None


def _known_end(text: str) -> int:
    table = _table()
    end, within = 0, frozenset({""})
    for level in (table.provinces, table.prefectures, table.counties):
        size, codes = _longest(text[end:], level, within)
        end, within = end + size, codes or within
    return end


def _longest(text: str, level: Mapping[str, set[str]], within: frozenset[str]) -> tuple[int, frozenset[str]]:
    """The longest name of the level that the text begins with, inside the divisions named so far."""
    for size in range(min(_LONGEST_NAME, len(text)), 1, -1):
        codes = frozenset(code for code in level.get(text[:size], ()) if code.startswith(tuple(within)))
        if codes:
            return size, codes
    return 0, frozenset()


def _suffix_end(text: str) -> int:
    found = _BY_SUFFIX.match(text)
    return found.end() if found else 0


@cache
def _table() -> _Table:
    return _Table((files("stdnum.cn") / "loc.dat").read_text(encoding="utf-8"))
