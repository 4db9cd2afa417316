"""A county that is its own authorization server, and somebody to act for a bank, an app and a person."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import pytest
import pytest_asyncio
import yaml
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc.jwk import ECKey

from authz.actors import Actor, ActorKind
from authz.audit import Query
from authz.consent.register import Caller
from authz.consent.states import Act
from catalogue.identifiers import SubjectKey
from catalogue.values import CHINA_TIME
from gateway.oauth.authorizations import PAGE, Authorizations
from tests.support.bank import BANK_KEY, presented
from tests.support.county import cast
from tests.support.deployment import ISSUER, PERSON_CLIENT, Stage, county_stage
from tests.support.oauth import BANK_CALLBACK, OFFICE_KEY, Party, with_grants
from tests.support.processes import Reply
from tests.support.scenarios import OVERLAY

APP, APP_CALLBACK, APP_ORIGIN = PERSON_CLIENT, "https://app.example.cn/callback", "https://app.example.cn"
NATIVE, NATIVE_CALLBACK = "desk-app", "http://127.0.0.1/callback"
APP_KEY: Final = ECKey.generate_key("P-256", auto_kid=True)
VERIFIER: Final = secrets.token_urlsafe(48)
PKCE: Final = {"code_challenge": create_s256_code_challenge(VERIFIER), "code_challenge_method": "S256"}
PERSON, OTHER = "测试甲", "样例乙"
CASE: Final = "LN-OAUTH-1"


def detail(**changes: Any) -> list[dict[str, Any]]:
    """What the bank asks the person to agree to."""
    one = {
        "type": "credit_record_read",
        "scenario": "S17",
        "reason": "LOAN_APPROVAL",
        "purpose": "用于审查本人提交的经营贷款申请",
        "caseNo": CASE,
        "items": [{"recordType": "P-FY-01", "fields": ["caseNo", "court"], "level": "MASKED"}],
        "validDays": 7,
        "dataLife": {"unit": "DAY", "value": 30},
    }
    return [one | changes]


AGAIN: Final = {
    "scenario": "S91",
    "items": [{"recordType": "P-YL-01", "fields": [], "level": "BOOLEAN"}],
    "fetchType": "PERIODIC",
    "frequency": {"unit": "DAY", "value": 3},
    "maxUses": 3,
}
"""What allows several uses, and so a refresh token."""


@dataclass(frozen=True)
class Person:
    """Somebody who has logged in at the pages."""

    subject: SubjectKey
    strong: bool = True
    authenticated_at: int = 0

    @classmethod
    def named(cls, name: str = PERSON, *, strong: bool = True) -> Person:
        return cls(cast()[name], strong, int(time.time()))

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.PERSON, PERSON_CLIENT, subject=self.subject, step_up=self.strong)


@dataclass(frozen=True)
class Office:
    """The authorization server, and the acts of the three who meet there."""

    stage: Stage

    @property
    def url(self) -> str:
        return self.stage.urls["default"]

    @property
    def authorizations(self) -> Authorizations:
        return self.stage.deployment.authorizations

    def bank(self, client_id: str = "sample-bank") -> Party:
        return Party(self.url, ISSUER, client_id, self._nonce)

    @property
    def _nonce(self) -> str:
        return self.stage.deployment.nonces.current(datetime.now(CHINA_TIME))

    async def push(self, proof: str | None = None, **changes: Any) -> Reply:
        """The bank's request; None leaves a parameter out."""
        return await self.bank().post("/oauth/par", proof, **bank_request(**changes))

    async def visit(self, **parameters: Any) -> Reply:
        """The browser at the authorization endpoint, which follows no redirect."""
        kept = {name: value for name, value in parameters.items() if value is not None}
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.url}/oauth/authorize?{urlencode(kept)}", allow_redirects=False) as response,
        ):
            return Reply(response.status, dict(response.headers), await response.read())

    async def handle(self, **changes: Any) -> str:
        """A bank's request that has reached the page."""
        pushed = await self.push(**changes)
        assert pushed.status == 201, pushed.raw
        sent = await self.visit(client_id="sample-bank", request_uri=pushed.body["request_uri"])
        return handle_of(sent)

    async def agreed(self, handle: str, name: str = PERSON) -> str:
        """The person says yes to all of it; the consent."""
        pending = await self.authorizations.pending(handle)
        dialogue, actor = self.stage.deployment.consent_dialogue, Person.named(name).actor
        asked = await dialogue.ask(pending.client.client_id, pending.details, actor, "r")
        given = await dialogue.give(
            actor,
            asked.consent_id,
            ticked={item["recordType"]: item["fields"] for item in pending.details[0]["items"]},
            confirmed=[kind for kind, _ in asked.notice.confirmations],
            notice_sha256=asked.notice.sha256,
            request_id="r",
        )
        return given.consent_id

    async def code(self, name: str = PERSON, **changes: Any) -> str:
        """The bank's code, after the person agreed."""
        handle = await self.handle(**changes)
        consent = await self.agreed(handle, name)
        return answer_of(await self.authorizations.grant(handle, Person.named(name), consent))["code"]

    async def redeem(self, code: str, key: ECKey = BANK_KEY, **changes: str) -> Reply:
        """The bank at the token endpoint."""
        bank = self.bank()
        form = {"grant_type": "authorization_code", "redirect_uri": BANK_CALLBACK, "code_verifier": VERIFIER}
        return await bank.post("/oauth/token", bank.proof(key=key), **(form | {"code": code} | changes))

    async def refresh(self, token: str, **changes: str) -> Reply:
        bank = self.bank()
        return await bank.post(
            "/oauth/token", bank.proof(), grant_type="refresh_token", refresh_token=token, **changes
        )

    async def app_code(self, name: str = PERSON, *, strong: bool = True, **changes: Any) -> str:
        """The code of the person's own app."""
        handle = handle_of(await self.visit(**app_request(**changes)))
        person = Person.named(name, strong=strong)
        return answer_of(await self.authorizations.grant(handle, person, None))["code"]

    async def app_token(self, key: ECKey | None = APP_KEY, origin: str = APP_ORIGIN, **form: str) -> Reply:
        """The app at the token endpoint: no key of its own, but a proof."""
        app = Party(self.url, ISSUER, APP, self._nonce)
        headers = {"Origin": origin} | ({"DPoP": app.proof(key=key)} if key else {})
        return await app.send("/oauth/token", {"client_id": APP} | form, headers)

    async def app_redeem(self, code: str, key: ECKey | None = APP_KEY, **changes: str) -> Reply:
        form = {"grant_type": "authorization_code", "redirect_uri": APP_CALLBACK, "code_verifier": VERIFIER}
        return await self.app_token(key, **(form | {"code": code} | changes))

    async def ask(
        self, token: str, query: str, variables: Any = None, key: ECKey = BANK_KEY, **headers: str
    ) -> Reply:
        """An operation with a bound token."""
        place, nonce = self.stage.deployment.expected_proof
        proved = presented(token, place, nonce, key=key)
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"{self.url}/graphql",
                json={"query": query, "variables": variables},
                headers=proved | headers,
            ) as response,
        ):
            return Reply(response.status, dict(response.headers), await response.read())

    async def read(self, token: str, consent_id: str, name: str = PERSON) -> Reply:
        """The bank reads what was agreed."""
        lookup = {"person": {"citizenId": cast()[name].value, "name": name}}
        access = {
            "consentId": consent_id,
            "scenario": "S17",
            "caseNo": CASE,
            "purpose": "用于审查本人提交的经营贷款申请",
        }
        return await self.ask(token, READ, {"who": lookup, "access": access})

    async def take_back(self, consent_id: str, name: str = PERSON) -> None:
        """The person revokes the consent."""
        caller = Caller(Person.named(name).actor, Query("revoke", "", "r"))
        await self.stage.deployment.consents.change(caller, consent_id, Act.REVOKED)

    async def introspected(self, token: str) -> Any:
        return (await self.bank().post("/oauth/introspect", token=token)).body


READ = """
query Read($who: SubjectLookup!, $access: AccessContext!) {
  subject(lookup: $who, access: $access) { ... on NaturalPerson { judicial {
    judgmentDefaults { state records { caseNo court } } } } }
}
"""


def bank_request(**changes: Any) -> dict[str, str]:
    """What the bank pushes; None leaves a parameter out."""
    whole = {
        "response_type": "code",
        "client_id": "sample-bank",
        "redirect_uri": BANK_CALLBACK,
        "scope": "credit:consent",
        "state": "af0ifjsldkj",
        "authorization_details": json.dumps(detail()),
        **PKCE,
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def app_request(**changes: Any) -> dict[str, Any]:
    """What the app's browser brings; None leaves a parameter out."""
    return {
        "response_type": "code",
        "client_id": APP,
        "redirect_uri": APP_CALLBACK,
        "scope": "credit:self",
        "state": "xyz",
        **PKCE,
        **changes,
    }


def handle_of(sent: Reply) -> str:
    """The handle in a redirect to the page."""
    assert sent.status == 303, sent.raw
    return sent.headers["Location"].removeprefix(PAGE)


def answer_of(url: str) -> Mapping[str, str]:
    """The parameters of an authorization response."""
    return {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    async with county_stage(tmp_path_factory.mktemp("office"), OVERLAY, "default", change=embedded) as stage:
        yield Office(stage)


def embedded(config: Path) -> None:
    """The deployment's own authorization server, with a bank, an app and an installed app."""
    settings = yaml.safe_load(config.read_text("utf-8"))
    del settings["jwks"]
    config.write_text(yaml.safe_dump(settings | {"issuer_mode": "embedded"}), "utf-8")
    sample = config.parent / "catalogue" / "scenarios" / "S91.yaml"
    often = {"consent": {"validity": "P30D", "dataLife": "P90D", "maxUses": 12}}
    sample.write_text(yaml.safe_dump(yaml.safe_load(sample.read_text("utf-8")) | often, allow_unicode=True))
    register = config.with_name("clients.yaml")
    clients = with_grants(yaml.safe_load(register.read_text("utf-8")))
    app = next(one for one in clients if one["clientId"] == APP)
    app |= {"grantTypes": ["authorization_code"], "redirectUris": [APP_CALLBACK], "origins": [APP_ORIGIN]}
    native = app | {"clientId": NATIVE, "native": True, "redirectUris": [NATIVE_CALLBACK], "origins": []}
    second = next(one for one in clients if one["clientId"] == "sample-bank") | {
        "clientId": "other-bank-2",
        "jwks": {"keys": [dict(OFFICE_KEY.as_dict(private=False))]},
    }
    register.write_text(yaml.safe_dump([*clients, native, second], allow_unicode=True), "utf-8")
