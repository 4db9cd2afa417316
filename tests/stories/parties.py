"""Who meets in the stories, each by the interface that is theirs."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import secrets
import time
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jws, jwt
from joserfc.jwk import ECKey, KeySet

from tests.checks.conftest import Checked
from tests.stories.county import APP_CALLBACK, OPERATORS, TODAY, County, browser
from tests.support.bank import BANK_KEY, presented
from tests.support.county import cast
from tests.support.declared import DECLARED
from tests.support.documents import ROOT
from tests.support.oauth import ASSERTION_TYPE, OFFICE_KEY, Party
from tests.support.pages import Seen, Visitor
from tests.support.processes import AUDIENCE, PATIENCE, Reply

DAY: Final = TODAY.isoformat()
OFFICER: Final = "op-0087"
DECIDER: Final = "op-0095"
"""Staff references: who asks, and who answers for what is concluded."""
_NOTICES: Final = "subscription { notices { kind pointer } }"
_ACTS: Final = """
mutation Report($input: OutcomeInput!, $access: AccessContext!) {
  done: reportOutcome(input: $input, access: $access) {
    ... on OutcomeReported { overridden measures { id measureCode state } } ... on OutcomeRefusal { code } } }
mutation Step($input: MeasureStepInput!, $access: AccessContext!) {
  done: advanceMeasure(input: $input, access: $access) {
    ... on TakenMeasure { state } ... on OutcomeRefusal { code } } }
mutation ByHand($input: ManualCheckInput!, $access: AccessContext!) {
  done: recordManualCheck(input: $input, access: $access) {
    ... on ManualCheckRecorded { outstanding } ... on ManualCheckRefusal { code } } }
"""
REPORT, STEP, BY_HAND = (f"mutation{each}" for each in _ACTS.split("mutation")[1:])


@dataclass
class Inbox:
    """A subscription to notices over SSE that stands."""

    response: aiohttp.ClientResponse

    async def next(self, kind: str) -> str | None:
        """The pointer of the next notice, which is of this kind."""
        async with asyncio.timeout(PATIENCE):
            async for line in self.response.content:
                if line.startswith(b"data: {"):
                    told = json.loads(line[6:])["data"]["notices"]
                    assert told["kind"] == kind, told
                    return str(told["pointer"]) if told["pointer"] else None
        raise AssertionError("the stream has ended")


@asynccontextmanager
async def _listening(county: County, token: str, key: ECKey) -> AsyncIterator[Inbox]:
    await county.ask("{ __typename }", token=token, key=key)  # brings a nonce that is fresh
    place, form = f"{county.url}/graphql", {"query": _NOTICES}
    headers = {"Accept": "text/event-stream"} | presented(token, place, county.nonce, key)
    async with county.http.post(place, json=form, headers=headers) as response:
        assert response.status == 200, await response.text()
        assert await response.content.readline() == b":\n"
        yield Inbox(response)


@dataclass
class ApprovalSystem:
    """An authority's system: its key, its scenario's own operation, staff whom the authority vouches for."""

    county: County
    client: str
    scenario: str
    cases: str
    """Pattern of its case numbers."""
    purpose: str
    token: str = ""
    numbers: Any = field(default_factory=lambda: count(1))

    async def log_in(self) -> None:
        """Get a token by client credentials and a signed assertion (RFC 7523)."""
        party = Party(self.county.url, self.county.url, self.client)
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": party.assertion(OFFICE_KEY, operator=OFFICER),
        }
        reply = await self.county.post("/oauth/token", data=form)
        assert reply.status == 200, reply.raw
        self.token = reply.body["access_token"]

    def new_case(self) -> str:
        """The number of a new case."""
        return self.cases.format(next(self.numbers))

    async def check(self, lookup: Mapping[str, Any], case: str | None = None, related: Any = None) -> Checked:
        """The scenario's operation as `examples/scenarios` has it."""
        query = (ROOT / "examples" / "scenarios" / f"{self.scenario}.graphql").read_text("utf-8")
        variables = {"lookup": lookup, **({"relatedPersons": related} if related else {})}
        return Checked(await self._sent(query, case or self.new_case(), **variables))

    async def report(self, checked: Checked, result: str, reasons: str, **more: Any) -> Any:
        """What somebody concluded on a check."""
        said = {"receipt": checked.body["receipt"]["jws"], "result": result, "officer": DECIDER}
        said |= {"concludedOn": DAY, "reasons": reasons} | more
        return await self._done(REPORT, checked, said)

    async def by_hand(self, checked: Checked, code: str) -> Any:
        """What a source did not answer was asked of the department by telephone."""
        said = {"receipt": checked.body["receipt"]["jws"], "recordType": code}
        return await self._done(BY_HAND, checked, said | {"method": "TELEPHONE", "checkedOn": DAY})

    async def step(self, checked: Checked, measure: str, state: str, **more: Any) -> str:
        """The state to which a measure moves, or the code of the refusal."""
        said = {"id": measure, "state": state, "officer": DECIDER, "doneOn": DAY}
        done = await self._done(STEP, checked, said | more)
        return str(done.get("state") or done["code"])

    def listening(self) -> Any:
        """What the system is told from now on."""
        return _listening(self.county, self.token, OFFICE_KEY)

    async def _done(self, query: str, checked: Checked, said: Mapping[str, Any]) -> Any:
        reply = await self._sent(query, checked.body["caseNo"], input=said)
        assert not reply.errors, reply.body
        return reply.data["done"]

    async def _sent(self, query: str, case: str, **variables: Any) -> Reply:
        access = {"scenario": self.scenario, "caseNo": case, "purpose": self.purpose, **DECLARED}
        signed = {"Operator-Assertion": self._vouched()}
        return await self.county.ask(query, variables | {"access": access}, self.token, **signed)

    def _vouched(self) -> str:
        """What the authority's own login signs for one question of one officer (docs/mandates.md)."""
        now = int(time.time())
        claims = {"iss": OPERATORS, "sub": OFFICER, "aud": AUDIENCE, "client_id": self.client}
        claims |= {"iat": now, "exp": now + 60, "jti": secrets.token_urlsafe()}
        return jwt.encode({"alg": "ES256", "typ": "operator+jwt", "kid": OFFICE_KEY.kid}, claims, OFFICE_KEY)


@dataclass
class Person(Visitor):
    """Somebody with a browser that has signed in strongly, and an app on the telephone."""

    name: str = ""
    token: str = ""
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", auto_kid=True))

    @property
    def county(self) -> County:
        """The pages are the county's."""
        return self.site

    async def install(self) -> None:
        """Sign in, and let the app act for oneself: code, PKCE and DPoP (docs/oauth.md)."""
        await self.sign_in(self.name, strong=True, then="/rights")
        verifier = secrets.token_urlsafe(48)
        asked = {"response_type": "code", "client_id": "citizen-app", "redirect_uri": APP_CALLBACK}
        asked |= {"scope": "credit:self", "state": "s", "code_challenge_method": "S256"}
        query = urlencode(asked | {"code_challenge": create_s256_code_challenge(verifier)})
        page = await self.get(f"/oauth/authorize?{query}")
        back = await self.post(page.url, {"csrf": page.csrf, "answer": "give"}, follow=False)
        form = {"grant_type": "authorization_code", "client_id": "citizen-app", "code": code_of(back)}
        form |= {"redirect_uri": APP_CALLBACK, "code_verifier": verifier}
        self.token = str((await bound_token(self.county, "citizen-app", self.key, form))["access_token"])

    def listening(self) -> Any:
        """What the app is told from now on."""
        return _listening(self.county, self.token, self.key)

    async def ask(self, query: str, **variables: Any) -> Any:
        """What the app is answered."""
        reply = await self.county.ask(query, variables, self.token, self.key)
        assert not reply.errors, reply.body
        return reply.data

    async def file(self, kind: str, area: str, record_type: str, **form: str) -> Seen:
        """From a record of one's own to a case: the link beside it, and the button of the form."""
        page = await self.get(f"/records/{area}")
        (link,) = re.findall(rf'href="(/rights/{kind}/{record_type}/[^"]+)"', page.text)
        asked = await self.get(link)
        done = await self.post(link, {"csrf": asked.csrf, **form})
        assert done.status == 200, done.words
        return done

    async def measures(self) -> dict[str, str]:
        """States of what was done about oneself, by code."""
        told = (await self.ask("{ me { measures { measureCode state } } }"))["me"]["measures"]
        return {one["measureCode"]: one["state"] for one in told}


@asynccontextmanager
async def somebody(county: County, name: str) -> AsyncIterator[Person]:
    """A person of the cast, signed in, with the app installed."""
    async with browser(county.pem) as http:
        found = Person(county, http, name=name)
        await found.install()
        yield found


async def bound_token(county: County, client: str, key: ECKey, form: Mapping[str, str]) -> Any:
    """A token bound to the key (RFC 9449), with the nonce that the first answer tells."""
    party = Party(county.url, county.url, client)
    for _ in range(2):
        party.nonce = county.nonce
        signed = {}
        if key is BANK_KEY:
            signed = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": party.assertion(key)}
        headers = {"DPoP": party.proof(key=key)}
        reply = await county.post("/oauth/token", data={**form, **signed}, headers=headers)
        if reply.status == 200:
            return reply.body
    raise AssertionError(reply.raw)


def holds_offline(checked: Checked, published: Any, answer: Checked | None = None) -> bool:
    """Whether the receipt is signed by these keys and was made for the answer (docs/receipts.md)."""
    keys = KeySet.import_key_set(published)
    signed = jws.deserialize_compact(checked.body["receipt"]["jws"], keys, ["ES256"])
    given = (answer or checked).body["receipt"]
    said = urlsafe_b64decode(given["nonce"] + "=") + given["statement"].encode()
    return hashlib.sha256(said).hexdigest() == json.loads(signed.payload)["resultSha256"]


def code_of(back: Seen) -> str:
    """The code with which a browser comes back to a client."""
    (code,) = parse_qs(urlsplit(back.headers["Location"]).query)["code"]
    return code


def lookup(name: str) -> dict[str, Any]:
    """How somebody of the cast is named in a check."""
    subject = cast()[name]
    if subject.kind == "USCC":
        return {"uscc": subject.value}
    return {"person": {"citizenId": subject.value, "name": name}}
