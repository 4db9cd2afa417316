"""What prints checks says what graphql-core says of the same objects, and leaves to it what does not fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from authz.ids import new_id
from catalogue.loader import load_catalogue
from catalogue.scenario import Scenario
from resolvers.checks.chunk_types import CheckChunk
from resolvers.checks.documents import chunk_operation_of, operation_of
from resolvers.compiled import objects
from resolvers.compiled.objects import Printed
from resolvers.execution import Executed
from tests.checks.conftest import CASES, CHECK, Office
from tests.checks.test_chunks import CHUNK, row

pytestmark = pytest.mark.asyncio(loop_scope="session")
FRAGMENTS = """
mutation Other($job: ID!, $number: Int!, $rows: [CheckRowInput!]!, $access: AccessContext!, $no: Boolean!) {
  once: mustCheckChunk(job: $job, number: $number, rows: $rows, access: $access) {
    __typename rows { ...row rows: line @skip(if: $no) }
  }
}
fragment row on CheckRow {
  check { guard { zh }
    found: items { records { __typename ...origin } } }
}
fragment origin on PersonJudgmentDefault { id: recordId }
"""
ORIGINS = """
mutation Origins($lookup: SubjectLookup!, $access: AccessContext!) {
  mustCheck(lookup: $lookup, access: $access) { items { records { provenance { department fetchedAt } } } }
}
"""


class Both:
    """Hands what was printed to graphql-core as it was, and keeps what was printed."""

    def __init__(self) -> None:
        self.printed: list[Any] = []

    def __call__(self, context: Any, key: str, value: object, concrete: frozenset[str]) -> object:
        found = objects.printed_object(context, key, value, concrete)
        assert isinstance(found, Printed), f"{key} was left to graphql-core"
        self.printed.append(found.data)
        return value


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> Both:
    found = Both()
    for module in ("chunk", "must_check"):
        monkeypatch.setattr(f"resolvers.checks.{module}.printed_object", found)
    return found


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Why operations were left to graphql-core."""
    found: list[str] = []

    def executed(*given: Any) -> Executed:
        made = Executed(*given)
        found.append(made.left)
        return made

    monkeypatch.setattr("resolvers.execution.Executed", executed)
    return found


def of_scenario(made: Callable[..., str], code: str) -> str:
    catalogue = load_catalogue()
    scenario: Scenario = catalogue.scenarios[code]
    return made(scenario, catalogue)


@pytest.mark.parametrize("code", sorted(CASES))
async def test_a_chunk_is_printed_as_graphql_core_prints_it(office: Office, both: Both, code: str):
    rows = [row(line, about) for line, about in enumerate(("测试甲", "样例乙", "测试甲"), 2)]
    for document in (of_scenario(chunk_operation_of, code), CHUNK, FRAGMENTS):
        variables = {
            "job": new_id("jb"),
            "number": 1,
            "rows": rows,
            "access": office.access(code),
            "no": True,
        }
        reply = await office.ask(office.officer_of(code), document, variables)
        assert not reply.codes, reply.body
        (theirs,) = reply.data.values()
        assert orjson.dumps(both.printed.pop()) == orjson.dumps(theirs)


@pytest.mark.parametrize("code", sorted(CASES))
async def test_a_check_is_printed_as_graphql_core_prints_it(office: Office, both: Both, code: str):
    compared = 0
    for about in ("测试甲", "样例乙"):
        for document in (of_scenario(operation_of, code), CHECK, ORIGINS):
            found = await office.check(code, about, document)
            if found.reply.codes == ["SCENARIO_SUBJECT"]:
                continue
            assert orjson.dumps(both.printed.pop()) == orjson.dumps(found.reply.data["mustCheck"])
            compared += 1
    assert compared


async def test_a_check_counts_as_left_to_graphql_core_only_where_it_was(office: Office, left: list[str]):
    conditions = " ".join(f"c{number}: caseNo @skip(if: $c{number})" for number in range(7))
    variables = ", ".join(f"$c{number}: Boolean = false" for number in range(7))
    too_many = (
        f"mutation ($lookup: SubjectLookup!, $access: AccessContext!, {variables}) "
        f"{{ mustCheck(lookup: $lookup, access: $access) {{ {conditions} }} }}"
    )
    for document, why in ((CHECK, ""), (too_many, "document"), (ORIGINS, "")):
        found = await office.check("S04", "测试甲", document)
        assert not found.reply.codes
        assert left.pop() == why
    await office.ask(None, "{ __schema { queryType { name } } }")
    assert left == ["document"]


async def test_what_does_not_fit_is_left_to_graphql_core(
    office: Office, left: list[str], monkeypatch: pytest.MonkeyPatch
):
    """A null where none may stand: the specification says which errors there are, and nothing else does."""
    seen: list[object] = []

    def spoiled(context: Any, key: str, value: CheckChunk, concrete: frozenset[str]) -> object:
        (only,) = value.rows
        assert only.check
        only.check = replace(only.check, receipt=None)  # type: ignore[arg-type]
        seen.append(objects.printed_object(context, key, value, concrete))
        return seen[-1]

    monkeypatch.setattr("resolvers.checks.chunk.printed_object", spoiled)
    access = office.access("S04") | {"caseNo": "RSKS-2026-9002"}
    given = {"job": new_id("jb"), "number": 1, "rows": [row(2, "测试甲")], "access": access}
    reply = await office.ask(office.officer_of("S04"), CHUNK, given)
    assert not isinstance(seen[0], Printed)
    assert left == ["value"]
    assert [error["path"][-1] for error in reply.body["errors"]] == ["receipt"]
    assert reply.data["mustCheckChunk"]["rows"][0]["check"] is None
