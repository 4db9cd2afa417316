"""A county with a bank, a person, and somebody to act for either over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from catalogue.identifiers import SubjectKey
from tests.support.bank import presented
from tests.support.county import cast
from tests.support.deployment import PERSON_CLIENT, Stage, county_stage
from tests.support.recording import Question
from tests.support.scenarios import OVERLAY

PERSON, OTHER = "测试甲", "样例乙"
CONSENT = """
fragment C on ConsentResult {
  ... on Consent { id state subjectRef uses artefact signature receipt events { act state by }
    notice { text sha256 } confirmationsNeeded items { recordType fields level } }
  ... on ConsentRefusal { refused: code message }
}
"""
REQUEST = "mutation R($input: ConsentRequestInput!) { requestConsent(input: $input) { ...C } }" + CONSENT
GIVE = "mutation G($input: GiveConsentInput!) { giveConsent(input: $input) { ...C } }" + CONSENT


def act(name: str) -> str:
    return f"mutation A($id: ID!) {{ {name}(id: $id) {{ ...C }} }}" + CONSENT


@dataclass(frozen=True)
class Reply:
    status: int
    body: Any
    questions: tuple[Question, ...]

    @property
    def data(self) -> Any:
        return self.body["data"]

    @property
    def result(self) -> Any:
        """The one root field."""
        (found,) = self.data.values()
        return found

    @property
    def codes(self) -> list[str]:
        return [error["extensions"]["code"] for error in self.body.get("errors", ())]


@dataclass(frozen=True)
class Town:
    """The county's stage, and the parties that consent concerns."""

    stage: Stage
    banks: dict[str, str] = field(default_factory=dict)
    """Clients by the tokens that were made for them."""

    async def ask(self, token: str | None, query: str, variables: Mapping[str, Any] | None = None) -> Reply:
        before = len(self.stage.ledger.questions)
        token = self._for_its_consent(token, variables or {})
        headers = presented(token, *self.stage.deployment.expected_proof) if token else {}
        status, content = await self.post(headers, query, variables)
        return Reply(status, content, tuple(self.stage.ledger.questions[before:]))

    async def post(self, headers: Mapping[str, str], query: str, variables: Any = None) -> tuple[int, Any]:
        """Status and body of an operation sent with these very headers."""
        body = {"query": query, "variables": variables}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.stage.urls['default']}/graphql", json=body, headers=headers) as response,
        ):
            return response.status, await response.json(content_type=None)

    def bank(self, client: str = "sample-bank", consent_id: str = "") -> str:
        """A token for a consent, or else for the one that the operation names, if it names one; see `ask`."""
        token = self.stage.deployment.token(client, consent_id=consent_id)
        self.banks[token] = client
        return token

    def _for_its_consent(self, token: str | None, variables: Mapping[str, Any]) -> str | None:
        contexts = (each for each in variables.values() if isinstance(each, dict))
        named = next((each["consentId"] for each in contexts if each.get("consentId")), None)
        client = self.banks.get(token or "")
        return self.stage.deployment.token(client, consent_id=named) if client and named else token

    def person(self, name: str = PERSON, *, step_up: bool = True) -> str:
        return self.stage.deployment.token(PERSON_CLIENT, person=cast()[name], step_up=step_up)

    def officer(self) -> str:
        return self.stage.deployment.token("hr-approval", "op-0087")

    async def requested(self, about: str = PERSON, **changes: Any) -> Any:
        """A request of the bank."""
        return (await self.ask(self.bank(), REQUEST, {"input": loan(about, **changes)})).result

    async def given(self, about: str = PERSON, **changes: Any) -> Any:
        """A request the person agreed to in full."""
        asked = await self.requested(about, **changes)
        return await self.agreed(asked, about)

    async def agreed(self, asked: Mapping[str, Any], about: str = PERSON, **changes: Any) -> Any:
        """What the person's agreement to a request came to."""
        agreement = {
            "id": asked["id"],
            "confirmations": asked["confirmationsNeeded"],
            "noticeSha256": asked["notice"]["sha256"],
        }
        reply = await self.ask(self.person(about), GIVE, {"input": agreement | changes})
        return reply.result

    async def act(self, name: str, consent: Mapping[str, Any], about: str = PERSON) -> Any:
        reply = await self.ask(self.person(about, step_up=False), act(name), {"id": consent["id"]})
        return reply.result

    async def leaves(self, start: int = 0) -> list[dict[str, Any]]:
        return [leaf.event async for leaf in self.stage.deployment.audit.read(start=start)]


def key(name: str) -> SubjectKey:
    return cast()[name]


def person_lookup(name: str) -> dict[str, Any]:
    return {"person": {"citizenId": key(name).value, "name": name}}


def loan(about: str = PERSON, **changes: Any) -> dict[str, Any]:
    """What a bank asks for before it lends."""
    return {
        "subject": person_lookup(about),
        "scenario": "S17",
        "reason": "LOAN_APPROVAL",
        "purpose": "用于审查本人提交的经营贷款申请，不用于其他用途",
        "caseNo": "LN-2026-000123",
        "validDays": 7,
        "dataLife": {"unit": "DAY", "value": 30},
        "items": [
            {"recordType": "P-FY-01", "fields": ["caseNo", "court", "performance"], "level": "MASKED"},
            {"recordType": "P-SW-01", "fields": [], "level": "BOOLEAN"},
        ],
    } | changes


def access(consent: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """The access context of a read on a consent."""
    given = {
        "consentId": consent["id"],
        "scenario": "S17",
        "caseNo": "LN-2026-000123",
        "purpose": "贷款审查",
    }
    return {name: value for name, value in (given | changes).items() if value is not None}


def about(consent: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """The variables of a read on a consent."""
    return {"who": {"subjectRef": consent["subjectRef"]}, "access": access(consent, **changes)}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with county_stage(tmp_path_factory.mktemp("town"), OVERLAY, "default") as running:
        yield Town(running)
