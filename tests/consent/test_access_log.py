"""The person sees every read: which organization, for what, which fields; never the officer."""

import pytest

from catalogue.values import CHINA_TIME
from tests.consent.conftest import OTHER, PERSON, Town, about, person_lookup
from tests.support.declared import DECLARED

pytestmark = pytest.mark.asyncio(loop_scope="session")

LOAN = """
query Loan($who: SubjectLookup!, $access: AccessContext!) {
  subject(lookup: $who, access: $access) {
    ... on NaturalPerson { judicial { judgmentDefaults { records { caseNo court obligation } } } }
  }
}
"""
LOG = """
query Log($first: Int, $after: String, $organization: String, $purpose: String, $from: String, $to: String) {
  me {
    accessLog(
      first: $first, after: $after, organization: $organization, purpose: $purpose, from: $from, to: $to
    ) {
      edges { node {
        at role organization organizationUscc basis legalBasisId consentId purpose scenario scenarioName
        caseNo result
        records { recordType recordTypeName fields fieldNames maskedFields }
      } }
      pageInfo { hasNextPage hasPreviousPage endCursor }
    }
  }
}
"""
BANK = "91990100MA9TE0209U"


async def log(town: Town, name: str = PERSON, **variables):
    reply = await town.ask(town.person(name, step_up=False), LOG, variables)
    assert reply.codes == []
    return reply.data["me"]["accessLog"]


async def test_a_read_on_a_consent_is_seen_with_everything_but_the_officer(town: Town):
    asked = await town.requested(caseNo="LN-2026-000777")
    await town.agreed(asked)
    assert (await town.ask(town.bank(), LOAN, about(asked, caseNo="LN-2026-000777"))).codes == []
    newest = (await log(town, organization=BANK))["edges"][0]["node"]
    assert newest.pop("at")
    assert newest == {
        "role": "PARTNER",
        "organization": "样例村镇银行",
        "organizationUscc": BANK,
        "basis": "CONSENT",
        "legalBasisId": None,
        "consentId": asked["id"],
        "purpose": "用于审查本人提交的经营贷款申请，不用于其他用途",
        "scenario": "S17",
        "scenarioName": "银行贷款（仅授权）",
        "caseNo": "LN-2026-000777",
        "result": "PERMIT",
        "records": [
            {
                "recordType": "P-FY-01",
                "recordTypeName": "失信被执行人信息（自然人）",
                "fields": ["caseNo", "court"],
                "fieldNames": ["案号", "执行法院"],
                "maskedFields": [],
            }
        ],
    }


async def test_a_read_of_an_authority_is_seen_without_its_officers_number(town: Town):
    basis = {"scenario": "S04", "caseNo": "RSKS-2026-0077", "purpose": "公务员录用审查"} | DECLARED
    read = await town.ask(town.officer(), LOAN, {"who": person_lookup(OTHER), "access": basis})
    assert read.codes == []
    reply = await town.ask(town.person(OTHER), LOG, {"purpose": "录用"})
    (entry,) = [edge["node"] for edge in reply.data["me"]["accessLog"]["edges"]]
    assert (entry["role"], entry["basis"], entry["legalBasisId"]) == ("OFFICER", "STATUTORY", "M-RS-S04")
    assert entry["organization"] == "样例县人力资源和社会保障局"
    assert "op-0087" not in str(reply.body)


async def test_what_was_stopped_on_its_way_out_is_told_as_not_answered(town: Town):
    """A read with a wrong name ends as DENY."""
    basis = {"scenario": "S04", "caseNo": "RSKS-2026-0078", "purpose": "错名核查"} | DECLARED
    wrong = {"person": {"citizenId": person_lookup(PERSON)["person"]["citizenId"], "name": "某某"}}
    refused = await town.ask(town.officer(), LOAN, {"who": wrong, "access": basis})
    assert refused.codes == ["SUBJECT_NOT_CONFIRMED"]
    (entry,) = (await log(town, purpose="错名核查"))["edges"]
    assert entry["node"]["result"] == "DENY"


async def test_filters_and_pages(town: Town):
    for _ in range(3):
        asked = await town.requested()
        await town.agreed(asked)
        await town.ask(town.bank(), LOAN, about(asked))
    first = await log(town, first=2, organization=BANK)
    assert (len(first["edges"]), first["pageInfo"]["hasNextPage"]) == (2, True)
    second = await log(town, first=2, organization=BANK, after=first["pageInfo"]["endCursor"])
    assert second["pageInfo"]["hasPreviousPage"]
    ids = [edge["node"]["consentId"] for edge in (*first["edges"], *second["edges"])]
    assert len(ids) == len(set(ids))
    assert (await log(town, purpose="没有这样的目的"))["edges"] == []
    today = town.stage.deployment.consents.now.astimezone(CHINA_TIME).date().isoformat()
    assert (await log(town, to="2020-01-01"))["edges"] == []
    assert len((await log(town, **{"from": today, "to": today}))["edges"]) >= 3


async def test_nobody_sees_anybody_elses_and_days_are_days(town: Town):
    asked = await town.requested()
    await town.agreed(asked)
    await town.ask(town.bank(), LOAN, about(asked))
    others = (await log(town, OTHER, organization=BANK))["edges"]
    assert asked["id"] not in {edge["node"]["consentId"] for edge in others}
    cursor = (await log(town, first=1))["pageInfo"]["endCursor"]
    foreign = await town.ask(town.person(OTHER), LOG, {"after": cursor})
    assert foreign.codes == ["CURSOR_INVALID"]
    assert (await town.ask(town.person(), LOG, {"from": "gestern"})).codes == ["DATE_INVALID"]
    assert (await town.ask(town.person(), LOG, {"first": 0})).codes == ["PAGE_SIZE"]
