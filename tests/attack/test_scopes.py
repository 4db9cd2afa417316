"""A token is good for what it was issued for, and nothing else."""

from datetime import datetime

import pytest

from authz.demo_tokens import issue_token
from catalogue.identifiers import SubjectKey
from catalogue.values import CHINA_TIME
from tests.attack.conftest import AUDIENCE, ISSUER, Target
from tests.support.declared import DECLARED

pytestmark = pytest.mark.asyncio(loop_scope="session")

PERSON = "990101198001010014"
CHECK = """query Check($who: PersonLookup!, $access: AccessContext!) {
  subject(lookup: {person: $who}, access: $access) { displayName }
}"""
WHO = {
    "who": {"citizenId": PERSON, "name": "测试甲"},
    "access": {"scenario": "S04", "caseNo": "RSKS-2026-0001", "purpose": "公务员录用审查"} | DECLARED,
}


def token(target: Target, client: str, scopes: set[str], person: str | None = None) -> str:
    registered = target.deployment.clients.clients[client].model_copy(update={"scopes": frozenset(scopes)})
    return issue_token(
        target.deployment.keys,
        registered,
        issuer=ISSUER,
        audience=AUDIENCE,
        now=datetime.now(CHINA_TIME),
        operator=None if person else "op-0001",
        subject=SubjectKey.person(person) if person else None,
    )


@pytest.mark.parametrize("scopes", [set(), {"credit:self"}, {"credit:check:not"}])
async def test_a_mandate_is_not_used_with_a_token_for_something_else(target: Target, scopes: set[str]):
    status, body = await target.ask(CHECK, WHO, token(target, "hr-approval", scopes))
    assert status == 403
    assert [error["extensions"]["code"] for error in body["errors"]] == ["SCOPE_MISSING"]


async def test_a_person_reads_nothing_with_a_token_for_something_else(target: Target):
    bare = token(target, "citizen-app", set(), PERSON)
    status, body = await target.ask("{ me { person { displayName } } }", None, bare)
    assert status == 403
    assert [error["extensions"]["code"] for error in body["errors"]] == ["SCOPE_MISSING"]


async def test_nobody_learns_that_an_individual_business_exists(target: Target):
    question = "query($u: String!) { enterprise(uscc: $u) { displayName subjectRef } }"
    answers = [
        await target.ask(question, {"u": code}) for code in ("92990100MA9TE00732", "92990100MA9TE0999R")
    ]
    codes = {error["extensions"]["code"] for _, body in answers for error in body["errors"]}
    assert codes == {"PERSONAL_NOT_PUBLIC"}
    assert answers[0][1]["data"] == answers[1][1]["data"] == {"enterprise": None}
