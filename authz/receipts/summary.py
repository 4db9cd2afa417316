"""The summary of a bulk check: a compact JWS over chunks, lines and counts; no id, no value.

Each chunk is answered with the summary of itself. Summaries of one job are added up, some at a
time, to the one of the whole job, which says by `known` how many chunks the gateway has seen of
it, so that none is left out unnoticed. Lines are those of the client's file, written as ranges
(`2-99,101`). A line that was asked again counts as it came out in the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from authz.errors import AccessDenied
from authz.receipts.receipt import ALGORITHM, compact

TYPE: Final = "must-check-summary+jws"
_CONFIG: Final = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class SummaryInvalid(AccessDenied):
    """Not a summary of this gateway, or not one of the same job."""

    def __init__(self) -> None:
        super().__init__(
            "SUMMARY_INVALID",
            "These are no summaries of chunks of one job. Send each once, as you received it.",
        )


class ChunkMark(BaseModel):
    """One chunk: its keyed digest, and between which places of the audit log its subjects begin."""

    model_config = _CONFIG

    number: int
    digest: str
    first: int | None
    last: int | None
    """None where nobody of the chunk was read."""


class Summary(BaseModel):
    """What a summary says; `iat` is RFC 7519, everything else is named as in a receipt."""

    model_config = _CONFIG

    iss: str
    iat: int
    client_id: str
    organization: str
    scenario: str
    case_no: str
    basis: str
    job: str
    known: int
    """Chunks of the job that the gateway had seen."""
    chunks: tuple[ChunkMark, ...]
    complete: str
    """Lines whose check has an answer on every record type."""
    incomplete: str
    refused: Mapping[str, str]
    """Lines by the code they were refused with."""
    results: Mapping[str, int]
    """How many record types of complete lines came out how."""

    @property
    def whole(self) -> bool:
        """Whether every chunk of the job is in it."""
        return len(self.chunks) == self.known

    def counts(self) -> dict[str, int]:
        """Lines that came out how, and all of them."""
        refused = {code: len(lines_of(lines)) for code, lines in self.refused.items()}
        known = {"complete": len(lines_of(self.complete)), "incomplete": len(lines_of(self.incomplete))}
        return {**known, **refused, "lines": sum(known.values()) + sum(refused.values())}


def ranges(lines: Collection[int]) -> str:
    """Line numbers in ascending order, neighbours joined: `2-99,101`."""
    runs: list[list[int]] = []
    for line in sorted(lines):
        if runs and line == runs[-1][-1] + 1:
            runs[-1][1:] = [line]
        else:
            runs.append([line])
    return ",".join("-".join(map(str, run)) for run in runs)


def lines_of(text: str) -> set[int]:
    """The line numbers of `ranges`."""
    found: set[int] = set()
    for run in filter(None, text.split(",")):
        first, _, last = run.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def added(parts: Sequence[Summary], known: int, now: int) -> Summary:
    """One summary of several of one job; raises SummaryInvalid."""
    first = parts[0]
    whose = {(each.client_id, each.scenario, each.case_no, each.basis, each.job) for each in parts}
    chunks = sorted((mark for each in parts for mark in each.chunks), key=lambda mark: mark.number)
    complete = _union(each.complete for each in parts)
    twice = sum(len(lines_of(each.complete)) for each in parts) > len(complete)
    if len(whose) > 1 or len({mark.number for mark in chunks}) < len(chunks) or twice:
        raise SummaryInvalid
    incomplete = _union(each.incomplete for each in parts) - complete
    refused = {
        code: ranges(_union(each.refused.get(code, "") for each in parts) - complete - incomplete)
        for code in sorted({code for each in parts for code in each.refused})
    }
    return first.model_copy(
        update={
            "iat": now,
            "known": known,
            "chunks": tuple(chunks),
            "complete": ranges(complete),
            "incomplete": ranges(incomplete),
            "refused": {code: lines for code, lines in refused.items() if lines},
            "results": dict(sorted(sum((Counter(each.results) for each in parts), Counter()).items())),
        }
    )


def _union(texts: Iterable[str]) -> set[int]:
    return set().union(*map(lines_of, texts))


def signed(summary: Summary, key: ECKey) -> str:
    """The compact JWS."""
    return compact(summary, TYPE, key)


def opened(text: str, keys: KeySet) -> Summary:
    """The summary that one of these keys signed; raises SummaryInvalid for anything else."""
    try:
        found = jws.deserialize_compact(text.strip(), keys, [ALGORITHM])
        if found.headers().get("typ") != TYPE:
            raise SummaryInvalid
        return Summary.model_validate_json(found.payload or b"")
    except (JoseError, ValidationError, ValueError):
        raise SummaryInvalid from None
