"""The function written for a column set reads every row as the plain decoders do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from catalogue.values import Value
from connectors.cells import CellError, Cells
from connectors.decoders import DecodeError, Unreadable
from connectors.manifest import RecordSource
from connectors.pipeline import Pipeline
from connectors.row_plan import Plan
from tests.connectors.test_pipeline import PERSON, TYPE

CODES = {"codes": {"1": "甲", "2": None, "X": "乙"}}
CHAINS: dict[str, list[list[object]]] = {
    "reason": [[], ["trim"], ["upper"], ["trim", CODES], [CODES], ["documentNo"], ["citizenId"], ["uscc"],
               ["band"], ["scrub"], [{"charset": "gb18030"}], [{"match": {"甲": "乙"}}],
               ["trim", "documentNo"]],
    "fine": [["money"], [{"money": "万元"}]],
    "kinds": [["split"], [{"split": {"width": 2}}], ["trim", "split"]],
    "public": [["boolean"]],
    "count": [["integer"], ["year"]],
    "determinedOn": [["date"], ["trim", "date"]],
}  # fmt: skip
CELLS = st.one_of(
    st.none(),
    st.sampled_from(
        [PERSON.value, "990101800101001", "91990100MA9TE00142", "1", "2", "x", "", " ", "甲", "是"]
    ),
    st.sampled_from(
        ["20180601", "2018-06-01", "20180601093000", "2018年", "长期", "0000-00-00", "（2018）第3号"]
    ),
    st.sampled_from(
        [0, 1, 2, 2018, 20180601, True, False, 0.0, 1.5, Decimal(0), Decimal("12.30"), b"", b"\x01"]
    ),
    st.sampled_from([date(2018, 6, 1), datetime(2018, 6, 1, tzinfo=UTC), datetime(2018, 6, 1)]),  # noqa: DTZ001
    st.sampled_from([(), ("1", "2"), ("2018",), [], ["1", None], {}, Unreadable()]),
    st.text(max_size=12),
)


def plan_of(name: str, chain: list[object]) -> Plan:
    source: dict[str, Any] = {
        "table": "t",
        "keys": {"CITIZEN_ID": {"columns": ["zjhm"]}},
        "identity": ["id"],
        "fields": {name: {"column": "cell", "decode": chain}},
        "controls": {"updatedAt": {"column": "gx", "decode": ["instant"]}, "severity": {"column": "dj"}},
    }
    made = Pipeline(TYPE, RecordSource.model_validate(source), {})
    return made._plan(frozenset({name}), ("zjhm", "id", "cell", "gx", "dj"))


PLANS = [plan_of(name, chain) for name, chains in CHAINS.items() for chain in chains]


def plainly(plan: Plan, cells: Cells) -> tuple[object, object] | None:
    try:
        controls = {role: read(cells) for role, read in plan.controls.items()}
        return controls, {name: controls[role] if role else read(cells) for name, role, read in plan.outputs}
    except CellError:
        return None


def quickly(plan: Plan, cells: Cells, asked: str | None) -> tuple[object, object] | None:
    try:
        _, controls, values = plan.read(cells, asked)
    except (CellError, DecodeError):
        return None
    return controls, values


@given(CELLS, CELLS, st.sampled_from([None, "MINOR", "minor", 1]), st.sampled_from([None, PERSON.value]))
def test_a_row_is_read_as_by_the_plain_decoders(cell, updated, severity, asked):
    for plan in PLANS:
        cells = (PERSON.value, 7, cell, updated, severity)
        assert repr(quickly(plan, cells, asked)) == repr(plainly(plan, cells))


@given(st.one_of(st.none(), st.integers(), st.booleans(), st.text(max_size=3)))
@example(" 7 ")
@example("")
def test_a_record_has_the_identity_of_its_column(cell):
    ((row,), _) = PLANS[0].decode(PERSON, [(PERSON.value, cell, None, None, None)])
    written = "" if cell is None else str(cell).strip()
    assert row.identity == (written or row.identity)
    assert written or len(row.identity) == 32


def never(_: Cells) -> Value:
    raise AssertionError("a usual row needs no plain reader")


def test_a_usual_row_needs_no_plain_reader():
    cells = (PERSON.value, 7, " 2018-06-01 ", "2026-01-02T03:04:05+08:00", "MINOR")
    for name, chain in (("reason", ["trim"]), ("determinedOn", ["trim", "date"])):
        plan = plan_of(name, chain)
        outputs = tuple((field, role, never) for field, role, _ in plan.outputs)
        bare = replace(plan, controls=dict.fromkeys(plan.controls, never), outputs=outputs)
        ((row,), rejects) = bare.decode(PERSON, [cells])
        assert (row.identity, rejects) == ("7", [])
        assert row == plan.decode(PERSON, [cells])[0][0]
