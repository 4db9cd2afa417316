"""Masks of domain.md §5.3: one function per rule, applied while the answer is built.

A new rule is one function with `@masking_rule` and one row of `tests/vectors/masks.json`.
"""

from authz.masks import bands, dates, names, numbers, places, texts
from authz.masks.registry import HIDDEN, MaskContext, UnknownMask, known_rules, mask, of_text_alone

__all__ = [
    "HIDDEN",
    "MaskContext",
    "UnknownMask",
    "bands",
    "dates",
    "known_rules",
    "mask",
    "names",
    "numbers",
    "of_text_alone",
    "places",
    "texts",
]
