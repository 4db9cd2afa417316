"""Ask every source of a plan at once, each behind its own deadline; a failing one fails alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from time import perf_counter

from connectors.errors import SectionState, SourceError, SourceTimeout
from connectors.protocol import Answer, Ask, Source, Told
from resolvers.context import Report, SourceReport


@dataclass(frozen=True, slots=True)
class Fault:
    """Why one source did not answer, for `errors` and `extensions.sources`."""

    code: str
    source: str
    state: SectionState
    reason: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class Fetched:
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
        return min((answer.fetched_at for _, answer in self.answers), default=None)


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
    calls = [(code, source) for code, ask in asks.items() for source in _bound(sources, ask)]
    began = perf_counter()
    said, told_at = await _all_told([source.begin(asks[code]) for code, source in calls], until)
    fetched = {code: Fetched((), ()) for code in asks}
    for (code, source), answer, at in zip(calls, said, told_at, strict=True):
        one = _or_fault(source, answer)
        report.sources.append(_reported(source, code, one, at - began, confirmed=confirmed))
        before = fetched[code]
        if isinstance(one, Fault):
            fetched[code] = Fetched(before.answers, (*before.faults, one))
        else:
            fetched[code] = Fetched((*before.answers, (source, one)), before.faults)
    return fetched


def _bound(sources: Mapping[str, tuple[Source, ...]], ask: Ask) -> list[Source]:
    bound = sources.get(ask.record_type, ())
    kinds = {key.kind for key in ask.keys}
    return [source for source in bound if kinds <= source.key_kinds(ask.record_type)]


async def _all_told(
    questions: Sequence[Told], until: float | None
) -> tuple[list[Answer | Exception | None], list[float]]:
    """What each was told, and when; None for one that had to leave. One wake-up for all of them."""
    loop = asyncio.get_running_loop()
    told_at = [0.0] * len(questions)
    all_told = loop.create_future()
    left = len(questions)

    def told(at: int, _: Told) -> None:
        nonlocal left
        told_at[at] = perf_counter()
        left -= 1
        if not left and not all_told.done():
            all_told.set_result(None)

    for at, question in enumerate(questions):
        question.add_done_callback(partial(told, at))
    timer = None if until is None else loop.call_at(until, _leave, questions)
    try:
        if questions:
            await all_told
    except BaseException:
        _leave(questions)
        raise
    finally:
        if timer:
            timer.cancel()
    return [None if question.cancelled() else question.result() for question in questions], told_at


def _leave(questions: Iterable[Told]) -> None:
    for question in questions:
        question.cancel()


def _or_fault(source: Source, said: Answer | Exception | None) -> Answer | Fault:
    """The answer, or why there is none: who had to leave is out of time."""
    error = SourceTimeout(source.name) if said is None else said
    if isinstance(error, SourceError):
        return Fault(error.code, source.name, error.state, error.reason, error.retryable)
    if isinstance(error, Exception):
        raise error
    return error


def _reported(
    source: Source, record_type: str, said: Answer | Fault, seconds: float, *, confirmed: bool
) -> SourceReport:
    rejected, state, reason = _told(said, confirmed=confirmed)
    return SourceReport(
        source=source.name,
        department=source.department,
        record_type=record_type,
        state=state.value,
        reason=reason,
        rejected=rejected,
        batch=said.batch if isinstance(said, Answer) else "",
        latency_ms=round(seconds * 1000),
    )


def _told(said: Answer | Fault, *, confirmed: bool) -> tuple[int, SectionState, str | None]:
    """Rows that could not be read, the state and its reason, as `extensions.sources` says them."""
    if isinstance(said, Fault):
        return 0, said.state, said.reason
    rejected = sum(map(len, said.rejects.values())) if confirmed else 0
    if rejected:
        return rejected, SectionState.PARTIAL, "ROWS_REJECTED"
    if confirmed and said.truncated:
        return 0, SectionState.PARTIAL, "ROW_CAP"
    return 0, SectionState.OK, None
