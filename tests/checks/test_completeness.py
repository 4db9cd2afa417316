"""A department that is down leaves a check incomplete; whoever goes on says that they looked by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from authz.receipts import ReceiptBook
from catalogue.values import CHINA_TIME
from tests.checks.conftest import CASES, Checked, Office
from tests.support.deployment import county_stage
from tests.support.scenarios import OVERLAY

pytestmark = pytest.mark.asyncio(loop_scope="session")
TODAY = datetime.now(CHINA_TIME).date().isoformat()
RECORD = """
mutation Record($input: ManualCheckInput!, $access: AccessContext!) {
  recordManualCheck(input: $input, access: $access) {
    ... on ManualCheckRecorded { checkId outstanding }
    ... on ManualCheckRefusal { code message }
  }
}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def broken(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """A county of its own, for its departments go down."""
    async with county_stage(tmp_path_factory.mktemp("broken"), OVERLAY, "default") as stage:
        yield Office(stage)


@contextmanager
def without(office: Office, *tables: tuple[str, str]) -> Iterator[None]:
    """Tables gone, as after a department's own release on a Friday."""
    for name, table in tables:
        with office.writing(name) as opened:
            opened.execute(f"ALTER TABLE {table} RENAME TO {table}_gone")
    yield
    for name, table in tables:
        with office.writing(name) as opened:
            opened.execute(f"ALTER TABLE {table}_gone RENAME TO {table}")


async def recorded(
    office: Office, checked: Checked, scenario: str = "S04", case: str | None = None, **changes: Any
) -> Any:
    given = {
        "receipt": checked.body["receipt"]["jws"],
        "recordType": "P-FY-01",
        "method": "TELEPHONE",
        "checkedOn": TODAY,
    }
    access = office.access(scenario, caseNo=case or checked.body["caseNo"])
    variables = {"input": given | changes, "access": access}
    reply = await office.ask(office.officer_of(scenario), RECORD, variables)
    return reply.data["recordManualCheck"] if not reply.codes else reply.codes


DOWN = [
    ("S04", "样例乙", "court", "zx_sxbzxr", "P-FY-01", "NOT_LISTED_DEBTOR"),
    ("S06", "样例乙", "psb", "T_MCN_RZCX", "P-GA-03", "NO_CHILD_CONTACT_BAN"),
    ("S11", "测试有限公司", "court", "zx_sxbzxr", "E-FY-01", None),
    ("S16", "样例乙", "court", "zx_sxbzxr", "P-FY-01", "NO_ADVERSE_36M"),
]


@pytest.mark.parametrize(("scenario", "about", "source", "table", "code", "predicate"), DOWN)
async def test_down_is_never_clean(
    broken: Office, scenario: str, about: str, source: str, table: str, code: str, predicate: str | None
):
    with without(broken, (source, table)):
        checked = await broken.check(scenario, about)
    assert checked.results[code] == "UNKNOWN"
    assert checked.body["completeness"] == "INCOMPLETE"
    (task,) = checked.body["tasks"]
    assert (task["recordType"], bool(task["departmentName"])) == (code, True)
    assert checked.measures == [] or predicate is None
    if predicate:
        assert checked.predicate(predicate)["reasons"] == ["SOURCE_UNKNOWN"]
        assert checked.truths[predicate] == "UNKNOWN"
    mandatory = broken.stage.deployment.catalogue.scenarios[scenario].obligation == "MANDATORY"
    assert checked.body["manualCheckRequired"] is mandatory


ENDLESS = """
CREATE VIEW zx_sxbzxr AS WITH RECURSIVE forever(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM forever)
SELECT kept.* FROM forever, zx_sxbzxr_gone AS kept WHERE forever.n < 0
"""


async def test_a_department_that_never_ends_leaves_the_scenarios_deadline_kept(broken: Office):
    """The source itself has twenty seconds, the scenario five."""
    with without(broken, ("court", "zx_sxbzxr")):
        with broken.writing("court") as court:
            court.execute(ENDLESS)
        async with broken.with_scenario("S04", deadline_ms=5_000) as hurried, asyncio.timeout(60):
            checked = await hurried.check("S04", "样例乙")
        with broken.writing("court") as court:
            court.execute("DROP VIEW zx_sxbzxr")
    item = checked.item("P-FY-01")
    assert (item["result"], item["state"], item["count"]) == ("UNKNOWN", "TIMEOUT", None)
    assert set(checked.results.values()) >= {"UNKNOWN", "NONE"}, "the others were not held up"
    assert checked.predicate("NOT_LISTED_DEBTOR")["reasons"] == ["SOURCE_UNKNOWN"]
    (task,) = checked.body["tasks"]
    assert (task["recordType"], task["step"]) == ("P-FY-01", "ASK_AGAIN")
    assert (checked.body["completeness"], checked.body["manualCheckRequired"]) == ("INCOMPLETE", True)


async def test_a_bank_s_check_says_unknown_too(broken: Office):
    with without(broken, ("court", "zx_sxbzxr")):
        checked = await broken.on_consent("样例乙")
    assert (checked.results["P-FY-01"], checked.body["completeness"]) == ("UNKNOWN", "INCOMPLETE")
    assert checked.truths["NOT_LISTED_DEBTOR"] == "UNKNOWN"


async def test_what_is_down_may_be_checked_by_hand_once_and_the_log_says_so(broken: Office):
    with without(broken, ("court", "zx_sxbzxr"), ("hr", "ry_zyzg")):
        checked = await broken.check("S04", "样例乙")
    assert [task["recordType"] for task in checked.body["tasks"]] == ["P-FY-01", "P-RS-01"]
    first = await recorded(broken, checked)
    assert first == {"checkId": checked.body["checkId"], "outstanding": ["P-RS-01"]}
    assert (await recorded(broken, checked))["code"] == "MANUAL_CHECK_DONE"
    second = await recorded(broken, checked, recordType="P-RS-01", method="LETTER")
    assert second["outstanding"] == []
    found = await broken.stage.deployment.services.receipts.find(checked.body["checkId"])
    assert found is not None
    assert (found.completeness, found.by_hand, found.open_types) == (
        "INCOMPLETE",
        ("P-FY-01", "P-RS-01"),
        (),
    )
    leaves = [leaf for leaf in await broken.leaves() if leaf["phase"] == "MANUAL_CHECK"]
    told = [(leaf["checkId"], leaf["recordType"], leaf["method"]) for leaf in leaves]
    assert told == [
        (checked.body["checkId"], "P-FY-01", "TELEPHONE"),
        (checked.body["checkId"], "P-RS-01", "LETTER"),
    ]
    assert leaves[0]["agent"]["operatorRef"] == "op-0087"


async def test_what_was_answered_needs_no_hand(broken: Office):
    checked = await broken.check("S04", "样例乙")
    assert (checked.body["completeness"], checked.body["manualCheckRequired"]) == ("COMPLETE", False)
    assert (await recorded(broken, checked))["code"] == "MANUAL_CHECK_NOT_NEEDED"


async def test_a_receipt_serves_its_own_case_scenario_and_organization(broken: Office):
    with without(broken, ("court", "zx_sxbzxr")):
        checked, other = await broken.check("S04", "样例乙"), await broken.check("S16", "样例乙")
    assert (await recorded(broken, checked, case="RSKS-2026-9999"))["code"] == "RECEIPT_CASE"
    assert (await recorded(broken, other, case=checked.body["caseNo"]))["code"] == "RECEIPT_CASE"
    header, payload, signature = checked.body["receipt"]["jws"].split(".")
    flipped = f"{header}.{payload[:-2]}AA.{signature}"
    for forged in (flipped, other.body["receipt"]["jws"] + "x", "", "a.b.c"):
        assert (await recorded(broken, checked, receipt=forged))["code"] == "RECEIPT_INVALID"
    assert await recorded(broken, checked, checkedOn="2026-02-30") == ["DATE_INVALID"]
    assert await recorded(broken, checked, checkedOn="2099-01-01") == ["DATE_INVALID"]
    assert await recorded(broken, checked, checkedOn="2020-01-01") == ["DATE_INVALID"]
    assert (await recorded(broken, checked))["outstanding"] == []


async def test_after_five_working_days_the_check_is_made_again(broken: Office):
    with without(broken, ("court", "zx_sxbzxr")):
        checked = await broken.check("S04", "样例乙")
    until = datetime.fromisoformat(checked.body["validUntil"])
    deployment = broken.stage.deployment
    parts = (deployment.store, deployment.audit, deployment.keys, "https://gateway.example.cn")
    for now, said in ((until, "outstanding"), (until + timedelta(seconds=1), "code")):
        async with broken.later(receipts=ReceiptBook(*parts, clock=lambda now=now: now)) as then:
            answer = await recorded(then, checked)
            assert said in answer, answer
    assert answer["code"] == "RECEIPT_EXPIRED"


async def test_no_receipt_no_answer(broken: Office):
    """The check is kept with the outcome of its read: there are both, or neither and no answer."""
    start = len(await broken.leaves())
    async with broken.stage.deployment.store.writing() as connection:
        await connection.exec_driver_sql("ALTER TABLE check_receipt RENAME TO check_receipt_gone")
    refused = await broken.check("S04", "样例乙")
    async with broken.stage.deployment.store.writing() as connection:
        await connection.exec_driver_sql("ALTER TABLE check_receipt_gone RENAME TO check_receipt")
    assert (refused.reply.status, refused.reply.codes) == (503, ["AUDIT_UNAVAILABLE"])
    assert "data" not in refused.reply.body
    assert [leaf["phase"] for leaf in await broken.leaves(start)] == ["INTENT"]


async def test_every_approval_system_of_the_county_can_check(broken: Office):
    for scenario in CASES:
        about = "测试有限公司" if scenario == "S09" else "样例乙"
        assert not (await broken.check(scenario, about)).reply.codes, scenario
