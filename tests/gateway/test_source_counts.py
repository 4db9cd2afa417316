"""What sources said is told to Prometheus as its own counters would tell it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from gateway.metrics import SECONDS
from gateway.reports import SourceReport
from gateway.source_counts import SourceCounts

REPORTS = st.builds(
    SourceReport,
    st.sampled_from(["tax", "double-publicity"]),
    st.sampled_from(["OK", "TIMEOUT"]),
    st.sampled_from([0.0, *SECONDS, 7.0]) | st.integers(0, 9000).map(lambda ms: ms / 1000),
    st.integers(0, 3),
)


def theirs(reports: list[SourceReport]) -> CollectorRegistry:
    registry = CollectorRegistry()
    answers = Counter(
        "gateway_source_answers", "Answers of sources by state", ("source", "state"), registry=registry
    )
    rejected = Counter("gateway_rows_rejected", "Rows that could not be read", ("source",), registry=registry)
    seconds = Histogram(
        "gateway_source_seconds", "Time a source took", ("source",), buckets=SECONDS, registry=registry
    )
    for each in reports:
        answers.labels(each.source, each.state).inc()
        rejected.labels(each.source).inc(each.rejected)
        seconds.labels(each.source).observe(each.seconds)
    return registry


def ours(reports: list[SourceReport]) -> CollectorRegistry:
    registry, counts = CollectorRegistry(), SourceCounts(SECONDS)
    registry.register(counts)
    for each in reports:
        counts.observe(each)
    return registry


def page(registry: CollectorRegistry) -> list[str]:
    """The page without the moments at which counting began, which are the clock's."""
    lines = generate_latest(registry).decode().splitlines()
    return [line.rpartition(" ")[0] if "_created{" in line else line for line in lines]


@given(st.lists(REPORTS, max_size=12))
def test_the_page_is_that_of_prometheus_own_counters(reports: list[SourceReport]) -> None:
    assert page(ours(reports)) == page(theirs(reports))
