"""What a sample's rejected rows say about a manifest: how many for which reason, and whether any is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

from catalogue.guardrails import told_by
from connectors.protocol import Finding, Reject


def rejections(where: str, rejects: Iterable[Reject], sampled: int, readable: int) -> list[Finding]:
    """Findings ROWS_REJECTED by reason, and ROWS_ALL_REJECTED where no sampled row was readable."""
    reasons = Counter(f"{reject.column or 'row'}: {reject.reason}" for reject in rejects)
    found = [
        Finding(
            "warning",
            "ROWS_REJECTED",
            where,
            f"{count} of {sampled} sampled rows cannot be decoded ({reason}), {_percent(count, sampled)}",
        )
        for reason, count in sorted(reasons.items())
    ]
    if reasons and not readable:
        message = f"not one of {sampled} sampled rows can be decoded: nothing would ever be answered"
        found.append(Finding("error", "ROWS_ALL_REJECTED", where, message))
    return found


def prohibited(where: str, values: Mapping[str, Collection[str]]) -> Iterator[Finding]:
    """Findings FIELD_PROHIBITED by what the sampled values of each field tell (GR-08), without a value."""
    for name, found in values.items():
        if kind := told_by(found):
            message = f"its values tell {kind}, which no record type may hold, whatever the column is called"
            yield Finding("error", "FIELD_PROHIBITED", f"{where}.fields.{name}", message)


def _percent(count: int, sampled: int) -> str:
    share = 100 * count / sampled
    return "under 1 %" if share < 1 else f"{round(share)} %"
