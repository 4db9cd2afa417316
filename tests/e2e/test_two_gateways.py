"""A county whose court records come from the province's gateway: both decide, both audit."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from tests.e2e.conftest import Departments, Settle
from tests.support.commands import command
from tests.support.county import COUNTY
from tests.support.county_answers import FIRM, PERSON
from tests.support.oauth import OFFICE_KEY, embed
from tests.support.processes import Reply, Server, eventually, free_port, serving

OFFICER = """
query Officer($lookup: SubjectLookup!, $access: AccessContext!) {
  subject(lookup: $lookup, access: $access) { ... on NaturalPerson { judicial {
    judgmentDefaults { state reason records { caseNo publishedOn status } }
  } } }
}
"""
MINE = """
{ me { person { judicial { judgmentDefaults { state reason records { caseNo } } } } } }
"""
LOOKUP = {"person": {"citizenId": PERSON.value, "name": "测试甲"}}
ACCESS = {
    "scenario": "S04",
    "caseNo": "RSKS-2026-0001",
    "purpose": "录用审查",
    "reasonCode": "QUALIFICATION_REVIEW",
    "noConflictOfInterest": True,
    "repeatReason": "CASE_CONTINUED",
    "repeatNote": "同案续查",
}
PROVINCE = """
source: province
department: FY
system: {zh: 省信用查询网关, en: Gateway of the province}
contact: 省公共信用信息中心 0871-0000000
connector: graphql
url: ${PROVINCE_URL}/graphql
deadlineMs: 12000
breaker: {failures: 1000, openForMs: 100}
client: {id: hr-approval, key: office.jwk, operator: gw-0001}
records:
  P-FY-01:
    graphql: {}
    keys:
      CITIZEN_ID: {columns: [subject]}
    identity: [recordId]
    fields:
      caseNo: {column: caseNo}
      publishedOn: {column: publishedOn, decode: [date]}
    controls:
      status: {column: status}
"""

SUBGRAPH = """
source: city
department: FG
system: {zh: 市联合图, en: Federated graph of the city}
contact: 市公共信用信息中心 0871-0000001
connector: graphql
url: ${PROVINCE_URL}/graphql
deadlineMs: 12000
breaker: {failures: 1000, openForMs: 100}
records:
  E-FG-03:
    graphql: {entity: Enterprise, rows: administration.administrativePenalties.records}
    keys:
      USCC: {columns: [subject]}
    identity: [recordId]
    fields:
      documentNo: {column: documentNo}
      authority: {column: authority}
      determinedOn: {column: determinedOn, decode: [date]}
      severity: {column: severity}
"""
FIRM_QUERY = """
query Firm($uscc: String!) { enterprise(uscc: $uscc) { administration { administrativePenalties {
  state reason records { documentNo authority determinedOn severity }
} } } }
"""


@dataclass
class Two:
    """The county, the province it asks, and the province's departments."""

    county: Server
    province: Server

    async def officer(self, **access: str) -> Reply:
        """An officer of the county asks the county."""
        token = self.county.home.token("hr-approval")
        return await self.county.ask(OFFICER, {"lookup": LOOKUP, "access": ACCESS | access}, token)


@pytest.fixture(scope="module")
def two(settled: Settle, departments: Departments) -> Iterator[Two]:
    far, near, port = settled(), settled(), free_port()
    mandates = yaml.safe_load((COUNTY / "mandates.yaml").read_text("utf-8"))
    for mandate in mandates:
        mandate["operatorAssertion"] = False  # a gateway's own assertion as a client names the officer
        mandate["casePattern"] = mandate["casePattern"].replace(r"20\d{2}", "2026")
    (far.folder / "mandates.yaml").write_text(yaml.safe_dump(mandates, allow_unicode=True), "utf-8")
    embed(far, f"http://127.0.0.1:{port}", mandates="mandates.yaml")
    (near.sources / "office.jwk").write_text(json.dumps(OFFICE_KEY.as_dict(private=True)))
    (near.sources / "province.yaml").write_text(PROVINCE, "utf-8")
    near.manifest("court", lambda manifest: manifest["records"].pop("P-FY-01"))
    (near.sources / "city.yaml").write_text(SUBGRAPH, "utf-8")
    near.manifest("sgs", lambda manifest: manifest["records"].pop("E-FG-03"))
    near.environment["PROVINCE_URL"] = f"http://127.0.0.1:{port}"
    with serving(far, port) as province, serving(near) as county:
        yield Two(county, province)


def section(reply: Reply) -> dict[str, Any]:
    found: dict[str, Any] = reply.data["subject"]["judicial"]["judgmentDefaults"]
    return found


def county_s_view(reply: Reply) -> tuple[str, Any, str | None]:
    """State, records, and the code of the error that stands for the section."""
    found = section(reply)
    faults = [error["extensions"]["code"] for error in reply.errors]
    return found["state"], found["records"], faults[0] if faults else None


async def test_the_province_s_records_reach_the_county_s_officer(two: Two) -> None:
    reply = await two.officer()
    assert section(reply)["state"] == "OK"
    assert section(reply)["records"]
    assert reply.sources["province"] == {"OK"}


async def test_the_province_audits_the_county_s_case_itself(two: Two) -> None:
    await two.officer(caseNo="RSKS-2026-0777")
    shown = await command("audit", "show", "--json", "-c", two.province.home.config)
    assert "RSKS-2026-0777" in shown.out
    assert "op-0001" in shown.out
    assert "P-FY-01" in shown.out


async def test_what_the_province_denies_is_denied_and_not_clean(two: Two) -> None:
    reply = await two.officer(caseNo="RSKS-2025-0001")  # the county's mandate takes any year
    assert county_s_view(reply) == ("DENIED", None, "SOURCE_DENIED")
    assert reply.errors[0]["extensions"]["source"] == "province"


async def test_a_person_s_own_login_is_no_case_to_pass_on(two: Two) -> None:
    reply = await two.county.ask(MINE, token=two.county.home.token("citizen-app", PERSON))
    own = reply.data["me"]["person"]["judicial"]["judgmentDefaults"]
    assert (own["state"], own["reason"], own["records"]) == ("DENIED", "NO_CASE", None)


async def test_a_department_that_is_down_there_is_down_here(two: Two) -> None:
    court = two.province.home.folder / "county" / "court.db"
    away = court.rename(court.with_suffix(".off"))
    try:
        assert county_s_view(await two.officer()) == ("UNAVAILABLE", None, "SOURCE_UNAVAILABLE")
    finally:
        away.rename(court)
    await eventually(lambda: answered(two))


async def test_a_province_that_hangs_or_is_gone_is_never_clean(two: Two) -> None:
    two.province.process.send_signal(signal.SIGSTOP)
    try:
        reply = await two.officer()
        assert county_s_view(reply) == ("TIMEOUT", None, "SOURCE_TIMEOUT")
    finally:
        two.province.process.send_signal(signal.SIGCONT)
    await eventually(lambda: answered(two))


async def answered(two: Two) -> bool:
    reply = await two.officer()
    return reply.status == 200 and section(reply)["state"] == "OK"


async def penalties(server: Server) -> dict[str, Any]:
    reply = await server.ask(FIRM_QUERY, {"uscc": FIRM.value})
    found: dict[str, Any] = reply.data["enterprise"]["administration"]["administrativePenalties"]
    return found


async def test_entities_of_a_subgraph_are_read_and_a_lost_one_is_not_clean(two: Two) -> None:
    there, here = await penalties(two.province), await penalties(two.county)
    assert there["records"]
    assert here == there
    sgs = two.province.home.folder / "county" / "sgs.db"
    away = sgs.rename(sgs.with_suffix(".off"))
    try:
        lost = await penalties(two.county)
        assert (lost["state"], lost["records"]) == ("UNAVAILABLE", None)
    finally:
        away.rename(sgs)
