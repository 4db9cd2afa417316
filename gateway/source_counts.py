"""What sources said, counted for Prometheus in plain numbers.

Every operation counts nine answers, all in the loop's thread: Prometheus' own counters take a lock
for each of twenty-seven steps, and three times as long.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from time import time
from typing import Final

from prometheus_client import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from gateway.reports import SourceReport

_ANSWERS: Final = "gateway_source_answers"
_REJECTED: Final = "gateway_rows_rejected"
_SECONDS: Final = "gateway_source_seconds"


class SourceCounts(Collector):
    """Answers by source and state, rows that could not be read, and a histogram of seconds by source."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._sources: dict[str, _Counts] = {}
        self._states: dict[tuple[str, str], _State] = {}

    def observe(self, report: SourceReport) -> None:
        """Count one answer."""
        source, state, seconds, rejected = report
        counts = self._sources.get(source)
        if counts is None:
            counts = self._sources[source] = _Counts(len(self._bounds) + 1)
        said = self._states.get((source, state))
        if said is None:
            said = self._states[source, state] = _State()
        said.answers += 1
        counts.rejected += rejected
        counts.seconds += seconds
        counts.within[bisect_left(self._bounds, seconds)] += 1

    def collect(self) -> Iterator[Metric]:
        """As Prometheus' own counters and histogram say it."""
        answers = Metric(_ANSWERS, "Answers of sources by state", "counter")
        for (source, state), said in self._states.items():
            labels = {"source": source, "state": state}
            answers.add_sample(f"{_ANSWERS}_total", labels, said.answers)
            answers.add_sample(f"{_ANSWERS}_created", labels, said.since)
        yield answers
        rejected = Metric(_REJECTED, "Rows that could not be read", "counter")
        seconds = Metric(_SECONDS, "Time a source took", "histogram")
        for source, counts in self._sources.items():
            labels = {"source": source}
            rejected.add_sample(f"{_REJECTED}_total", labels, counts.rejected)
            rejected.add_sample(f"{_REJECTED}_created", labels, counts.since)
            self._add(seconds, labels, counts)
        yield rejected
        yield seconds

    def _add(self, seconds: Metric, labels: dict[str, str], counts: _Counts) -> None:
        total = 0
        for bound, within in zip((*self._bounds, float("inf")), counts.within, strict=True):
            total += within
            le = floatToGoString(bound)  # type: ignore[no-untyped-call]
            seconds.add_sample(f"{_SECONDS}_bucket", {**labels, "le": le}, total)
        seconds.add_sample(f"{_SECONDS}_count", labels, total)
        seconds.add_sample(f"{_SECONDS}_sum", labels, counts.seconds)
        seconds.add_sample(f"{_SECONDS}_created", labels, counts.since)


class _State:
    __slots__ = ("answers", "since")

    def __init__(self) -> None:
        self.answers, self.since = 0, time()


class _Counts:
    __slots__ = ("rejected", "seconds", "since", "within")

    def __init__(self, buckets: int) -> None:
        self.rejected, self.seconds, self.since = 0, 0.0, time()
        self.within = [0] * buckets
        """Answers in each bucket, those of the buckets below not counted."""
