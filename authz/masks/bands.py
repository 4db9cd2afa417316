"""Amounts as intervals, and results as the closed words the law gives them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from authz.masks.registry import MaskContext, masking_rule
from catalogue.values import Value

MONEY_BANDS: Final = (
    (Decimal(1_000), "≤1000元"),
    (Decimal(10_000), "1000元–1万"),
    (Decimal(100_000), "1–10万"),
    (Decimal(1_000_000), "10–100万"),
    (Decimal("Infinity"), ">100万"),
)
"""Upper edge in yuan, inclusive, and the band's name (domain.md §5.3)."""

CHILD_CONTACT_RESULTS: Final = frozenset({"可录用", "不得录用", "需人工核实"})
"""The only answers of a check under 未成年人保护法 62."""

_AMOUNT: Final = r"[0-9][0-9,.]*\s*[万亿]?\s*(?:元|个月|月|年|小时|期|天|次)?"
_BAND: Final = re.compile(
    rf"[≤<≥>]=?\s*{_AMOUNT}|{_AMOUNT}\s*[-–—~～至到]\s*{_AMOUNT}|{_AMOUNT}\s*(?:以上|以下|以内|及以上|及以下)"
)


@masking_rule("M_BAND")
def band(value: Value, _: MaskContext) -> Value:
    """An exact amount in yuan as its band; a text passes only if it is a band already."""
    if isinstance(value, Decimal) and value.is_finite() and value >= 0:
        return next(name for edge, name in MONEY_BANDS if value <= edge)
    return value if isinstance(value, str) and _BAND.fullmatch(value.strip()) else None


@masking_rule("M_BOOL")
def closed_result(value: Value, _: MaskContext) -> Value:
    """Yes, no, or one of the closed results; anything else says too much."""
    known = isinstance(value, bool) or value in CHILD_CONTACT_RESULTS
    return value if known else None
