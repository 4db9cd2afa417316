"""Ask every source of a plan at once, each behind its own deadline; a failing one fails alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Final, NamedTuple

from catalogue.identifiers import KeyKind, SubjectKey
from connectors.errors import SectionState, SourceError, SourceTimeout
from connectors.protocol import Answer, Ask, Source, Told
from resolvers.context import Report, SourceReport

# spelt once: an enumeration looks its value up at every turn
_OK: Final = SectionState.OK.value
_PARTIAL: Final = SectionState.PARTIAL.value


@dataclass(frozen=True, slots=True)
class Fault:
    """Why one source did not answer, for `errors` and `extensions.sources`."""

    code: str
    source: str
    state: SectionState
    reason: str
    retryable: bool


class Fetched(NamedTuple):
    """What the sources of one record type said."""

    answers: tuple[tuple[Source, Answer], ...]
    faults: tuple[Fault, ...]

    @property
    def state(self) -> SectionState:
        """OK only if every source bound to the type answered; the first fault otherwise (ruling 4)."""
        if self.faults:
            return self.faults[0].state
        return SectionState.OK if self.answers else SectionState.NOT_CONNECTED

    @property
    def fetched_at(self) -> datetime | None:
        """When the earliest of the answers was fetched."""
        return min([answer.fetched_at for _, answer in self.answers], default=None)


async def fetch_all(
    asks: Mapping[str, Ask],
    sources: Mapping[str, tuple[Source, ...]],
    report: Report,
    *,
    confirmed: bool = True,
    until: float | None = None,
) -> dict[str, Fetched]:
    """Ask all types of all their sources concurrently; cancelling this cancels every query.

    Rows that were left out are reported of `confirmed` subjects only: of others they would tell
    that the number exists (ruling 3). A source that has not answered `until` then, in the loop's
    time, is out of time.
    """
    calls = _calls(asks, sources)
    began = perf_counter()
    told = iter(await _all_told([each.begin(asks[code]) for code, bound in calls for each in bound], until))
    fetched = {}
    for code, bound in calls:
        answers, faults = [], []
        for source in bound:
            said, at = next(told)
            one = _or_fault(source, said)
            report.sources.append(_reported(source, code, one, at - began, confirmed=confirmed))
            if isinstance(one, Fault):
                faults.append(one)
            else:
                answers.append((source, one))
                if one.batch:
                    report.batches.append((one.batch, asks[code].keys))
        fetched[code] = Fetched(tuple(answers), tuple(faults))
    return fetched


def _calls(
    asks: Mapping[str, Ask], sources: Mapping[str, tuple[Source, ...]]
) -> list[tuple[str, list[Source]]]:
    """Which sources each question goes to: those of its type that can be asked by all its keys."""
    found = []
    keys: tuple[SubjectKey, ...] = ()
    kinds: set[KeyKind] = set()
    for code, ask in asks.items():
        if ask.keys is not keys:  # a request has the same for all types
            keys = ask.keys
            kinds = {key.kind for key in keys}
        bound = sources.get(ask.record_type, ())
        found.append((code, [one for one in bound if kinds <= one.key_kinds(ask.record_type)]))
    return found


async def _all_told(
    questions: Sequence[Told], until: float | None
) -> list[tuple[Answer | Exception | None, float]]:
    """What each was told, and when; None for one that had to leave. One wake-up for all of them."""
    if not questions:
        return []
    loop = asyncio.get_running_loop()
    all_told = loop.create_future()
    told_at: dict[Told, float] = {}

    def told(question: Told) -> None:
        told_at[question] = perf_counter()
        if len(told_at) == len(questions) and not all_told.done():
            all_told.set_result(None)

    for question in questions:
        question.add_done_callback(told)
    timer = None if until is None else loop.call_at(until, _leave, questions)
    try:
        await all_told
    except BaseException:
        _leave(questions)
        raise
    finally:
        if timer:
            timer.cancel()
    return [(None if each.cancelled() else each.result(), told_at[each]) for each in questions]


def _leave(questions: Iterable[Told]) -> None:
    for question in questions:
        question.cancel()


def _or_fault(source: Source, said: Answer | Exception | None) -> Answer | Fault:
    """The answer, or why there is none: who had to leave is out of time."""
    if isinstance(said, Answer):
        return said
    error = SourceTimeout(source.name) if said is None else said
    if isinstance(error, SourceError):
        return Fault(error.code, source.name, error.state, error.reason, error.retryable)
    raise error


def _reported(
    source: Source, record_type: str, said: Answer | Fault, seconds: float, *, confirmed: bool
) -> SourceReport:
    """Rows that could not be read, the state and its reason, as `extensions.sources` says them."""
    name, department, latency = source.name, source.department, round(seconds * 1000)
    if isinstance(said, Fault):
        return SourceReport(name, department, record_type, said.state.value, said.reason, latency)
    rejected = sum(map(len, said.rejects.values())) if confirmed and said.rejects else 0
    state, reason = _OK, None
    if rejected:
        state, reason = _PARTIAL, "ROWS_REJECTED"
    elif confirmed and said.truncated:
        state, reason = _PARTIAL, "ROW_CAP"
    return SourceReport(name, department, record_type, state, reason, latency, rejected)
