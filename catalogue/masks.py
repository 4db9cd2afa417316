"""The names of the masking rules (domain.md §5.3); `authz` implements exactly these."""

from __future__ import annotations

from typing import Final

MASK_RULES: Final = frozenset(
    {
        "M_NAME",
        "M_NAME_PUB",
        "M_ID",
        "M_ID_COURT",
        "M_YEAR",
        "M_DATE",
        "M_PHONE",
        "M_LANDLINE",
        "M_ADDR",
        "M_COUNTY",
        "M_EMAIL",
        "M_PLATE",
        "M_CERT",
        "M_BANK",
        "M_BAND",
        "M_BOOL",
        "M_TEXT",
    }
)

DROPPED: Final = "M_DROP"
"""Not a mask: the column must not enter the graph at all, so it belongs under `neverMapped`."""
