"""A named person concludes, says so on the receipt once, and takes measures that an objection suspends."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
import yaml
from sqlalchemy import select
from typer.testing import CliRunner

from authz.demo_tokens import OPERATOR_ISSUER
from authz.operators import HEADER, sign_operator
from authz.outbox import outbox
from authz.outcomes.book import OutcomeBook
from authz.outcomes.tables import check_outcome
from authz.receipts import ReceiptBook
from catalogue.values import CHINA_TIME
from gateway.cli import app
from tests.checks.conftest import CHECK, Checked, Office
from tests.checks.test_completeness import recorded, without
from tests.consent.conftest import access, key
from tests.support.bank import presented
from tests.support.databases import throwaway
from tests.support.deployment import AUDIENCE, county_stage
from tests.support.rights import Rights
from tests.support.scenarios import OVERLAY

pytestmark = pytest.mark.asyncio(loop_scope="session")
NOW = datetime.now(CHINA_TIME)
TODAY, EARLIER = NOW.date().isoformat(), (NOW.date() - timedelta(days=1)).isoformat()
REPORT = """
mutation Report($input: OutcomeInput!, $access: AccessContext!) {
  reportOutcome(input: $input, access: $access) {
    ... on OutcomeReported { id overridden measures { id measureCode state } }
    ... on OutcomeRefusal { code message }
  }
}
"""
ADVANCE = """
mutation Advance($input: MeasureStepInput!, $access: AccessContext!) {
  advanceMeasure(input: $input, access: $access) {
    ... on TakenMeasure { id measureCode state }
    ... on OutcomeRefusal { code message }
  }
}
"""
RESTRICTED = {"result": "DECLINED", "measures": ["R-02"], "noticedOn": TODAY, "hearing": "HELD"}


@pytest_asyncio.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)],
    scope="module",
    loop_scope="session",
)
async def hr(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Office]:
    """A county of its own on each store, for its court goes down."""
    folder = tmp_path_factory.mktemp(request.param)
    async with throwaway(request.param, folder) as database:

        def change(config: Path) -> None:
            settings = yaml.safe_load(config.read_text("utf-8")) | {"store": database.url}
            config.write_text(yaml.safe_dump(settings), "utf-8")

        async with county_stage(folder, OVERLAY, "default", change=change) as stage:
            yield Office(stage)


async def _done(office: Office, query: str, given: dict[str, Any], case: str) -> Any:
    variables = {"input": given, "access": office.access("S04", caseNo=case)}
    reply = await office.ask(office.officer_of("S04"), query, variables)
    return next(iter(reply.data.values())) if not reply.codes else reply.codes


def given(checked: Checked) -> dict[str, Any]:
    """A report that nothing is wrong with."""
    return {
        "receipt": checked.body["receipt"]["jws"],
        "result": "GRANTED",
        "officer": "op-0012",
        "concludedOn": TODAY,
        "reasons": "资格条件符合，无法定禁止情形",
    }


async def reported(office: Office, checked: Checked, case: str | None = None, **changes: Any) -> Any:
    return await _done(office, REPORT, given(checked) | changes, case or checked.body["caseNo"])


async def advanced(office: Office, checked: Checked, measure: str, state: str, **changes: Any) -> Any:
    step = {"id": measure, "state": state, "officer": "op-0012", "doneOn": TODAY} | changes
    answer = await _done(office, ADVANCE, step, checked.body["caseNo"])
    return answer.get("state", answer.get("code")) if isinstance(answer, dict) else answer


async def told(office: Office, measure: str) -> list[str]:
    """Kinds of those who were told of a measure, in order."""
    query = select(outbox.c.recipient_kind).where(outbox.c.pointer == measure).order_by(outbox.c.number)
    async with office.stage.deployment.store.reading() as connection:
        return list((await connection.execute(query)).scalars())


async def test_an_outcome_is_kept_once_and_the_log_names_who_answers_for_it(hr: Office):
    checked = await hr.check("S04", "样例乙")
    first, again = await asyncio.gather(reported(hr, checked), reported(hr, checked))
    assert first == again == {"id": checked.body["checkId"], "overridden": [], "measures": []}
    assert (await reported(hr, checked, result="DECLINED"))["code"] == "OUTCOME_REPORTED"
    assert (await reported(hr, checked, reasons="另有理由"))["code"] == "OUTCOME_REPORTED"
    leaves = [leaf for leaf in await hr.leaves() if leaf["phase"] == "HUMAN_ACT"]
    (leaf,) = [leaf for leaf in leaves if leaf["outcomeId"] == first["id"]]
    assert (leaf["act"], leaf["officer"], leaf["agent"]["operatorRef"]) == ("REPORTED", "op-0012", "op-0087")
    assert "资格条件" not in str(leaf)


BAD = [
    ({"receipt": "a.b.c"}, "RECEIPT_INVALID"),
    ({"case": "RSKS-2026-9999"}, "RECEIPT_CASE"),
    ({"concludedOn": EARLIER}, "OUTCOME_BEFORE_CHECK"),
    ({"officer": "张三"}, "OUTCOME_OFFICER"),
    ({"officer": "990101198001010014"}, "OUTCOME_OFFICER"),
    ({"reasons": "  "}, "OUTCOME_REASONS"),
    ({"reasons": "\u200b\u202e"}, "OUTCOME_REASONS"),
    ({"reasons": "证件号990101198001010014"}, "OUTCOME_REASONS"),
    ({"reasons": "长" * 501}, "OUTCOME_REASONS"),
    (RESTRICTED | {"noticedOn": None}, "OUTCOME_NOTICE"),
    (RESTRICTED | {"hearing": "NOT_OFFERED"}, "OUTCOME_NOTICE"),
    (RESTRICTED | {"noticedOn": TODAY, "concludedOn": EARLIER}, "OUTCOME_NOTICE"),
    (RESTRICTED | {"measures": ["R-05"]}, "OUTCOME_MEASURE"),
    (RESTRICTED | {"measures": ["R-02", "R-02"]}, "OUTCOME_MEASURE"),
    (RESTRICTED | {"receipt": None}, "OUTCOME_MEASURE"),
]


@pytest.mark.parametrize(("changes", "code"), BAD)
async def test_a_bad_report_keeps_nothing(hr: Office, changes: dict[str, Any], code: str):
    checked = await hr.check("S04", "样例乙")
    assert (await reported(hr, checked, **changes))["code"] == code
    assert (await reported(hr, checked))["id"] == checked.body["checkId"]


async def test_a_day_to_come_is_no_day(hr: Office):
    checked = await hr.check("S04", "样例乙")
    assert await reported(hr, checked, concludedOn="2099-01-01") == ["DATE_INVALID"]


async def test_a_mandatory_check_is_whole_before_anything_is_concluded(hr: Office):
    with without(hr, ("court", "zx_sxbzxr")):
        checked = await hr.check("S04", "样例乙")
    assert (await reported(hr, checked))["code"] == "OUTCOME_INCOMPLETE"
    assert (await recorded(hr, checked))["outstanding"] == []
    assert (await reported(hr, checked))["overridden"] == ["P-FY-01"]


async def test_after_five_working_days_only_the_same_report_is_answered(hr: Office):
    kept, late = await hr.check("S04", "样例乙"), await hr.check("S04", "样例乙")
    first = await reported(hr, kept)
    deployment = hr.stage.deployment
    after = datetime.fromisoformat(late.body["validUntil"]) + timedelta(seconds=1)
    parts = (deployment.store, deployment.audit)
    receipts = ReceiptBook(*parts, deployment.keys, "https://gateway.example.cn", clock=lambda: after)
    outcomes = OutcomeBook(*parts, receipts, deployment.references)
    async with hr.later(receipts=receipts, outcomes=outcomes) as then:
        assert (await reported(then, late))["code"] == "RECEIPT_EXPIRED"
        assert await reported(then, kept) == first


async def test_a_case_that_nobody_checked_counts_once(hr: Office):
    checked = await hr.check("S04", "样例乙")
    first = await reported(hr, checked, receipt=None)
    assert first["id"].startswith("oc_")
    assert await reported(hr, checked, receipt=None) == first
    assert (await reported(hr, checked, receipt=None, result="DECLINED"))["code"] == "OUTCOME_REPORTED"


async def restricted(hr: Office, about: str = "测试甲") -> tuple[Checked, str]:
    """A debtor who may not hold the post, and the measure."""
    checked = await hr.check("S04", about)
    answer = await reported(hr, checked, **RESTRICTED)
    (measure,) = answer["measures"]
    assert (measure["measureCode"], measure["state"]) == ("R-02", "INITIATED")
    return checked, measure["id"]


async def test_a_measure_goes_step_by_step_and_the_person_is_told_of_each(hr: Office):
    checked, measure = await restricted(hr)
    assert await advanced(hr, checked, measure, "EXECUTED") == "MEASURE_STEP"
    assert await advanced(hr, checked, measure, "NOTIFIED", officer="李四") == "OUTCOME_OFFICER"
    assert await advanced(hr, checked, measure, "NOTIFIED", doneOn=EARLIER) == "MEASURE_STEP"
    for state in ("NOTIFIED", "RESPONDED", "EXECUTED"):
        assert await advanced(hr, checked, measure, state) == state
    assert await advanced(hr, checked, measure, "FED_BACK") == "MEASURE_FEEDBACK"
    assert await advanced(hr, checked, measure, "FED_BACK", executed=True) == "FED_BACK"
    assert await advanced(hr, checked, measure, "CLOSED") == "CLOSED"
    assert await advanced(hr, checked, measure, "REVOKED") == "MEASURE_STEP"
    assert await told(hr, measure) == ["PERSON"] * 6
    acts = [leaf["act"] for leaf in await hr.leaves() if leaf.get("measureId") == measure]
    assert acts == ["NOTIFIED", "RESPONDED", "EXECUTED", "FED_BACK", "CLOSED"]


async def test_two_who_make_the_same_step_at_once_make_one(hr: Office):
    checked, measure = await restricted(hr)
    steps = await asyncio.gather(*(advanced(hr, checked, measure, "NOTIFIED") for _ in range(4)))
    assert sorted(steps) == ["MEASURE_STEP"] * 3 + ["NOTIFIED"]


async def test_a_measure_of_another_case_is_unknown(hr: Office):
    _, measure = await restricted(hr)
    other = await hr.check("S04", "样例乙")
    assert await advanced(hr, other, measure, "NOTIFIED") == "MEASURE_UNKNOWN"
    assert await advanced(hr, other, "ms_none", "NOTIFIED") == "MEASURE_UNKNOWN"


async def test_a_suspended_measure_goes_on_from_where_it_stood(hr: Office):
    checked, measure = await restricted(hr)
    for state in ("NOTIFIED", "SUSPENDED"):
        assert await advanced(hr, checked, measure, state) == state
    assert await advanced(hr, checked, measure, "EXECUTED") == "MEASURE_STEP"
    assert await advanced(hr, checked, measure, "NOTIFIED") == "NOTIFIED"


async def test_an_objection_suspends_at_once_until_it_is_settled(hr: Office):
    rights = Rights(hr)
    checked, measure = await restricted(hr)
    assert await advanced(hr, checked, measure, "NOTIFIED") == "NOTIFIED"
    (record,) = await rights.mine()
    case = await rights.objected(record)
    assert await told(hr, measure) == ["PERSON", "PERSON", "PERSON", "CLIENT"]
    assert await advanced(hr, checked, measure, "RESPONDED") == "MEASURE_STEP"
    assert await advanced(hr, checked, measure, "NOTIFIED") == "MEASURE_DISPUTED"
    late = await hr.check("S04", "测试甲")
    (begun,) = (await reported(hr, late, **RESTRICTED))["measures"]
    assert begun["state"] == "SUSPENDED"
    assert (await rights.decided(case, "UPHELD"))["state"] == "UPHELD"
    assert await told(hr, measure) == ["PERSON", "PERSON", "PERSON", "CLIENT", "PERSON", "CLIENT"]
    assert await standing(hr, measure, begun["id"]) == ["NOTIFIED", "INITIATED"], "where each stood before"
    assert await advanced(hr, checked, measure, "REVOKED") == "REVOKED"


async def standing(hr: Office, *measures: str) -> list[str]:
    """Where measures stand, as the person sees it."""
    reply = await hr.ask(hr.person("测试甲"), "{ me { measures { id state } } }")
    states = {one["id"]: one["state"] for one in reply.data["me"]["measures"]}
    return [states[measure] for measure in measures]


async def test_an_objection_to_another_record_of_the_type_suspends_nothing(hr: Office):
    rights = Rights(hr)
    checked, measure = await restricted(hr)
    with closing(sqlite3.connect(hr.folder / "court.db")) as opened, opened:
        opened.row_factory = sqlite3.Row
        row = dict(opened.execute("SELECT * FROM zx_sxbzxr WHERE id = 1").fetchone())
        row |= {"id": 901, "ah": "（2025）测0101执88号", "yjwh": "（2025）测0101民初88号"}
        opened.execute(f"INSERT INTO zx_sxbzxr VALUES ({', '.join('?' * len(row))})", tuple(row.values()))
    try:
        records = {one["caseNo"]: one for one in await rights.mine()}
        (later,) = (record for number, record in records.items() if "88号" in number)
        (first,) = (record for number, record in records.items() if "88号" not in number)
        elsewhere = await rights.objected(later)
        assert elsewhere["suspends"] is True
        assert await standing(hr, measure) == ["INITIATED"], "it rests on the other record"
        again = await hr.check("S04", "测试甲")
        (anew,) = (await reported(hr, again, **RESTRICTED))["measures"]
        assert anew["state"] == "INITIATED", "what is disputed did not count at its check"
        case = await rights.objected(first, reason="NOT_MINE")
        assert await standing(hr, measure, anew["id"]) == ["SUSPENDED", "SUSPENDED"]
        await rights.moved(rights.town.person(), f'withdrawCase(id: "{elsewhere["id"]}")')
        assert await standing(hr, measure) == ["SUSPENDED"]
        assert await advanced(hr, checked, measure, "INITIATED") == "MEASURE_DISPUTED"
        await rights.moved(rights.town.person(), f'withdrawCase(id: "{case["id"]}")')
        assert await standing(hr, measure, anew["id"]) == ["INITIATED", "INITIATED"]
    finally:
        with closing(sqlite3.connect(hr.folder / "court.db")) as opened, opened:
            opened.execute("DELETE FROM zx_sxbzxr WHERE id = 901")


async def test_what_an_officer_suspended_an_objection_does_not_let_go_on(hr: Office):
    rights = Rights(hr)
    checked, measure = await restricted(hr)
    assert await advanced(hr, checked, measure, "SUSPENDED") == "SUSPENDED"
    (record,) = await rights.mine()
    case = await rights.objected(record, reason="OUT_OF_TIME")
    await rights.moved(rights.town.person(), f'withdrawCase(id: "{case["id"]}")')
    assert await standing(hr, measure) == ["SUSPENDED"]


async def test_the_person_reads_what_was_done_about_them_and_nobody_else_does(hr: Office):
    checked, measure = await restricted(hr)
    await advanced(hr, checked, measure, "NOTIFIED")
    query = "{ me { measures { id measureCode state scenario caseNo steps { state on } } } }"
    reply = await hr.ask(hr.person("测试甲"), query)
    newest = reply.data["me"]["measures"][0]
    assert (newest["id"], newest["measureCode"], newest["state"]) == (measure, "R-02", "NOTIFIED")
    assert (newest["scenario"], newest["caseNo"]) == ("S04", checked.body["caseNo"])
    assert newest["steps"] == [{"state": state, "on": TODAY} for state in ("INITIATED", "NOTIFIED")]
    assert (await hr.ask(hr.person("样例乙"), query)).data == {"me": {"measures": []}}


async def rate(hr: Office) -> Any:
    """What an auditor reads about recruitments today."""
    query = f"""{{ review {{ checkRates(since: "{TODAY}", until: "{TODAY}") {{
      scenario checks reported checked rate gaps {{ checkId unknown byHand overridden }} }} }} }}"""
    reply = await hr.ask(hr.stage.deployment.token("audit-office", "rv-0001"), query)
    (found,) = [one for one in reply.data["review"]["checkRates"] if one["scenario"] == "S04"]
    return found


async def test_the_rate_tells_outcomes_with_a_check_from_those_without(hr: Office):
    checked = await hr.check("S04", "样例乙")
    await reported(hr, checked)
    before = await rate(hr)
    with without(hr, ("court", "zx_sxbzxr")):
        whole, open_ = await hr.check("S04", "样例乙"), await hr.check("S04", "样例乙")
    await recorded(hr, whole)
    await reported(hr, whole)
    await reported(hr, open_, receipt=None)
    after = await rate(hr)
    grown = {name: after[name] - before[name] for name in ("checks", "reported", "checked")}
    assert grown == {"checks": 2, "reported": 2, "checked": 1}
    assert after["rate"] == after["checked"] / after["reported"] < 1
    gaps = {gap.pop("checkId"): gap for gap in after["gaps"]}
    assert gaps[whole.body["checkId"]] == {"unknown": ["P-FY-01"], "byHand": ["P-FY-01"], "overridden": True}
    assert gaps[open_.body["checkId"]] == {"unknown": ["P-FY-01"], "byHand": [], "overridden": False}
    words = ["review", "check-rate", "--since", TODAY, "--until", TODAY, "--json"]
    config = str(hr.folder / "gateway.yaml")
    result = await asyncio.to_thread(CliRunner().invoke, app, [*words, "--config", config])
    assert result.exit_code == 0, result.output
    (told_,) = [one for one in orjson.loads(result.stdout) if one["scenario"] == "S04"]
    assert (told_["reported"], told_["checked"]) == (after["reported"], after["checked"])
    shown = await asyncio.to_thread(CliRunner().invoke, app, [*words[:-1], "--config", config])
    rows = {line.split("│")[1].strip(): line for line in shown.stdout.splitlines() if "ck_" in line}
    assert "yes" in rows[whole.body["checkId"]]
    assert "yes" not in rows[open_.body["checkId"]]


async def test_what_a_bank_makes_of_a_check_is_not_the_gateways_to_know(hr: Office):
    """A check on consent is nobody's duty and has no rate; who had a loan is their own affair (PIPL 6)."""
    consent = await hr.requested("样例乙")
    await hr.agreed(consent, "样例乙")
    variables = {"lookup": {"subjectRef": consent["subjectRef"]}, "access": access(consent)}
    checked = Checked(await hr.ask(hr.bank(), CHECK, variables))
    told = {"input": given(checked), "access": access(consent)}
    refused = await hr.ask(hr.bank(), REPORT, told)
    assert refused.codes == ["ACTOR_NOT_ALLOWED"]
    async with hr.stage.deployment.store.reading() as connection:
        kept = await connection.execute(select(check_outcome).where(check_outcome.c.scenario == "S17"))
        assert kept.all() == []


async def test_rates_are_for_auditors_and_the_credit_office(hr: Office):
    query = f'{{ review {{ checkRates(since: "{TODAY}", until: "{TODAY}") {{ scenario }} }} }}'
    assert (await hr.ask(hr.officer_of("S04"), query)).codes == ["ACTOR_NOT_ALLOWED"]


async def test_nobody_acts_on_their_own_case(hr: Office):
    """A colleague checked; then the officer whom it is about comes, and their issuer says who they are."""
    checked, measure = await restricted(hr)
    step = {"id": measure, "state": "REVOKED", "officer": "op-0012", "doneOn": TODAY}
    for query, said in ((REPORT, given(checked) | RESTRICTED), (ADVANCE, step)):
        variables = {"input": said, "access": hr.access("S04", caseNo=checked.body["caseNo"])}
        status, body = await hr.post(as_officer(hr, "测试甲"), query, variables)
        (answer,) = body["data"].values()
        assert (status, answer["code"]) == (200, "OUTCOME_OWN_CASE")


async def test_nobody_reports_on_a_check_that_names_them_beside_an_entity(hr: Office):
    owner = {"citizenId": key("测试甲").value, "name": "测试甲"}
    checked = await hr.check(
        "S09", "测试有限公司", related=[{"role": "LEGAL_REPRESENTATIVE", "person": owner}]
    )
    variables = {"input": given(checked), "access": hr.access("S09", caseNo=checked.body["caseNo"])}
    _, body = await hr.post(as_officer(hr, "测试甲", "procurement-centre"), REPORT, variables)
    assert body["data"]["reportOutcome"]["code"] == "OUTCOME_OWN_CASE"
    _, body = await hr.post(as_officer(hr, "样例乙", "procurement-centre"), REPORT, variables)
    assert body["data"]["reportOutcome"]["id"] == checked.body["checkId"], "a colleague is heard"


def as_officer(hr: Office, about: str, client: str = "hr-approval") -> dict[str, str]:
    """Headers of an officer who is this very person."""
    deployment = hr.stage.deployment
    signed = sign_operator(
        deployment.keys.signing_key,
        issuer=OPERATOR_ISSUER,
        client_id=client,
        audience=AUDIENCE,
        operator="op-0099",
        now=datetime.now(CHINA_TIME),
        subject_ref=deployment.references.subject_ref(key(about), client),
    )
    token = deployment.token(client, "op-0099")
    return {**presented(token, *deployment.expected_proof), HEADER: signed}
