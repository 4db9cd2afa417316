"""Free text: what it says stays, whom it names goes."""

from __future__ import annotations

from authz.masks.registry import MaskContext, masking_rule
from catalogue.personal_text import scrub
from catalogue.values import Value


@masking_rule("M_TEXT")
def free_text(value: Value, context: MaskContext) -> Value:
    """Personal numbers by their kind, and names known from the row (ruling 25)."""
    return scrub(value, context.names) if isinstance(value, str) else None
