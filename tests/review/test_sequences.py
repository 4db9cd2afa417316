"""Runs of neighbouring ids, whatever order they come in and however they are spread over batches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from authz.review.sequences import Place, Runs, Traces, neighbours
from authz.review.tables import id_trace
from catalogue.values import CHINA_TIME

_NOW = datetime(2026, 6, 1, tzinfo=CHINA_TIME)
_PLACES: list[Place] = [
    ("990101", day, f"{number:03d}") for day in ("19900101", "19900102") for number in range(9)
]


def _traces(place: Place) -> Traces:
    return Traces("client", " ".join(place), tuple(" ".join(each) for each in neighbours(place)))


def _run(place: Place, seen: Sequence[Place]) -> set[Place]:
    """The places that hang together with one."""
    found, left = {place}, [place]
    while left:
        near = set(neighbours(left.pop())).intersection(seen) - found
        found |= near
        left += near
    return found


@settings(max_examples=40, deadline=None)
@given(st.permutations(_PLACES).flatmap(lambda some: st.tuples(st.just(some[:12]), st.integers(1, 12))))
def test_a_new_place_is_told_how_long_its_run_is(asked: tuple[list[Place], int]) -> None:
    places, together = asked
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        id_trace.create(connection)
        seen: list[Place] = []
        for start in range(0, len(places), together):
            batch = places[start : start + together]
            runs = Runs(connection, [_traces(place) for place in batch], _NOW)
            for place in batch:
                seen.append(place)
                assert runs.length(_traces(place)) == len(_run(place, seen))
            runs.write()
        stored = {row.trace: row.run for row in connection.execute(id_trace.select())}
        for place in places:
            assert len({stored[" ".join(each)] for each in _run(place, seen)}) == 1
    engine.dispose()


def test_what_a_client_asked_all_day_is_not_counted_through_for_one_run() -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        id_trace.create(connection)
        statements: list[str] = []
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.set_trace_callback(statements.append)
        for place in (_PLACES[0], _PLACES[4], _PLACES[2]):  # the third joins two runs
            runs = Runs(connection, [_traces(place)], _NOW)
            runs.length(_traces(place))
            runs.write()
        driver.set_trace_callback(None)
        plans = [
            row.detail
            for text in statements
            if "run = " in text
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")
        ]
    engine.dispose()
    assert len(plans) == 2
    assert all("ix_id_trace_run (client_id=? AND run=?)" in plan for plan in plans)
