"""Dates made coarser; the result is still a date."""

from __future__ import annotations

from datetime import datetime

from authz.masks.registry import MaskContext, masking_rule
from catalogue.values import CHINA_TIME, PartialDate, Value


def _as_date(value: Value) -> PartialDate | None:
    if isinstance(value, datetime):
        day = value.astimezone(CHINA_TIME)
        return PartialDate.of(day.year, day.month, day.day)
    if isinstance(value, PartialDate):
        return value
    try:
        return PartialDate.parse(value) if isinstance(value, str) else None
    except ValueError:
        return None


@masking_rule("M_YEAR")
def year(value: Value, _: MaskContext) -> Value:
    """1980-01-01 → 1980; open-ended stays open-ended, for it names no day."""
    found = _as_date(value)
    return found if found is None or found.open_ended else PartialDate.of(found.earliest.year)


@masking_rule("M_DATE")
def day(value: Value, _: MaskContext) -> Value:
    """An instant to its day in Asia/Shanghai; a coarser date stays as it is."""
    return _as_date(value)
