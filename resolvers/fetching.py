"""Ask every source of a plan at once, each behind its own deadline; a failing one fails alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter

from connectors.errors import SectionState, SourceError, SourceTimeout
from connectors.protocol import Answer, Ask, Source
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
    outcomes = await asyncio.gather(
        *(_fetch(source, asks[code], report, confirmed=confirmed, until=until) for code, source in calls)
    )
    fetched = {code: Fetched((), ()) for code in asks}
    for (code, source), said in zip(calls, outcomes, strict=True):
        before = fetched[code]
        if isinstance(said, Fault):
            fetched[code] = Fetched(before.answers, (*before.faults, said))
        else:
            fetched[code] = Fetched((*before.answers, (source, said)), before.faults)
    return fetched


def _bound(sources: Mapping[str, tuple[Source, ...]], ask: Ask) -> list[Source]:
    kinds = {key.kind for key in ask.keys}
    return [
        source for source in sources.get(ask.record_type, ()) if kinds <= source.key_kinds(ask.record_type)
    ]


async def _fetch(
    source: Source, ask: Ask, report: Report, *, confirmed: bool, until: float | None
) -> Answer | Fault:
    started = perf_counter()
    said: Answer | Fault
    try:
        said = await (source.fetch(ask) if until is None else _in_time(source, ask, until))
    except SourceError as error:
        said = Fault(error.code, source.name, error.state, error.reason, error.retryable)
    rejected, state, reason = _told(said, confirmed=confirmed)
    report.sources.append(
        SourceReport(
            source=source.name,
            department=source.department,
            record_type=ask.record_type,
            state=state.value,
            reason=reason,
            rejected=rejected,
            batch=said.batch if isinstance(said, Answer) else "",
            latency_ms=round((perf_counter() - started) * 1000),
        )
    )
    return said


async def _in_time(source: Source, ask: Ask, until: float) -> Answer:
    """The answer; raises SourceTimeout where there is none by then."""
    try:
        async with asyncio.timeout_at(until):
            return await source.fetch(ask)
    except TimeoutError:
        raise SourceTimeout(source.name) from None


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
