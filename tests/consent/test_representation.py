"""Who agrees for another: a legal representative, a guardian; and that it opens no more."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest

from authz.tickets import RowFault
from catalogue.identifiers import SubjectKey
from connectors.errors import SourceUnavailable
from connectors.marks import mark
from tests.consent.conftest import GIVE, OTHER, PERSON, REQUEST, Town, access, act, loan, person_lookup
from tests.support.county import cast
from tests.support.databases import Database
from tests.support.deployment import PERSON_CLIENT

pytestmark = pytest.mark.asyncio(loop_scope="session")

COMPANY, SHOP, FORMER = "91990100MA9TE00142", "92990100MA9TE00732", "91990100MA9TE009XP"
CHILD = SubjectKey.person("99010120150101004X")
GRADE = [{"recordType": "E-SW-01", "fields": ["year", "grade"], "level": "MASKED"}]
SEE = (
    "query S($id: ID!) { consent(id: $id) { id state capacity notice { text sha256 } confirmationsNeeded } }"
)
MINE = "{ me { consents { edges { node { id capacity } } } } }"
TAX = """
query Tax($uscc: String!, $on: AccessContext) {
  enterprise(uscc: $uscc, access: $on) { tax { taxCreditRatings { state records { grade } } } }
}
"""
OWNER = """
query Owner($who: SubjectLookup!, $access: AccessContext!) {
  subject(lookup: $who, access: $access) {
    ... on NaturalPerson { judicial { judgmentDefaults { state records { caseNo } } } }
  }
}
"""


async def asked_of(town: Town, uscc: str, **changes: Any) -> Any:
    request = loan(items=GRADE, **changes) | {"subject": {"uscc": uscc}}
    return (await town.ask(town.bank(), REQUEST, {"input": request})).result


async def see(town: Town, token: str, consent: Any) -> Any:
    return (await town.ask(token, SEE, {"id": consent["id"]})).data["consent"]


async def give(town: Town, token: str, consent: Any) -> Any:
    agreement = {
        "id": consent["id"],
        "confirmations": consent["confirmationsNeeded"],
        "noticeSha256": consent["notice"]["sha256"],
    }
    return (await town.ask(token, GIVE, {"input": agreement})).result


@pytest.mark.parametrize(
    ("uscc", "representative", "others"), [(COMPANY, PERSON, OTHER), (SHOP, OTHER, PERSON)]
)
async def test_who_is_registered_agrees_for_an_enterprise_and_nobody_else(
    town: Town, uscc: str, representative: str, others: str
):
    asked = await asked_of(town, uscc)
    assert "LEGAL_REPRESENTATIVE" in asked["confirmationsNeeded"]
    assert await see(town, town.person(others), asked) is None
    assert (await give(town, town.person(others), asked))["refused"] == "UNKNOWN"
    seen = await see(town, town.person(representative), asked)
    assert (seen["state"], seen["capacity"]) == ("REQUESTED", "LEGAL_REPRESENTATIVE")
    assert "法定代表人" in seen["notice"]["text"]
    given = await give(town, town.person(representative), asked)
    assert given["state"] == "ACTIVE"
    assert '"kind":"ENTERPRISE"' in given["artefact"]
    assert '"confirmedBy":"SC"' in given["artefact"]
    for name in (PERSON, OTHER):
        assert cast()[name].value not in given["artefact"]
    read = await town.ask(town.bank(), TAX, {"uscc": uscc, "on": access(asked)})
    assert read.codes == []
    assert read.data["enterprise"]["tax"]["taxCreditRatings"]["state"] == "OK"
    listed = (await town.ask(town.person(representative), MINE)).data["me"]["consents"]["edges"]
    assert asked["id"] in {edge["node"]["id"] for edge in listed}
    revoked = await town.ask(
        town.person(representative, step_up=False), act("revokeConsent"), {"id": asked["id"]}
    )
    assert revoked.result["state"] == "REVOKED"
    again = await town.ask(town.bank(), TAX, {"uscc": uscc, "on": access(asked)})
    assert again.codes in (["CONSENT_REVOKED"], ["TOKEN_REVOKED"]), (
        "its token may be known to have gone first"
    )
    assert again.questions == ()


async def test_an_enterprises_consent_never_opens_a_person_not_even_its_owner(town: Town):
    person_items = [{"recordType": "P-FY-01", "fields": ["caseNo"], "level": "MASKED"}]
    request = loan(items=person_items) | {"subject": {"uscc": COMPANY}}
    refused = (await town.ask(town.bank(), REQUEST, {"input": request})).result
    assert refused["refused"] == "RECORD_TYPE"
    asked = await asked_of(town, COMPANY)
    assert (await give(town, town.person(PERSON), asked))["state"] == "ACTIVE"
    for who in (person_lookup(PERSON), {"uscc": SHOP}):
        variables = {"who": who, "access": access(asked)}
        reply = await town.ask(town.bank(), OWNER, variables)
        assert (reply.codes, reply.questions, reply.data) == (["CONSENT_SUBJECT"], (), {"subject": None})
    assert (await town.ask(town.bank(), TAX, {"uscc": COMPANY, "on": access(asked)})).codes == []


async def test_a_persons_consent_opens_no_enterprise_of_theirs(town: Town):
    refused = await town.requested(PERSON, items=GRADE)
    assert refused["refused"] == "RECORD_TYPE"
    given = await town.requested(PERSON)
    await town.agreed(given)
    reply = await town.ask(town.bank(), TAX, {"uscc": COMPANY, "on": access(given)})
    assert (reply.codes, reply.questions) == (["CONSENT_SUBJECT"], ())


async def test_other_kinds_of_subject_cannot_be_asked(town: Town):
    assert (await asked_of(town, "51990100MJ9TE0033M"))["refused"] == "SUBJECT_KIND"


async def test_a_firm_that_stands_no_more_has_nobody_to_agree(town: Town):
    asked = await asked_of(town, FORMER)
    assert await see(town, town.person("往事样例"), asked) is None


def of_child(town: Town) -> str:
    return town.stage.deployment.token(PERSON_CLIENT, person=CHILD, step_up=True)


async def child_asked(town: Town) -> Any:
    request = loan() | {"subject": {"person": {"citizenId": CHILD.value, "name": "样例童"}}}
    return (await town.ask(town.bank(), REQUEST, {"input": request})).result


async def test_a_guardian_agrees_for_a_child_and_the_child_cannot(town: Town):
    start = len(await town.leaves())
    asked = await child_asked(town)
    assert "GUARDIAN" in asked["confirmationsNeeded"]
    assert (await give(town, of_child(town), asked))["refused"] == "GUARDIAN"
    assert (await give(town, town.person(OTHER), asked))["refused"] == "UNKNOWN", "the guardianship has ended"
    given = await give(town, town.person(PERSON), asked)
    assert given["state"] == "ACTIVE"
    assert '"ageBand":"UNDER_14"' in given["artefact"]
    assert '"capacity":"GUARDIAN","confirmedBy":"MZ"' in given["artefact"]
    checks = [leaf for leaf in (await town.leaves())[start:] if leaf.get("kind") == "IDENTITY_VERIFY"]
    assert {one["entity"][0]["recordType"] for one in checks} == {"P-MZ-99"}
    told = (
        await town.ask(of_child(town), "{ me { accessLog { edges { node { records { recordType } } } } } }")
    ).data
    seen = {one["recordType"] for edge in told["me"]["accessLog"]["edges"] for one in edge["node"]["records"]}
    assert "P-MZ-99" in seen, "the child sees who asked about its guardian"
    stopped = await town.ask(of_child(town), act("revokeConsent"), {"id": asked["id"]})
    assert stopped.result["state"] == "REVOKED", "nobody needs a guardian to stop"


async def test_where_the_register_is_down_nobody_agrees(town: Town):
    asked = await child_asked(town)
    source = town.stage.deployment.consents._representatives.sources["P-MZ-99"]

    async def down(_: Any) -> Any:
        raise SourceUnavailable(source.name, "CONNECT")

    with patch.object(source, "fetch", down):
        reply = await town.ask(town.person(PERSON), SEE, {"id": asked["id"]})
        assert (reply.codes, reply.data) == (["REPRESENTATION_UNKNOWN"], {"consent": None})
    assert (await see(town, town.person(PERSON), asked))["state"] == "REQUESTED"


async def test_a_register_s_row_that_cannot_be_read_becomes_its_ticket(town: Town):
    asked = await child_asked(town)
    deployment = town.stage.deployment
    register = Database("sqlite", deployment.sources["civil"].manifest.url)
    row = f"(jhbh, bjhr_sfzh, jhr_sfzh, zt) VALUES ('J-bad', '{CHILD.value}', 'not a number', '1')"
    await register.execute(f"INSERT INTO mz_jhr {row}")
    try:
        assert await see(town, town.person(OTHER), asked) is None
    finally:
        await register.execute("DELETE FROM mz_jhr WHERE jhbh = 'J-bad'")
    await deployment.tickets.flush()
    told = [each.fault for each in await deployment.tickets.listed()]
    assert RowFault("civil", "P-MZ-99", "CITIZEN_ID_LENGTH", "jhr_sfzh", mark("J-bad")) in told


async def test_without_the_confirmation_of_the_capacity_it_is_not_given(town: Town):
    asked = await asked_of(town, COMPANY)
    left_out = [one for one in asked["confirmationsNeeded"] if one != "LEGAL_REPRESENTATIVE"]
    refused = await give(town, town.person(PERSON), asked | {"confirmationsNeeded": left_out})
    assert refused["refused"] == "CONFIRMATION"


async def test_a_guess_at_an_id_asks_no_department(town: Town):
    start = len(await town.leaves())
    for token in (town.person(PERSON), town.person(OTHER)):
        assert await see(town, token, {"id": "ca_" + "a" * 32}) is None
    assert len(await town.leaves()) == start
