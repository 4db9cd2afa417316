"""Places to county level."""

from __future__ import annotations

import re
from typing import Final

from authz.masks.divisions import county_level
from authz.masks.registry import HIDDEN, text_rule

_DIVISION_CODE: Final = re.compile(r"([0-9]{6})(?:[0-9]{3}|[0-9]{6})?")


@text_rule("M_ADDR")
def address(text: str) -> str | None:
    """Divisions down to the county, then a fixed number of stars."""
    county = county_level(text)
    return county + HIDDEN if county else None


@text_rule("M_COUNTY")
def county(text: str) -> str | None:
    """A GB/T 2260 code to six digits (GB/T 10114 adds town and village), a place to its county."""
    code = _DIVISION_CODE.fullmatch(text.strip())
    return code[1] if code else county_level(text)
