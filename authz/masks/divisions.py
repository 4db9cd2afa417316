"""Where an address leaves the county and becomes a home.

Names of divisions come from the GB/T 2260 table that python-stdnum carries, all editions
since 1980. Suffixes alone cannot do it: 州 ends 贺州 and 自治州, 市 is two levels, 区 also ends
小区. Suffixes serve only where no division of the address is in the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
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


@dataclass
class _Names:
    """Names of one province: its prefectures and counties."""

    prefectures: dict[str, set[str]] = field(default_factory=dict)
    """Name to its area codes (third and fourth digit): renumbered prefectures have several."""
    counties: dict[str, set[str]] = field(default_factory=dict)
    """By area code."""


def county_level(address: str) -> str | None:
    """The leading divisions of an address, at most down to the county; None when there are none."""
    text = re.sub(r"\s", "", address)
    return text[: _known_end(text) or _suffix_end(text)] or None


def _known_end(text: str) -> int:
    table = _table()
    province = _longest(text, table)
    scope = [table[text[:province]]] if province else list(table.values())
    rest = text[province:]
    prefecture = rest[: _longest(rest, (name for names in scope for name in names.prefectures))]
    above = province + len(prefecture)
    return above + _longest(text[above:], _counties(scope, prefecture))


def _counties(scope: list[_Names], prefecture: str) -> Iterator[str]:
    """County names below the prefecture, or in the whole scope where no prefecture is written."""
    for names in scope:
        for area, counties in names.counties.items():
            if not prefecture or area in names.prefectures.get(prefecture, ()):
                yield from counties


def _longest(text: str, names: Iterable[str]) -> int:
    """The length of the longest name that the text begins with; 0 for none."""
    return max((len(name) for name in names if text.startswith(name)), default=0)


def _suffix_end(text: str) -> int:
    found = _BY_SUFFIX.match(text)
    return found.end() if found else 0


@cache
def _table() -> dict[str, _Names]:
    """Provinces by name."""
    provinces: dict[str, _Names] = {}
    for line in _LINE.finditer((files("stdnum.cn") / "loc.dat").read_text(encoding="utf-8")):
        code = line["code"]
        if len(code) == 2:
            province = provinces[line["names"]] = _Names()
            continue
        for name in _YEARS.sub("", line["names"]).split(","):
            if code.endswith("00"):
                province.prefectures.setdefault(name, set()).add(code[:2])
            else:
                province.counties.setdefault(code[:2], set()).add(name)
    return provinces
