"""Markdown as the tests of the documentation read it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = tuple(
    path for pattern in ("*.md", "docs/*.md", "deploy/*.md") for path in sorted(ROOT.glob(pattern))
)
_FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
_CODE: Final = re.compile(r"^```\w*\n(.*?)^```$|`([^`]+)`", re.M | re.S)
_ROW: Final = re.compile(r"^\| (.+) \|$", re.M)


@dataclass(frozen=True)
class Section:
    """What stands between one heading and the next."""

    heading: str
    text: str

    def blocks(self, language: str) -> list[str]:
        """Contents of the fenced blocks of a language, in order."""
        return [body for found, body in _FENCE.findall(self.text) if found == language]

    def rows(self) -> list[list[str]]:
        """Cells of every table row, without headings and rules."""
        cells = [row.split(" | ") for row in _ROW.findall(self.text)]
        return [row for row in cells if row[0].startswith("`")]


def sections(path: Path) -> dict[str, Section]:
    """Sections by heading, of any level."""
    parts = re.split(r"^#{1,3} (.+)$", _without_fences(path.read_text("utf-8")), flags=re.M)
    return {
        heading: Section(heading, _with_fences(text))
        for heading, text in zip(parts[1::2], parts[2::2], strict=True)
    }


def named_in(cell: str) -> set[str]:
    """The code spans of a cell."""
    return set(re.findall(r"`([^`]+)`", cell))


def code_in(text: str) -> Iterator[str]:
    """Every fenced block and code span."""
    for block, span in _CODE.findall(text):
        yield block or span


def anchors(path: Path) -> set[str]:
    """Fragments that headings of a page answer to, as GitHub makes them."""
    headings = re.findall(r"^#{1,6} (.+)$", _without_fences(path.read_text("utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _without_fences(text: str) -> str:
    """Comments of a shell block are no headings."""
    return _FENCE.sub(lambda block: block[0].replace("\n#", "\n\0#"), text)


def _with_fences(text: str) -> str:
    return text.replace("\0", "")
