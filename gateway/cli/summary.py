"""What a summary of a bulk check says, for people."""

from __future__ import annotations

from base64 import urlsafe_b64decode

from authz.receipts.summary import Summary
from gateway.bulk.rows import Candidates


def counted(summary: str | None, candidates: Candidates) -> dict[str, int]:
    """Lines of the file that came out how; those that were never sent are among them."""
    counts: dict[str, int] = {"complete": 0, "incomplete": 0}
    if summary:
        payload = summary.split(".")[1]
        said = Summary.model_validate_json(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        counts |= {name: number for name, number in said.counts().items() if name != "lines"}
    for problem in candidates.problems:
        counts[problem.code] = counts.get(problem.code, 0) + 1
    repeated = sum(len(row.also_on) for row in candidates.rows.values())
    return counts | {"repeated": repeated, "lines": candidates.lines}
