"""The loan, from the bank's request to the person's revocation, over HTTP."""

from datetime import datetime

import aiohttp
import orjson
import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from catalogue.values import CHINA_TIME
from tests.consent.conftest import OTHER, PERSON, Town, about, person_lookup
from tests.support.county import personal_values

pytestmark = pytest.mark.asyncio(loop_scope="session")

READ = """
query Loan($who: SubjectLookup!, $access: AccessContext!) {
  subject(lookup: $who, access: $access) {
    displayName
    ... on NaturalPerson {
      judicial {
        judgmentDefaults { state present records { caseNo court performance publishedOn determinedOn } }
      }
      tax { taxViolations { state present records { caseNo recordId } } }
      identity { civilIdentity { state present records { registeredAddress } } }
    }
  }
}
"""
MINE = (
    "{ me { consents { edges { node { id state subjectRef grantee { name } notice { text sha256 } } } } } }"
)


async def test_the_bank_reads_exactly_what_the_person_agreed_to_until_they_take_it_back(town: Town):
    asked = await town.requested(caseNo="LN-2026-000001")
    assert (asked["state"], asked["artefact"], asked["uses"]) == ("REQUESTED", None, 0)

    early = await town.ask(town.bank(), READ, about(asked, caseNo="LN-2026-000001"))
    assert (early.status, early.codes, early.questions) == (403, ["CONSENT_NOT_ACTIVE"], ())

    listed = (await town.ask(town.person(), MINE)).data["me"]["consents"]["edges"]
    seen = next(edge["node"] for edge in listed if edge["node"]["id"] == asked["id"])
    assert seen["grantee"]["name"] == "样例村镇银行"
    assert seen["subjectRef"] is None, "the bank's reference is the bank's"
    for matter in ("样例村镇银行", "经营贷款申请", "失信被执行人", "案号", "30日", "仅告知有无记录", "撤回"):
        assert matter in seen["notice"]["text"]

    given = await town.agreed(asked)
    assert given["state"] == "ACTIVE"
    assert [event["act"] for event in given["events"]] == ["REQUESTED", "GIVEN"]

    start = len(await town.leaves())
    consent = asked | {"state": "ACTIVE"}
    read = await town.ask(town.bank(), READ, about(consent, caseNo="LN-2026-000001", idempotencyKey="try-1"))
    person = read.data["subject"]
    assert person == {
        "displayName": "测**",
        "judicial": {
            "judgmentDefaults": {
                "state": "OK",
                "present": True,
                "records": [
                    {
                        "caseNo": "〔2024〕测0101执12号",
                        "court": "测试区人民法院",
                        "performance": "全部未履行",
                        "publishedOn": None,
                        "determinedOn": None,
                    }
                ],
            }
        },
        "tax": {"taxViolations": {"state": "OK", "present": True, "records": None}},
        "identity": {"civilIdentity": {"state": "DENIED", "present": None, "records": None}},
    }
    assert [question.source for question in read.questions] == ["psb", "court", "tax"]
    assert "registeredAddress" not in read.questions[0].fields

    intent, outcome = (await town.leaves(start))[-2:]
    assert (intent["phase"], outcome["phase"], outcome["result"]) == ("INTENT", "OUTCOME", "PARTIAL")
    assert intent["authorization"] == {
        "basis": "CONSENT",
        "caseNo": "LN-2026-000001",
        "consentId": asked["id"],
        "purposeText": "用于审查本人提交的经营贷款申请，不用于其他用途",
        "reasonCode": "LOAN_APPROVAL",
        "scenarioCode": "S17",
    }
    assert {read["recordType"]: read["fields"] for read in intent["entity"]} == {
        "P-FY-01": ["caseNo", "court", "performance"],
        "P-SW-01": [],
    }

    again = await town.ask(town.bank(), READ, about(consent, caseNo="LN-2026-000001", idempotencyKey="try-1"))
    assert again.data["subject"]["displayName"] == "测**", "the same key is the same use"
    third = await town.ask(town.bank(), READ, about(consent, caseNo="LN-2026-000001"))
    assert (third.codes, third.questions) == (["CONSENT_USED_UP"], ())

    revoked = await town.act("revokeConsent", asked)
    assert (revoked["state"], revoked["uses"]) == ("REVOKED", 1)
    late = await town.ask(town.bank(), READ, about(consent, caseNo="LN-2026-000001", idempotencyKey="try-1"))
    # the token went with the consent; whether that is noticed first is a matter of milliseconds
    assert (late.status, late.codes) in ((403, ["CONSENT_REVOKED"]), (401, ["TOKEN_REVOKED"]))
    assert late.questions == ()


async def test_the_artefact_is_signed_and_holds_nothing_that_names_the_person(town: Town):
    asked = await town.requested()
    given = await town.agreed(asked)
    payload = given["artefact"].encode()
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{town.stage.urls['default']}/.well-known/consent-jwks.json") as response,
    ):
        published = await response.json()
    assert [sorted(key.keys() & {"d", "x", "y"}) for key in published["keys"]] == [["x", "y"]]
    keys = KeySet.import_key_set(published)
    assert jws.deserialize_compact(given["signature"], keys, ["ES256"], payload=payload)
    receipt = orjson.loads(jws.deserialize_compact(given["receipt"], keys, ["ES256"]).payload)
    assert receipt["consentId"] == given["id"]
    artefact = orjson.loads(payload)
    assert artefact["onwardTransfer"] == "FORBIDDEN"
    assert artefact["subject"]["subjectRef"] == asked["subjectRef"]
    assert artefact["notice"]["sha256"] == asked["notice"]["sha256"]
    assert [one["type"] for one in artefact["authorizationDetails"]] == ["credit_record_read"] * 2
    until = datetime.fromisoformat(artefact["validity"]["until"]).astimezone(CHINA_TIME)
    assert (until - datetime.now(CHINA_TIME)).days in (6, 7)
    async with town.stage.deployment.store.reading() as connection:
        rows = await connection.exec_driver_sql("SELECT * FROM consent")
        stored = repr(rows.all())
    assert not [value for value in personal_values() if value in stored]


async def test_a_person_may_agree_to_less(town: Town):
    asked = await town.requested()
    less = [{"recordType": "P-FY-01", "fields": ["court"], "level": "MASKED"}]
    given = await town.agreed(asked, items=less)
    assert given["items"] == [{"recordType": "P-FY-01", "fields": ["court"], "level": "MASKED"}]
    read = await town.ask(town.bank(), READ, about(asked))
    section = read.data["subject"]["judicial"]["judgmentDefaults"]
    assert [(one["caseNo"], one["court"]) for one in section["records"]] == [(None, "测试区人民法院")]
    assert read.data["subject"]["tax"]["taxViolations"]["state"] == "DENIED"


async def test_acts_are_leaves_of_the_log_that_the_person_is_found_by(town: Town):
    start = len(await town.leaves())
    asked = await town.requested()
    await town.agreed(asked)
    await town.act("pauseConsent", asked)
    acts = [leaf for leaf in await town.leaves(start) if leaf["phase"] == "CONSENT"]
    assert [(leaf["act"], leaf["state"], leaf["agent"]["clientId"]) for leaf in acts] == [
        ("REQUESTED", "REQUESTED", "sample-bank"),
        ("GIVEN", "ACTIVE", "citizen-app"),
        ("PAUSED", "PAUSED", "citizen-app"),
    ]
    assert {leaf["consentId"] for leaf in acts} == {asked["id"]}
    assert len({leaf["subject"]["auditRef"] for leaf in acts}) == 1


async def test_pausing_closes_and_resuming_opens_again(town: Town):
    asked = await town.requested()
    await town.agreed(asked)
    assert (await town.act("pauseConsent", asked))["state"] == "PAUSED"
    assert (await town.ask(town.bank(), READ, about(asked))).codes == ["CONSENT_NOT_ACTIVE"]
    refused = await town.ask(
        town.person(step_up=False),
        "mutation($id: ID!) { resumeConsent(id: $id) { __typename } }",
        {"id": asked["id"]},
    )
    assert refused.codes == ["STEP_UP_REQUIRED"]
    reopened = await town.ask(
        town.person(), "mutation($id: ID!) { resumeConsent(id: $id) { __typename } }", {"id": asked["id"]}
    )
    assert reopened.result == {"__typename": "Consent"}
    assert (await town.ask(town.bank(), READ, about(asked))).codes == []


async def test_a_request_says_nothing_of_whether_the_person_exists(town: Town):
    unknown = {"person": {"citizenId": "990101199003070015", "name": "查无此人"}}
    asked = await town.requested(subject=unknown)
    assert asked["state"] == "REQUESTED"
    assert set(asked) == set(await town.requested())


async def test_a_consent_is_shown_to_its_two_parties_only(town: Town):
    asked = await town.requested()
    query = "query($id: ID!) { consent(id: $id) { id state } }"
    for token, found in (
        (town.bank(), True),
        (town.person(), True),
        (town.bank("other-bank"), False),
        (town.person(OTHER), False),
    ):
        reply = await town.ask(token, query, {"id": asked["id"]})
        assert (reply.data["consent"] is not None) is found
    for token in (town.officer(), None):
        assert (await town.ask(token, query, {"id": asked["id"]})).codes == ["SCOPE_MISSING"]


async def test_consents_come_in_pages(town: Town):
    ids = {(await town.requested(OTHER))["id"] for _ in range(3)}
    query = (
        "query($after: String) { me { consents(first: 2, after: $after)"
        " { edges { node { id } } pageInfo { hasNextPage endCursor } } } }"
    )
    seen, after = [], None
    while True:
        page = (await town.ask(town.person(OTHER), query, {"after": after})).data["me"]["consents"]
        seen += [edge["node"]["id"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert len(seen) == len(set(seen)) >= 3
    assert ids <= set(seen)
    foreign = await town.ask(town.person(), query, {"after": after})
    assert foreign.codes == ["CURSOR_INVALID"]


async def test_a_person_named_by_number_is_the_same_person(town: Town):
    asked = await town.requested()
    await town.agreed(asked)
    read = await town.ask(town.bank(), READ, about(asked) | {"who": person_lookup(PERSON)})
    assert read.data["subject"]["judicial"]["judgmentDefaults"]["present"] is True
