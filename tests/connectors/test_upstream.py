"""Graphs as sources: what another gateway or a subgraph says, and how this one proves itself there."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import ECKey

from catalogue.identifiers import KeyKind, SubjectKey
from catalogue.loader import load_catalogue
from catalogue.values import PartialDate
from connectors.errors import (
    ManifestError,
    SectionState,
    SourceBusy,
    SourceDenied,
    SourceDrift,
    SourceRubbish,
    SourceTimeout,
    SourceUnavailable,
)
from connectors.protocol import Ask, Case, Reject, Source
from connectors.upstream import UpstreamSource
from tests.support.small_catalogue import COMPANY, PERSON, manifest_of

CATALOGUE = load_catalogue()
WHO, FIRM = SubjectKey.person(PERSON), SubjectKey.entity(COMPANY)
ACCESS = {"scenario": "S04", "caseNo": "RSKS-2026-0001", "purpose": "录用审查"}
CASE = Case(ACCESS, {WHO: "测试甲"}, "op-0007")
PRACTICE = {
    "graphql": {},
    "keys": {"CITIZEN_ID": {"columns": ["subject"]}},
    "identity": ["recordId"],
    "fields": {
        "registrationNo": {"column": "registrationNo"},
        "behaviourCodes": {"column": "behaviourCodes", "decode": [{"split": ";"}]},
        "determinedOn": {"column": "determinedOn", "decode": ["date"]},
    },
}
LABOUR = {
    "graphql": {},
    "keys": {"USCC": {"columns": ["subject"]}},
    "fields": {"grade": {"column": "grade"}, "listedOn": {"column": "listedOn", "decode": ["date"]}},
}
ARREARS = {
    "graphql": {"entity": "Taxpayer", "key": "code", "rows": "debts.open"},
    "keys": {"USCC": {"columns": ["subject"]}},
    "fields": {"arrears": {"column": "amount.value", "decode": ["money"]}},
    "controls": {"publishedOn": {"column": "on", "decode": ["date"]}},
}
FIELDS = frozenset({"registrationNo", "determinedOn"})
KEY = ECKey.generate_key("P-256", auto_kid=True)


def token_hash(token):
    """`ath` of RFC 9449."""
    return urlsafe_b64encode(sha256(token.encode()).digest()).rstrip(b"=").decode()


@dataclass
class Graph:
    """A graph over HTTP that says what it is told to say, behind an authorization server of its own."""

    said: object = None
    status: int = 200
    asked: list = field(default_factory=list)
    granted: list = field(default_factory=list)
    nonce: str = "n1"
    token: str = "t1"
    proven: bool = False
    url: str = ""

    async def graph(self, request: web.Request) -> web.Response:
        content = await request.json()
        self.asked.append({**content, "headers": request.headers})
        if self.proven and (refusal := self._unproven(request)):
            return refusal
        if isinstance(self.said, bytes):
            return web.Response(body=self.said, status=self.status)
        return web.json_response(self.said, status=self.status)

    def _unproven(self, request: web.Request) -> web.Response | None:
        challenge = {"DPoP-Nonce": self.nonce}
        claims = self._claims(request)
        if claims.get("nonce") != self.nonce:
            told = challenge | {"WWW-Authenticate": 'DPoP error="use_dpop_nonce"'}
            return web.json_response({"errors": []}, status=401, headers=told)
        right = request.headers["Authorization"] == f"DPoP {self.token}"
        if not right or claims["ath"] != token_hash(self.token):
            told = challenge | {"WWW-Authenticate": 'DPoP error="invalid_token"'}
            return web.json_response({"errors": []}, status=401, headers=told)
        assert claims["htu"] == f"{self.url}/graphql"
        return None

    def _claims(self, request: web.Request) -> dict:
        proof = jwt.decode(request.headers["DPoP"], KEY)
        assert proof.header["typ"] == "dpop+jwt"
        assert set(proof.header["jwk"]) == {"kty", "crv", "x", "y"}
        assert abs(proof.claims["iat"] - time.time()) < 60
        return proof.claims

    async def metadata(self, _request: web.Request) -> web.Response:
        return web.json_response({"issuer": self.url, "token_endpoint": f"{self.url}/oauth/token"})

    async def grant(self, request: web.Request) -> web.Response:
        form = {name: values[0] for name, values in parse_qs(await request.text()).items()}
        assertion = jwt.decode(form["client_assertion"], KEY)
        self.granted.append(assertion.claims | {"scope": form["scope"], "kid": assertion.header["kid"]})
        if self._claims(request).get("nonce") != self.nonce:
            return web.json_response(
                {"error": "use_dpop_nonce"}, status=400, headers={"DPoP-Nonce": self.nonce}
            )
        return web.json_response({"access_token": self.token, "token_type": "DPoP", "expires_in": 600})


@pytest.fixture
async def graph():
    made = Graph()
    app = web.Application()
    app.router.add_post("/graphql", made.graph)
    app.router.add_get("/.well-known/oauth-authorization-server", made.metadata)
    app.router.add_post("/oauth/token", made.grant)
    server = TestServer(app)
    await server.start_server()
    made.url = str(server.make_url("")).rstrip("/")
    yield made
    await server.close()


@pytest.fixture
async def opened(graph, tmp_path):
    made = []
    (tmp_path / "key.jwk").write_text(json.dumps(KEY.as_dict(private=True)))

    def build(records=None, **changes):
        records = records or {"P-ZJ-01": PRACTICE, "E-RS-01": LABOUR, "E-SW-02": ARREARS}
        manifest = manifest_of(records, **{"connector": "graphql", "url": f"{graph.url}/graphql", **changes})
        made.append(UpstreamSource(manifest, CATALOGUE, tmp_path))
        return made[-1]

    yield build
    for source in made:
        await source.close()


def ask(key=WHO, code="P-ZJ-01", fields=FIELDS, case=CASE, trace=""):
    return Ask(code, fields, (key,), trace, case)


def section(state="OK", records=(), **more):
    domain = CATALOGUE.domains["QUALIFICATION"].field
    answer = {"state": state, "records": records if records is None else list(records)}
    return {"data": {"subject": {domain: {"constructionPractitioners": answer}}}, **more}


def practice(number="测1", **more):
    return {"recordId": f"r-{number}", "registrationNo": number, "determinedOn": "2024-03", **more}


# Another gateway


async def test_the_case_travels_as_variables_and_the_records_come_back(graph, opened):
    graph.said = section(records=[practice(), practice("测2", determinedOn=None)])
    answer = await opened().fetch(ask(trace="req-1\r\n2"))
    assert [row.values for row in answer.rows[WHO]] == [
        {"registrationNo": "测1", "determinedOn": PartialDate.of(2024, 3)},
        {"registrationNo": "测2", "determinedOn": None},
    ]
    assert answer.rows[WHO][0].identity == "r-测1"
    (question,) = graph.asked
    assert question["variables"] == {
        "lookup": {"person": {"citizenId": PERSON, "name": "测试甲"}},
        "access": ACCESS,
    }
    assert "... on NaturalPerson {" in question["query"]
    assert "records { recordId determinedOn registrationNo }" in question["query"]
    assert PERSON not in question["query"]
    assert question["headers"]["X-Request-Id"] == "req-12"


async def test_nothing_there_is_an_answer(graph, opened):
    graph.said = section()
    assert (await opened().fetch(ask())).rows == {WHO: ()}


async def test_lists_and_money_keep_their_values(graph, opened):
    graph.said = section(records=[practice(behaviourCodes=["甲", "乙"])])
    answer = await opened().fetch(ask(fields=frozenset({"behaviourCodes"})))
    assert answer.rows[WHO][0].values == {"behaviourCodes": ("甲", "乙")}


async def test_without_a_case_only_what_anyone_may_read_is_asked(graph, opened):
    source = opened()
    domain = CATALOGUE.domains[CATALOGUE.record_types["E-RS-01"].domain].field
    name = CATALOGUE.record_types["E-RS-01"].section
    graph.said = {"data": {"subject": {domain: {name: {"state": "OK", "records": [{"grade": "A"}]}}}}}
    public = ask(FIRM, "E-RS-01", frozenset({"grade"}), Case(None, {}))
    answer = await source.fetch(public)
    assert answer.rows[FIRM][0].values == {"grade": "A"}
    assert graph.asked[0]["variables"] == {"uscc": COMPANY}
    for case in (None, Case(None, {})):
        with pytest.raises(SourceDenied) as refused:
            await source.fetch(ask(case=case))
        assert refused.value.reason == "NO_CASE"
        assert refused.value.state is SectionState.DENIED
    assert len(graph.asked) == 1


@pytest.mark.parametrize(
    ("said", "status", "error", "reason"),
    [
        (section("TIMEOUT", None), 200, SourceTimeout, "UPSTREAM_TIMEOUT"),
        (section("BUSY", None), 200, SourceBusy, "UPSTREAM_BUSY"),
        (section("UNAVAILABLE", None), 200, SourceUnavailable, "UPSTREAM_UNAVAILABLE"),
        (section("NOT_CONNECTED", None), 200, SourceUnavailable, "UPSTREAM_NOT_CONNECTED"),
        (section("DENIED", None), 200, SourceDenied, "UPSTREAM_DENIED"),
        (section("OK", None), 200, SourceRubbish, "SHAPE"),
        (section("SOMETHING", []), 200, SourceRubbish, "SHAPE"),
        (section("OK", [1]), 200, SourceRubbish, "SHAPE"),
        ({"data": {"subject": {}}}, 200, SourceRubbish, "SHAPE"),
        ("SUBJECT_NOT_CONFIRMED", 200, SourceUnavailable, "UPSTREAM_NOT_CONFIRMED"),
        ("SCENARIO_NOT_MANDATED", 403, SourceDenied, "UPSTREAM_DENIED"),
        ("CASE_NUMBER_INVALID", 200, SourceDenied, "UPSTREAM_DENIED"),
        ("GRAPHQL_VALIDATION", 400, SourceDrift, "UPSTREAM_SCHEMA"),
        ("AUDIT_UNAVAILABLE", 503, SourceUnavailable, "UPSTREAM_UNAVAILABLE"),
        ("INTERNAL", 500, SourceUnavailable, "UPSTREAM_UNAVAILABLE"),
        ("NOT_FOUND", 404, SourceDrift, "HTTP_NOT_FOUND"),
        ("DOCUMENT_BUDGET", 429, SourceBusy, "HTTP_BUSY"),
        ("TOKEN_EXPIRED", 401, SourceUnavailable, "HTTP_REFUSED"),
        (b"<html>", 200, SourceRubbish, "UNREADABLE"),
        (b"<html>", 502, SourceUnavailable, "HTTP_SERVER_ERROR"),
        (b"[]", 200, SourceRubbish, "SHAPE"),
        ({"data": None}, 200, SourceUnavailable, "UPSTREAM_UNAVAILABLE"),
        ({"data": [1]}, 200, SourceRubbish, "SHAPE"),
        ({"errors": 1}, 200, SourceUnavailable, "UPSTREAM_UNAVAILABLE"),
        ({"errors": {"code": 1}}, 200, SourceUnavailable, "UPSTREAM_UNAVAILABLE"),
        ({"errors": [{"extensions": [PERSON]}]}, 200, SourceUnavailable, "UPSTREAM_UNAVAILABLE"),
        (b'{"data": {"subject": NaN}}', 200, SourceRubbish, "UNREADABLE"),
    ],
)
async def test_their_states_and_errors_are_never_cleaner_here(graph, opened, said, status, error, reason):
    if isinstance(said, str):
        said = {"data": {"subject": None}, "errors": [{"message": PERSON, "extensions": {"code": said}}]}
    graph.said, graph.status = said, status
    with pytest.raises(error) as raised:
        await opened().fetch(ask())
    assert (type(raised.value), raised.value.reason) == (error, reason)
    assert PERSON not in str(raised.value)


async def test_what_they_keep_back_makes_the_section_partial(graph, opened):
    domain = CATALOGUE.domains["QUALIFICATION"].field
    path = f"subject.{domain}.constructionPractitioners.records.registrationNo"
    denied = {"authorization": {"denied": [path, "subject.other"], "masked": []}}
    graph.said = section("PARTIAL", [practice(registrationNo=None)], extensions=denied)
    answer = await opened().fetch(ask())
    assert answer.rejects == {WHO: (Reject("UPSTREAM_PARTIAL"), Reject("UPSTREAM_DENIED", "registrationNo"))}


@pytest.mark.parametrize(
    "extensions", [None, [], {"authorization": None}, {"authorization": {"denied": None}}]
)
async def test_extensions_that_say_nothing_keep_nothing_back(graph, opened, extensions):
    graph.said = section("OK", [practice()], extensions=extensions)
    answer = await opened().fetch(ask())
    assert (len(answer.rows[WHO]), answer.rejects) == (1, {})


async def test_what_they_keep_back_in_other_words_is_kept_back_too(graph, opened):
    graph.said = section("OK", [practice()], extensions={"authorization": {"denied": {"all": True}}})
    assert (await opened().fetch(ask())).rejects == {WHO: (Reject("UPSTREAM_DENIED"),)}


async def test_a_field_that_they_lost_makes_the_section_partial(graph, opened):
    lost = [{"message": PERSON, "path": ["subject"], "extensions": {"code": "INTERNAL"}}]
    graph.said = section("OK", [practice(determinedOn=None)], errors=lost)
    assert (await opened().fetch(ask())).rejects == {WHO: (Reject("UPSTREAM_PARTIAL"),)}


# A federated subgraph


async def test_entities_of_a_subgraph_are_asked_by_their_key_together(graph, opened):
    other = SubjectKey.entity("91350100M000100Y43")
    open_debts = {"open": [{"amount": {"value": 12.5}, "on": "2024-03-05"}]}
    graph.said = {"data": {"_entities": [{"code": FIRM.value, "debts": open_debts}, None]}}
    question = Ask("E-SW-02", frozenset({"arrears"}), (FIRM, other))
    answer = await opened().fetch(question)
    assert [row.values for row in answer.rows[FIRM]] == [{"arrears": Decimal("12.5")}]
    assert answer.rows[other] == ()
    assert graph.asked[0]["variables"] == {
        "representations": [{"__typename": "Taxpayer", "code": key.value} for key in (FIRM, other)]
    }
    assert "... on Taxpayer { code debts { open { on amount { value } } } }" in graph.asked[0]["query"]


async def test_entities_travel_a_hundred_at_a_time_with_the_manifest_s_headers(graph, opened):
    firms = tuple(SubjectKey(KeyKind.USCC, f"91350100M00010{number:04}") for number in range(200))
    graph.said = {"data": {"_entities": [None] * 100}}
    source = opened(headers={"X-Api-Key": "k"})
    answer = await source.fetch(Ask("E-SW-02", frozenset({"arrears"}), firms))
    assert answer.rows == dict.fromkeys(firms, ())
    sent = [[one["code"] for one in asked["variables"]["representations"]] for asked in graph.asked]
    assert sent == [[key.value for key in firms[:100]], [key.value for key in firms[100:]]]
    assert {asked["headers"]["X-Api-Key"] for asked in graph.asked} == {"k"}


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"data": {"_entities": [None]}, "errors": [{"message": "x"}]}, SourceUnavailable),
        ({"data": {"_entities": []}}, SourceRubbish),
        ({"data": {"_entities": [{"code": FIRM.value, "debts": {}}]}}, SourceRubbish),
        ({"data": {"_entities": [{"code": FIRM.value, "debts": {"open": [1]}}]}}, SourceRubbish),
        ({"data": {"_entities": [{"code": PERSON, "debts": {"open": []}}]}}, SourceRubbish),
        ({"data": {"_entities": [{"debts": {"open": []}}]}}, SourceRubbish),
        ({"data": {"_entities": [1]}}, SourceRubbish),
        ({"data": {}}, SourceRubbish),
    ],
)
async def test_a_subgraph_that_lost_something_is_not_clean(graph, opened, said, error):
    graph.said = said
    with pytest.raises(error):
        await opened().fetch(Ask("E-SW-02", frozenset({"arrears"}), (FIRM,)))


# Credentials

CLIENT = {"id": "county-gateway", "key": "key.jwk", "operator": "gw-0001"}


async def test_the_client_proves_itself_with_its_key_at_every_step(graph, opened):
    graph.said, graph.proven = section(), True
    source = opened(client=CLIENT)
    await source.fetch(ask())
    await source.fetch(ask())
    first, second = graph.granted
    assert first["jti"] != second["jti"]
    assert (first["iss"], first["sub"], first["aud"]) == ("county-gateway", "county-gateway", graph.url)
    assert (first["operator"], first["scope"], first["kid"]) == ("op-0007", "credit:check", KEY.kid)
    assert first["exp"] - first["iat"] == 60
    proofs = [sha256(each["headers"]["DPoP"].encode()).digest() for each in graph.asked]
    assert len(set(proofs)) == len(proofs)


async def test_a_new_nonce_and_a_lost_token_cost_one_more_request_each(graph, opened):
    graph.said, graph.proven = section(), True
    source = opened(client=CLIENT)
    await source.fetch(ask())
    graph.nonce = "n2"
    await source.fetch(ask())
    graph.token = "t2"
    await source.fetch(ask())
    assert len(graph.granted) == 3
    assert graph.asked[-1]["headers"]["Authorization"] == "DPoP t2"


async def test_refused_for_good_is_unavailable(graph, opened):
    graph.said, graph.proven = section(), True
    source = opened(client=CLIENT | {"issuer": f"{graph.url}/other"})
    with pytest.raises(SourceUnavailable) as refused:
        await source.fetch(ask())
    assert refused.value.reason == "TOKEN"
    (finding,) = await source.check()
    assert (finding.level, finding.code) == ("error", "SOURCE_UNAVAILABLE")


# The source itself


async def test_it_is_a_source(graph, opened):
    source = opened(quotaPerHour=1)
    assert isinstance(source, Source)
    assert source.key_kinds("P-ZJ-01") == {KeyKind.CITIZEN_ID}
    assert "registrationNo" in source.explain("P-ZJ-01", FIELDS)
    assert "_entities" in source.explain("E-SW-02", frozenset({"arrears"}))
    graph.said = {"data": {"__typename": "Query"}}
    await source.ping()
    assert await source.check() == []
    with pytest.raises(SourceDrift):
        await source.fetch(ask(FIRM))
    graph.said = section()
    await source.fetch(ask())
    with pytest.raises(SourceBusy):
        await source.fetch(ask())


@pytest.mark.parametrize(
    ("records", "changes", "code"),
    [
        (None, {"url": "ftp://x/"}, "MANIFEST_URL"),
        (None, {"client": {"id": "a", "key": "none.jwk"}}, "MANIFEST_KEY_FILE"),
        (PRACTICE | {"keys": {"CITIZEN_ID": {"columns": ["id"]}}}, {}, "MANIFEST_GRAPHQL"),
        (PRACTICE | {"graphql": {"entity": "Person"}}, {}, "MANIFEST_GRAPHQL"),
        (PRACTICE | {"fields": {"registrationNo": {"column": "a(b:1)"}}}, {}, "MANIFEST_GRAPHQL"),
        (PRACTICE | {"where": [{"column": "a", "op": "is null"}]}, {}, "MANIFEST_CONNECTOR"),
        (PRACTICE | {"graphql": None, "table": "t"}, {}, "MANIFEST_CONNECTOR"),
    ],
)
async def test_a_manifest_that_cannot_work_is_refused(opened, records, changes, code):
    with pytest.raises(ManifestError) as refused:
        opened({"P-ZJ-01": records} if records else None, **changes)
    assert refused.value.code == code


async def test_each_officer_has_a_token_of_their_own(graph, opened):
    graph.said, graph.proven = section(), True
    source = opened(client=CLIENT)
    other = Case(ACCESS, {WHO: "测试甲"}, "op-0008")
    for case in (CASE, other, CASE, other):
        await source.fetch(ask(case=case))
    await source.ping()
    assert {claims["operator"] for claims in graph.granted} == {"op-0007", "op-0008", "gw-0001"}
