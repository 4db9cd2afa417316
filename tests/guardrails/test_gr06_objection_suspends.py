"""GR-06: an objection suspends adverse use, and a correction reaches everybody who was given the record.

Two gateways share one store. What is filed at one is seen at the other by the very next request,
through every channel; so is what is decided, and past readers are told.
"""

from __future__ import annotations

import sqlite3
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio

from authz import outbox
from authz.outbox import Notice, NoticeKind, Recipient, RecipientKind
from authz.store import Store
from tests.checks.conftest import CHECK
from tests.consent.conftest import Town, access, person_lookup
from tests.support.county import cast
from tests.support.databases import Database
from tests.support.departments import Settle
from tests.support.deployment import county_stage
from tests.support.processes import Home, Server, serving
from tests.support.rights import COMPANY, LISTED, MINE, OF_CASE, PERSON, S04, Rights, named
from tests.support.scenarios import OVERLAY

FILE = """
mutation File($input: ObjectionInput!) { fileObjection(input: $input) {
  ... on RightsCase { id state suspends } ... on CaseRefusal { code } } }
"""
DECIDE = """
mutation Decide($input: DecideCaseInput!) { decideCase(input: $input) {
  ... on RightsCase { id state } ... on CaseRefusal { code } } }
"""
PENALTIES = """
query Penalties($uscc: String!) { enterprise(uscc: $uscc) {
  administration { administrativePenalties { state records { recordId status } } }
} }
"""
THEIRS = """
query Theirs($of: SubjectLookup!) { represented(lookup: $of) { ... on Enterprise {
  market { marketSeriousViolations { state records { status } } } } } }
"""
ON_CONSENT = "query C($access: AccessContext!) { consentReport(access: $access) { jws } }"
ON_ONESELF = '{ me { report(addressee: "样例银行") { jws } } }'
ACTIVE, DISPUTED = "ACTIVE", "DISPUTED"


@dataclass(frozen=True)
class Two:
    """Two gateways on one store, and the parties that ask them."""

    home: Home
    store: str
    first: Server
    second: Server

    def person(self) -> str:
        strongly = {"acr": "phr", "auth_time": int(datetime.now(UTC).timestamp())}
        return self.home.token("citizen-app", cast()[PERSON], **strongly)

    async def channels(self, server: Server) -> dict[str, list[str]]:
        """In which state each channel of this gateway gives its records."""
        who = {"person": {"citizenId": cast()[PERSON].value, "name": PERSON}}
        mine = await server.ask(MINE, token=self.person())
        case = await server.ask(OF_CASE, {"who": who, "access": S04}, self.home.token("hr-approval"))
        public = await server.ask(LISTED, {"uscc": COMPANY})
        owner = await server.ask(THEIRS, {"of": {"uscc": COMPANY}}, self.person())
        found = {
            "self": mine.data["me"]["person"]["judicial"]["judgmentDefaults"],
            "officer": case.data["subject"]["judicial"]["judgmentDefaults"],
            "public": public.data["enterprise"]["market"]["marketSeriousViolations"],
            "representative": owner.data["represented"]["market"]["marketSeriousViolations"],
        }
        assert {section["state"] for section in found.values()} == {"OK"}
        return {name: [one["status"] for one in section["records"]] for name, section in found.items()}

    async def records(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The person's debt, and their company's violation, as their own client names them."""
        mine = await self.first.ask(MINE, token=self.person())
        listed = await self.first.ask(LISTED, {"uscc": COMPANY}, self.person())
        (debt,) = mine.data["me"]["person"]["judicial"]["judgmentDefaults"]["records"]
        (violation,) = listed.data["enterprise"]["market"]["marketSeriousViolations"]["records"]
        return named(debt), named(violation) | {"of": {"uscc": COMPANY}}

    async def filed(self, server: Server, record: Mapping[str, Any]) -> str:
        given = {"record": record, "reason": "FACT_WRONG"}
        reply = await server.ask(FILE, {"input": given}, self.person())
        case = reply.data["fileObjection"]
        assert (case["state"], case["suspends"]) == ("OPEN", True)
        return str(case["id"])

    async def decided(self, server: Server, client: str, case: str, outcome: str) -> None:
        given = {
            "id": case,
            "outcome": outcome,
            "reasons": "经核查，情况属实。",
            "noConflictOfInterest": True,
        }
        token = self.home.token(client, scope="credit:cases")
        reply = await server.ask(DECIDE, {"input": given}, token)
        assert reply.data["decideCase"]["state"] == outcome

    async def told(self, client: str) -> list[Notice]:
        async with Store(self.store) as store, store.reading() as connection:
            return await outbox.after(connection, 0, [Recipient(RecipientKind.CLIENT, client)])


@pytest.fixture
def two(own_database: Database, settled: Settle) -> Any:
    home = settled(store=own_database.url, limits={"public_subjects_per_minute": 10**9})
    with ExitStack() as running:
        first, second = (running.enter_context(serving(home)) for _ in range(2))
        yield Two(home, own_database.url, first, second)


async def test_every_process_and_channel_sees_it_at_the_next_request(two: Two) -> None:
    debt, violation = await two.records()
    everywhere = {key: [ACTIVE] for key in ("self", "officer", "public", "representative")}
    assert await two.channels(two.first) == await two.channels(two.second) == everywhere

    of_debt = await two.filed(two.first, debt)
    assert await two.channels(two.second) == everywhere | {"self": [DISPUTED], "officer": [DISPUTED]}
    of_violation = await two.filed(two.second, violation)
    marked = {key: [DISPUTED] for key in everywhere}
    assert await two.channels(two.first) == await two.channels(two.second) == marked

    await two.decided(two.second, "market-steward", of_violation, "UPHELD")
    upheld = {"public": [ACTIVE], "representative": [ACTIVE]}
    assert await two.channels(two.first) == marked | upheld
    await two.decided(two.second, "court-steward", of_debt, "CORRECTED")
    assert await two.channels(two.first) == {"self": [], "officer": []} | upheld

    (told,) = await two.told("hr-approval")
    assert told.kind is NoticeKind.RECORD_CORRECTED
    assert told.pointer.startswith("rr_")
    assert await two.told("citizen-app") == []


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def rights(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rights]:
    folder = tmp_path_factory.mktemp("gr06")
    async with county_stage(folder, OVERLAY, "default") as running:
        _copy_the_violation(folder / "sgs.db")
        yield Rights(Town(running))


def _copy_the_violation(platform: Path) -> None:
    """The platform holds the market bureau's decision too, in its own table and spelling."""
    with closing(sqlite3.connect(platform)) as opened, opened:
        opened.row_factory = sqlite3.Row
        row = dict(opened.execute("SELECT * FROM t_xzcf_grr WHERE ID = 'a9'").fetchone())
        row |= {
            "ID": "a99",
            "CF_WSH": "测市监失列[2025] 1号",
            "CF_JDRQ": "2026/08/01",
            "CF_CFJG": "测试区市监局",
        }
        places = ", ".join("?" for _ in row)
        opened.execute(f"INSERT INTO t_xzcf_grr VALUES ({places})", tuple(row.values()))


@pytest.mark.asyncio(loop_scope="session")
async def test_a_must_check_shows_it_as_disputed_and_counts_it_for_nothing(rights: Rights) -> None:
    async def checked() -> tuple[str, str, list[str]]:
        variables = {"lookup": person_lookup(PERSON), "access": S04}
        reply = await rights.town.ask(rights.town.officer(), CHECK, variables)
        assert reply.codes == []
        found = reply.data["mustCheck"]
        (item,) = (one for one in found["items"] if one["recordType"] == "P-FY-01")
        (value,) = (one["value"] for one in found["predicates"] if one["code"] == "NOT_LISTED_DEBTOR")
        measures = [one["predicate"] for one in found["measures"] if not one["humanVerification"]]
        return item["result"], value, measures

    before = await checked()
    assert before[:2] == ("PRESENT", "FALSE")
    assert "NOT_LISTED_DEBTOR" in before[2]
    (record,) = await rights.mine()
    case = await rights.objected(record, reason="NOT_MINE")
    result, value, measures = await checked()
    assert (result, value) == ("DISPUTED", "TRUE")
    assert "NOT_LISTED_DEBTOR" not in measures
    await rights.decided(case, "UPHELD")
    assert await checked() == before


async def reports(rights: Rights) -> dict[str, list[str]]:
    """In which state signed reports give the person's debts."""
    consent = await rights.town.given(mode="REPORT")
    given = await rights.town.ask(rights.town.bank(), ON_CONSENT, {"access": access(consent)})
    own = await rights.town.ask(rights.town.person(), ON_ONESELF)
    signed = {"on consent": given.data["consentReport"], "on oneself": own.data["me"]["report"]}
    sections = {
        channel: orjson.loads(urlsafe_b64decode(report["jws"].split(".")[1] + "=="))["person"]["judicial"]
        for channel, report in signed.items()
    }
    return {
        channel: [one["status"] for one in section["judgmentDefaults"]["records"]]
        for channel, section in sections.items()
    }


@pytest.mark.asyncio(loop_scope="session")
async def test_a_bank_with_a_consent_sees_it_and_is_told_of_the_correction(rights: Rights) -> None:
    (before,) = await rights.banks(await rights.town.given())
    assert before["status"] == ACTIVE
    (record,) = await rights.mine()
    case = await rights.objected(record)
    (marked,) = await rights.banks(await rights.town.given())
    assert (marked["status"], marked["dispute"]["caseNo"]) == (DISPUTED, None)
    assert await reports(rights) == {"on consent": [DISPUTED], "on oneself": [DISPUTED]}
    await rights.decided(case, "CORRECTED")
    assert await reports(rights) == {"on consent": [], "on oneself": []}
    assert await rights.banks(await rights.town.given()) == []
    (told,) = await rights.told(Recipient(RecipientKind.CLIENT, "sample-bank"))
    assert (told.kind, told.pointer) == (NoticeKind.RECORD_CORRECTED, before["recordId"])


@pytest.mark.asyncio(loop_scope="session")
async def test_the_same_decision_in_another_source_is_marked_too(rights: Rights) -> None:
    async def copies() -> dict[str, str]:
        reply = await rights.town.ask(None, PENALTIES, {"uscc": COMPANY})
        assert reply.codes == []
        records = reply.data["enterprise"]["administration"]["administrativePenalties"]["records"]
        assert all("documentNo" not in one for one in records)
        return {one["recordId"]: one["status"] for one in records}

    before = await copies()
    assert len(before) >= 2
    assert set(before.values()) == {ACTIVE}
    (seen,) = await rights.public(rights.town.person())
    given = {"record": named(seen) | {"of": {"uscc": COMPANY}}, "reason": "FACT_WRONG"}
    case = await rights.done(rights.town.person(), "fileObjection", given)
    marked = [record for record, status in (await copies()).items() if status == DISPUTED]
    assert len(marked) == 1, "the other penalties are other decisions"
    await rights.decided(case, "UPHELD", rights.steward("market-steward"))
    assert await copies() == before
