"""A bank that asks a person of the county for consent and reads on it, beside the pages."""

from __future__ import annotations

from typing import Any

from tests.consent.conftest import GIVE, REQUEST, access, loan
from tests.support.bank import presented
from tests.support.county import cast
from tests.support.pages import Site
from tests.support.processes import Reply, ask

PERSON = "测试甲"
READ = """
query Loan($who: SubjectLookup!, $access: AccessContext!) {
  subject(lookup: $who, access: $access) { ... on NaturalPerson {
    judicial { judgmentDefaults { state records { caseNo court performance } } }
    tax { taxViolations { state present } } } }
}
"""


async def sent(site: Site, token: str, query: str, variables: Any) -> Reply:
    """An operation of a party at `/graphql`, with a proof where its token is bound."""
    place, nonce = site.deployment.expected_proof
    return await ask(site.url, query, variables, None, **presented(token, place, nonce))


async def as_party(site: Site, token: str, query: str, variables: Any) -> Any:
    reply = await sent(site, token, query, variables)
    assert not reply.errors, reply.body
    return reply.data


async def requested(site: Site, about: str = PERSON, **changes: Any) -> Any:
    """The bank's request, through the graph."""
    bank = site.deployment.token("sample-bank")
    variables = {"input": loan(about, **changes)}
    return (await as_party(site, bank, REQUEST, variables))["requestConsent"]


async def given(site: Site, about: str = PERSON) -> Any:
    """A request that the person agreed to in full, in another application than the pages."""
    person = site.deployment.token("citizen-app", person=cast()[about], step_up=True)
    asked = await requested(site, about)
    agreement = {
        "id": asked["id"],
        "confirmations": asked["confirmationsNeeded"],
        "noticeSha256": asked["notice"]["sha256"],
    }
    await as_party(site, person, GIVE, {"input": agreement})
    return asked


async def bank_reads(site: Site, consent: Any) -> Reply:
    """The bank reads on a consent."""
    bank = site.deployment.token("sample-bank", consent_id=consent["id"])
    who = {"subjectRef": consent["subjectRef"]}
    return await sent(site, bank, READ, {"who": who, "access": access(consent)})


async def read_by_bank(site: Site, about: str = PERSON) -> None:
    """A bank asks, the person agrees, the bank reads once."""
    reply = await bank_reads(site, await given(site, about))
    assert not reply.errors, reply.body
