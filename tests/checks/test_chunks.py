"""A bulk check, chunk by chunk: each subject for itself, and nothing twice however often a chunk comes."""

from __future__ import annotations

from collections import Counter
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from authz.ids import new_id
from authz.receipts import ChunkBook, summary
from authz.receipts.chunks import SAME_READ
from authz.register.acts import Register
from authz.register.events import Item
from authz.register.events import Kind as RegisterKind
from authz.register.standing import State
from catalogue.identifiers import KeyKind
from catalogue.values import CHINA_TIME
from connectors.protocol import Answer, Ask
from resolvers import recording
from resolvers.turns import AT_ONCE
from tests.checks.conftest import Office, lookup
from tests.consent.conftest import Reply
from tests.support.commands import command
from tests.support.county import cast
from tests.support.processes import eventually
from tests.support.recording import Recorded

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHUNK: Final = """
mutation Chunk($job: ID!, $number: Int!, $rows: [CheckRowInput!]!, $access: AccessContext!) {
  mustCheckChunk(job: $job, number: $number, rows: $rows, access: $access) {
    summary
    rows {
      line refusal { code retryAfter }
      check { checkId subjectRef completeness items { recordType result recordIds records { status } }
        predicates { code value } receipt { jws nonce statement } }
    }
  }
}
"""
BAD_ID: Final = {"citizenId": "990101198001010015", "name": "测试甲"}


def row(line: int, about: str, **changes: str) -> dict[str, Any]:
    found = lookup(about)
    return {"line": line, **found.get("person", found), **changes}


async def send(
    office: Office, job: str, rows: list[Any], number: int = 1, operator: str = "op-0087", **access: Any
) -> Reply:
    case = office.access("S04") | {"caseNo": "RSKS-2026-9001"} | access
    variables = {"job": job, "number": number, "rows": rows, "access": case}
    return await office.ask(office.stage.deployment.token("hr-approval", operator), CHUNK, variables)


def told(reply: Reply) -> dict[int, Any]:
    assert not reply.codes, reply.body
    return {each["line"]: each for each in reply.data["mustCheckChunk"]["rows"]}


async def leaves_of(office: Office, job: str) -> dict[str, int]:
    """How many leaves of each phase a job has, outcomes by their intents."""
    leaves = await office.leaves()
    places = {at for at, leaf in enumerate(leaves) if leaf.get("query", {}).get("chunk", "").startswith(job)}
    found: dict[str, int] = {}
    for at, leaf in enumerate(leaves):
        if at in places or leaf.get("intentIndex") in places:
            found[leaf["phase"]] = found.get(leaf["phase"], 0) + 1
    return found


async def test_each_subject_has_its_own_check_or_refusal(office: Office):
    rows = [row(2, "测试甲"), row(3, "样例乙"), row(4, "测试甲", name="样例乙"), {"line": 5, **BAD_ID}]
    reply = await send(office, new_id("jb"), rows)
    found = told(reply)
    assert found[2]["check"]["completeness"] == found[3]["check"]["completeness"] == "COMPLETE"
    results = {item["recordType"]: item["result"] for item in found[2]["check"]["items"]}
    assert results["P-FY-01"] == "PRESENT"
    assert [found[line]["refusal"]["code"] for line in (4, 5)] == ["SUBJECT_REPEATED", "IDENTIFIER_INVALID"]
    said = summary.opened(
        reply.data["mustCheckChunk"]["summary"], office.stage.deployment.keys.receipt_keys()
    )
    assert (said.complete, said.incomplete, said.whole) == ("2-3", "", True)
    assert said.refused == {"IDENTIFIER_INVALID": "5", "SUBJECT_REPEATED": "4"}


async def test_a_chunk_that_comes_again_is_neither_recorded_nor_counted_twice(office: Office):
    job = new_id("jb")
    rows = [row(2, "测试甲"), row(3, "样例乙", name="测试甲"), {"line": 4, **BAD_ID}]
    first = await send(office, job, rows)
    recorded = await leaves_of(office, job)
    assert recorded == {"INTENT": 2, "OUTCOME": 2, "DENIAL": 1}
    again = await send(office, job, rows)
    assert await leaves_of(office, job) == recorded
    one, other = told(first), told(again)
    assert [one[line]["refusal"] for line in (3, 4)] == [other[line]["refusal"] for line in (3, 4)]
    receipts = [each[2]["check"]["receipt"] for each in (one, other)]
    books = [office.stage.deployment.services.receipts.opened(each["jws"]) for each in receipts]
    assert books[0] == books[1]
    assert receipts[0]["statement"] == receipts[1]["statement"]


async def test_other_rows_under_the_same_number_are_refused(office: Office):
    job = new_id("jb")
    told(await send(office, job, [row(2, "测试甲")]))
    assert (await send(office, job, [row(2, "样例乙")])).codes == ["CHUNK_CHANGED"]
    told(await send(office, job, [row(3, "样例乙")], number=2))


@pytest.mark.parametrize("lines", [[2, 2], [-1], [0], []])
async def test_lines_are_numbered_from_one_and_each_for_itself(office: Office, lines: list[int]):
    sent = await send(office, new_id("jb"), [row(line, "测试甲") for line in lines])
    assert sent.codes == ["CHUNK_INVALID"]


async def test_more_fields_another_officer_or_a_later_look_are_reads_that_the_person_sees(office: Office):
    """A chunk that comes again is no way to look at people for a week on one line of their log."""
    job, rows = new_id("jb"), [row(2, "测试甲")]
    fields = CHUNK.replace("{ status }", "{ status ... on PersonJudgmentDefault { caseNo court } }")
    case = office.access("S04") | {"caseNo": "RSKS-2026-9001"}
    given = {"job": job, "number": 1, "rows": rows, "access": case}

    async def comes(query: str = CHUNK, staff: str = "op-0087", there: Office = office) -> dict[str, int]:
        reply = await there.ask(there.stage.deployment.token("hr-approval", staff), query, given)
        assert told(reply)[2]["check"]["completeness"] == "COMPLETE"
        return await leaves_of(office, job)

    assert await comes() == {"INTENT": 1, "OUTCOME": 1}
    assert await comes() == {"INTENT": 1, "OUTCOME": 1}
    assert await comes(fields) == {"INTENT": 2, "OUTCOME": 2}
    assert await comes(fields) == {"INTENT": 2, "OUTCOME": 2}
    assert await comes(fields, "op-0099") == {"INTENT": 3, "OUTCOME": 3}
    services = office.stage.deployment.services
    soon = datetime.now(CHINA_TIME) + SAME_READ
    chunks = ChunkBook(office.stage.deployment.store, services.references, clock=lambda: soon)
    async with office.later(chunks=chunks) as later:
        assert await comes(fields, "op-0099", later) == {"INTENT": 4, "OUTCOME": 4}


async def test_the_summary_of_a_job_is_verified_offline(office: Office, tmp_path: Path):
    job = new_id("jb")
    one = (await send(office, job, [row(2, "测试甲")])).data["mustCheckChunk"]["summary"]
    two = (await send(office, job, [row(3, "样例乙")], 2)).data["mustCheckChunk"]["summary"]
    add = "mutation Add($summaries: [String!]!) { addCheckSummaries(summaries: $summaries) }"
    whole = await office.ask(office.officer_of("S04"), add, {"summaries": [one, two]})
    part = await office.ask(office.officer_of("S04"), add, {"summaries": [two]})
    keys = office.stage.deployment.keys.receipt_keys().as_dict(private=False)
    (tmp_path / "jwks.json").write_bytes(orjson.dumps(keys))

    async def verdict(text: str) -> tuple[int, str]:
        ended = await command(
            "receipt", "summary", "-", "--jwks", "jwks.json", "--json", cwd=tmp_path, stdin=text
        )
        return ended.code, ended.json["verdict"]

    assert await verdict(whole.result) == (0, "WHOLE")
    assert await verdict(part.result) == (3, "PARTIAL")
    head, _, signature = whole.result.split(".")
    assert await verdict(f"{head}.{part.result.split('.')[1]}.{signature}") == (1, "INVALID")
    receipt = told(await send(office, job, [row(2, "测试甲")]))[2]["check"]["receipt"]["jws"]
    assert await verdict(receipt) == (1, "INVALID")


async def test_a_chunk_is_one_question_for_each_type(office: Office):
    persons = [name for name, key in cast().items() if key.kind is KeyKind.CITIZEN_ID]
    reply = await send(office, new_id("jb"), [row(line, name) for line, name in enumerate(persons, 2)])
    checked = [each for each in told(reply).values() if each["check"]]
    asked = Counter((question.source, question.record_type) for question in reply.questions)
    assert len(checked) > 9
    assert set(asked.values()) == {1}
    keys = {question.keys for question in reply.questions if question.record_type != "P-GA-01"}
    assert keys == {len(checked)}, "all of them, but for the register, which confirms whom to ask about"


async def test_a_chunk_that_gets_no_turn_reads_nothing_and_is_answered_when_it_comes_again(office: Office):
    job, rows = new_id("jb"), [row(2, "测试甲"), row(3, "样例乙")]
    async with AsyncExitStack() as others:
        for _ in range(AT_ONCE):
            await others.enter_async_context(office.stage.deployment.services.turns.taken("another"))
        before = len(await office.leaves())
        busy = await send(office, job, rows)
        assert (busy.codes, busy.questions) == (["GATEWAY_BUSY"], ())
        assert busy.body["errors"][0]["extensions"]["retryAfter"] == 1
        assert len(await office.leaves()) == before
        one = await office.check("S04", "测试甲")
        assert one.body["completeness"] == "COMPLETE", "who checks one person takes no turn"
    assert told(await send(office, job, rows)).keys() == {2, 3}


async def test_a_scenario_stopped_within_a_chunk_keeps_it_back_and_each_person_is_told_how_it_ended(
    office: Office, monkeypatch: pytest.MonkeyPatch
):
    built, s04 = office.stage.deployment, Item(RegisterKind.SCENARIO, "S04")
    register = Register(built.store, built.audit, built.catalogue, built.mandates)
    behind = Recorded.fetch

    async def stopping(source: Recorded, asked: Ask) -> Answer:
        if (await register.standing(s04)).state is State.RUNNING:
            await register.stop(s04, "op-0100", "系统异常")
        return await behind(source, asked)

    job, persons = new_id("jb"), ("测试甲", "样例乙", "样例丙", "往事样例", "修复样例")
    monkeypatch.setattr(recording, "TOGETHER", 2)
    monkeypatch.setattr(Recorded, "fetch", stopping)
    stopped = await send(office, job, [row(line, name) for line, name in enumerate(persons, 2)])
    monkeypatch.setattr(Recorded, "fetch", behind)
    assert stopped.codes == ["SCENARIO_STOPPED"]
    begun = (await leaves_of(office, job))["INTENT"]
    assert begun > recording.TOGETHER
    assert await leaves_of(office, job) == {"INTENT": begun, "OUTCOME": begun}
    for who in ("op-0101", "op-0102"):
        await register.resume(s04, who, "测试结束")

    async def runs() -> bool:
        return not (await send(office, new_id("jb"), [row(2, "测试甲")])).codes

    await eventually(runs)


async def test_a_subject_refused_with_its_intent_leaves_the_others_theirs_whenever_the_chunk_comes(
    office: Office,
):
    who = {"operator": "op-0101"}  # has asked about nobody yet
    told(await send(office, new_id("jb"), [row(2, "测试甲")], caseNo="RSKS-2026-9101", **who))
    job, rows = new_id("jb"), [row(2, "测试甲"), row(3, "样例乙"), row(4, "往事样例")]
    unsaid = who | {"caseNo": "RSKS-2026-9102", "repeatReason": None, "repeatNote": None}
    first = told(await send(office, job, rows, **unsaid))
    assert first[2]["refusal"]["code"] == "REPEAT_REASON_REQUIRED"
    assert first[3]["check"]
    assert first[4]["check"]
    recorded = await leaves_of(office, job)
    assert recorded == {"INTENT": 2, "OUTCOME": 2, "DENIAL": 1}
    again = told(await send(office, job, rows, **unsaid))
    assert [each["refusal"] for each in again.values()] == [each["refusal"] for each in first.values()]
    assert await leaves_of(office, job) == recorded
    said = unsaid | {"repeatReason": "ANOTHER_CASE", "repeatNote": "另案"}
    assert told(await send(office, job, rows, **said))[2]["check"], "what was refused may be allowed later"
