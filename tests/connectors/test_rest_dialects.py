"""What a manifest can declare of an HTTP service: batches, cursors, signatures, tokens, fair rates."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from base64 import b64encode
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from catalogue.identifiers import SubjectKey
from catalogue.loader import load_catalogue
from connectors.errors import ManifestError, SourceBusy, SourceRubbish, SourceUnavailable
from connectors.parts import Signing
from connectors.protocol import Ask
from connectors.quota import HourlyQuota
from connectors.rest import RestSource
from connectors.rest.quota import Quota
from connectors.rest.signing import Signed, signature
from tests.support.small_catalogue import COMPANY, manifest_of

CATALOGUE = load_catalogue()
KEYS = [SubjectKey.entity(text) for text in (COMPANY, "91350100M000100Y43", "91990100MA9TE0022W")]
A, B, C = KEYS
BODY = {"nsrsbh": "{key}", "page": "{page}"}
RECORD = {
    "keys": {"USCC": {"columns": ["nsrsbh"]}},
    "fields": {"year": {"column": "pdnd", "decode": ["year"]}},
}


@dataclass
class Service:
    """Answers from a function; keeps what it was asked."""

    answer: object = None
    calls: list = field(default_factory=list)
    tokens: list = field(default_factory=list)
    token: dict = field(default_factory=lambda: {"access_token": "t1", "expires_in": 3600})
    url: str = ""
    first: asyncio.Event = field(default_factory=asyncio.Event)

    async def asked(self, request: web.Request) -> web.Response:
        body = await request.json() if request.content_type == "application/json" else await request.post()
        self.calls.append((request, body))
        self.first.set()
        said = self.answer(request, body)
        return said if isinstance(said, web.Response) else web.json_response(said)

    async def granted(self, request: web.Request) -> web.Response:
        self.tokens.append(await request.text())
        return web.json_response(self.token)


@pytest.fixture
async def service():
    made = Service(lambda _request, _body: {"data": []})
    app = web.Application()
    app.router.add_post("/token", made.granted)
    app.router.add_route("*", "/{tail:.*}", made.asked)
    server = TestServer(app)
    await server.start_server()
    made.url = str(server.make_url(""))
    yield made
    await server.close()


@asynccontextmanager
async def source_of(service, rest, now=None, **changes):
    record = RECORD | {"rest": {"path": "/q", "body": BODY, **rest}}
    manifest = manifest_of({"E-SW-01": record}, connector="rest", url=service.url, **changes)
    made = RestSource(manifest, CATALOGUE, service.url, **({"now": now} if now else {}))
    yield made
    await made.close()


def ask(*keys):
    return Ask("E-SW-01", frozenset({"year"}), keys or (A,))


def years(answer, key=A):
    return [row.values["year"] for row in answer.rows[key]]


def row(key, year):
    return {"nsrsbh": key.value, "pdnd": year}


# Batches


async def test_many_keys_travel_in_one_call_and_come_back_by_normalized_key(service):
    service.answer = lambda _r, body: {"data": [row(key, 2020) for key in KEYS if key.value in body["list"]]}
    async with source_of(service, {"body": {"list": "{keys}"}, "batch": {"size": 2}}) as source:
        answer = await source.fetch(ask(*KEYS))
    assert [years(answer, key) for key in KEYS] == [[2020]] * 3
    assert [body["list"] for _, body in service.calls] == [[A.value, B.value], [C.value]]


async def test_keys_inside_a_text_are_joined_and_a_form_is_encoded(service):
    rest = {"body": None, "form": {"codes": "[{keys}]"}, "batch": {"size": 10, "separator": "|"}}
    async with source_of(service, rest) as source:
        await source.fetch(ask(A, B))
    assert [dict(body) for _, body in service.calls] == [{"codes": f"[{A.value}|{B.value}]"}]


async def test_a_batch_cut_by_the_page_limit_is_partial_for_all_its_keys(service):
    service.answer = lambda _r, body: {"data": [row(A, 2000 + int(body["page"]))]}
    rest = {
        "body": {"l": "{keys}", "page": "{page}"}, "batch": {"size": 2}, "pageSize": 1, "maxPages": 2,
    }  # fmt: skip
    async with source_of(service, rest) as source:
        answer = await source.fetch(ask(A, B))
    assert answer.truncated == {A, B}
    assert years(answer) == [2001, 2002]


# Pages


async def test_a_cursor_leads_to_the_last_page(service):
    pages = {"": ([row(A, 2020)], "c2"), "c2": ([row(A, 2021)], "c3"), "c3": ([row(A, 2022)], None)}

    def answer(_request, body):
        rows, following = pages[body["after"]]
        return {"data": rows, "paging": {"next": following} if following else {}}

    service.answer = answer
    rest = {"body": {"k": "{key}", "after": "{cursor}"}, "next": "paging.next"}
    async with source_of(service, rest) as source:
        assert years(await source.fetch(ask())) == [2020, 2021, 2022]


async def test_offsets_and_pages_that_count_from_zero(service):
    rows = [row(A, 2000 + number) for number in range(5)]
    service.answer = lambda _r, body: {"data": rows[int(body["from"]) :][:2]}
    rest = {"body": {"k": "{key}", "from": "{offset}", "p": "{page}"}, "pageSize": 2, "firstPage": 0}
    async with source_of(service, rest) as source:
        assert years(await source.fetch(ask())) == [2000, 2001, 2002, 2003, 2004]
    assert [(body["from"], body["p"]) for _, body in service.calls] == [("0", "0"), ("2", "1"), ("4", "2")]


async def test_a_declared_total_that_is_not_reached_is_no_answer(service):
    rows = [row(A, 2000 + number) for number in range(3)]
    service.answer = lambda _r, body: {"data": rows if body["page"] == "1" else [], "n": "5"}
    async with source_of(service, {"total": "n"}) as source:
        with pytest.raises(SourceRubbish) as short:
            await source.fetch(ask())
        assert short.value.reason == "PAGES"
        service.answer = lambda _r, body: {"data": rows[: 3 if body["page"] == "1" else 2], "n": 5}
        assert len(years(await source.fetch(ask()))) == 5


async def test_a_service_that_does_not_turn_its_pages_is_no_answer(service):
    service.answer = lambda _r, _b: {"data": [row(A, 2020), row(A, 2021)]}
    async with source_of(service, {"pageSize": 2}) as source:
        with pytest.raises(SourceRubbish) as stuck:
            await source.fetch(ask())
    assert stuck.value.reason == "PAGES"


# Paths and statuses


async def test_a_key_in_the_path_cannot_leave_its_step(service):
    async with source_of(service, {"method": "GET", "path": "/c/{key}/r", "body": None}) as source:
        await source.fetch(ask())
        evil = source.readers["E-SW-01"]
        await source._pages(evil, ("../../admin?x=1&y=é",), "", source._admission(object()))
    assert service.calls[0][0].path == f"/c/{A.value}/r"
    assert service.calls[1][0].raw_path == "/c/..%2F..%2Fadmin%3Fx%3D1%26y%3D%C3%A9/r"


async def test_a_404_counts_only_if_the_service_itself_says_that_it_has_nothing(service):
    rest = {"code": "code", "ok": ["0"], "empty": ["NONE"], "statuses": [200, 404]}
    async with source_of(service, rest) as source:
        service.answer = lambda _r, _b: web.json_response({"code": "NONE"}, status=404)
        assert years(await source.fetch(ask())) == []
        service.answer = lambda _r, _b: web.Response(text="<html>not here</html>", status=404)
        with pytest.raises(SourceRubbish):
            await source.fetch(ask())


# Signatures


def test_hmac_signs_method_path_time_nonce_and_body():
    call = Signed("POST", "/q?a=1", b"{}")
    text = f"POST\n/q?a=1\n1713801600\nn1\n{hashlib.sha256(b'{}').hexdigest()}".encode()
    wanted = hmac.new(b"s", text, "sha256").digest()
    for encoding, written in (
        ("HEX", wanted.hex().upper()), ("hex", wanted.hex()), ("base64", b64encode(wanted).decode()),
    ):  # fmt: skip
        signing = Signing(kind="hmac-sha256", app_id="a", secret="s", encoding=encoding)
        assert signature(signing, call, 1713801600.4, lambda: "n1") == {
            "X-App-Id": "a", "X-Timestamp": "1713801600", "X-Nonce": "n1", "X-Signature": written,
        }  # fmt: skip


def test_text_headers_and_clock_are_the_manifests():
    signing = Signing(
        kind="hmac-sm3", app_id="a", secret="s", text="{appId}&{ts}&{body}", clock="milliseconds",
        headers={"Authorization": "SM3 {appId}:{sign}"}, encoding="hex",
    )  # fmt: skip
    signed = signature(signing, Signed("POST", "/", "测".encode()), 1713801600.123)
    # printf 'a&1713801600123&测' | openssl dgst -sm3 -hmac s
    wanted = "021c60654c840330bc6bee1b3b45216b53fbcd036ca02f62c3fb726a8d4a9bad"
    assert signed == {"Authorization": f"SM3 a:{wanted}"}


def test_a_secret_is_never_read_as_a_template():
    signing = Signing(kind="md5", app_id="{secret}", secret="{ts}", headers={"x": "{appId}"})
    assert signature(signing, Signed("GET", "/", b""), 0) == {"x": "{secret}"}


async def test_what_is_signed_is_what_is_sent(service):
    rest = {"method": "GET", "path": "/q", "query": {"名": "{key} &="}, "body": None}
    signing = {"kind": "hmac-sha256", "appId": "a", "secret": "s", "text": "{path}", "encoding": "hex"}
    async with source_of(service, rest, signing=signing) as source:
        await source.fetch(ask())
    request, _ = service.calls[0]
    signed = hmac.new(b"s", request.raw_path.encode(), "sha256").hexdigest()
    assert request.headers["X-Signature"] == signed


async def test_fixed_headers_travel_with_every_call(service):
    async with source_of(service, {}, headers={"X-Api-Key": "k"}) as source:
        await source.fetch(ask())
    assert service.calls[0][0].headers["X-Api-Key"] == "k"


# Tokens

TOKEN = {"path": "/token", "form": {"grant_type": "client_credentials", "client_secret": "s&1"}}


def only(token):
    def answer(request, _body):
        if request.headers.get("Authorization") == f"Bearer {token}":
            return {"data": []}
        return web.Response(status=401)

    return answer


async def test_one_token_serves_all_calls(service):
    service.answer = only("t1")
    async with source_of(service, {}, token=TOKEN) as source:
        await asyncio.gather(source.fetch(ask(A)), source.fetch(ask(B)), source.fetch(ask(C)))
    assert service.tokens == ["grant_type=client_credentials&client_secret=s%261"]


async def test_a_token_is_renewed_before_it_runs_out(service):
    now = [1000.0]
    async with source_of(service, {}, token=TOKEN, now=lambda: now[0]) as source:
        for moment in (1000.0, 4200.0, 4300.0):
            now[0] = moment
            await source.fetch(ask())
    assert len(service.tokens) == 2


async def test_a_refused_token_is_renewed_once_and_the_call_repeated(service):
    async with source_of(service, {}, token=TOKEN) as source:
        await source.fetch(ask())
        service.token = {"access_token": "t2"}
        service.answer = only("t2")
        assert (await source.fetch(ask())).rows == {A: ()}
        service.answer = only("t3")
        with pytest.raises(SourceUnavailable) as refused:
            await source.fetch(ask())
    assert refused.value.reason == "TOKEN_REFUSED"
    assert len(service.tokens) == 3


async def test_a_code_inside_http_200_can_mean_that_the_token_ran_out(service):
    def answer(request, _body):
        good = request.headers["tk"] == "t2"
        return {"code": "0", "data": []} if good else {"code": "E40", "data": None}

    service.answer = answer
    token = {"path": "/token", "body": {"u": "gw"}, "at": "d.k", "header": "tk", "value": "{token}"}
    service.token = {"d": {"k": "t1"}}
    async with source_of(service, {"code": "code", "ok": ["0"], "expired": ["E40"]}, token=token) as source:
        with pytest.raises(SourceUnavailable):
            await source.fetch(ask())
        service.token = {"d": {"k": "t2"}}
        assert (await source.fetch(ask())).rows == {A: ()}
    assert service.tokens[0] == '{"u":"gw"}'


async def test_what_is_no_token_is_not_sent(service):
    service.token = {"access_token": "t\r\nX-Evil: 1"}
    async with source_of(service, {}, token=TOKEN) as source:
        with pytest.raises(SourceUnavailable) as bad:
            await source.fetch(ask())
    assert bad.value.reason == "TOKEN"
    assert service.calls == []


async def test_a_caller_that_goes_away_leaves_the_others_their_token(service):
    service.answer = only("t1")
    async with source_of(service, {}, token=TOKEN) as source:
        leaving = asyncio.create_task(source.fetch(ask(A)))
        staying = asyncio.create_task(source.fetch(ask(B)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        leaving.cancel()
        assert (await staying).rows == {B: ()}
    assert len(service.tokens) == 1


# Rates


async def test_a_question_of_one_key_does_not_wait_behind_all_calls_of_a_large_one(service):
    async with source_of(service, {}, ratePerSecond=20, deadlineMs=10_000) as source:
        many = [SubjectKey(A.kind, f"91990100MA9TE{number:05d}") for number in range(100, 140)]
        large = asyncio.create_task(source.fetch(ask(*many)))
        await service.first.wait()
        small = await source.fetch(ask())
        position = [body["nsrsbh"] for _, body in service.calls].index(A.value)
        assert small.rows == {A: ()}
        assert not large.done()
        assert position < 30
        large.cancel()


async def test_questions_take_turns_and_nobody_s_calls_stand_behind_all_of_another_s():
    quota, until = Quota("tax", 4), asyncio.get_running_loop().time() + 30
    served = []

    async def call(question):
        await quota.wait(question, until)
        served.append(question)

    await asyncio.gather(*(quota.wait("before", until) for _ in range(4)))
    await asyncio.gather(*(call(question) for question in "aabbcc"))
    assert served == list("abcabc")


async def test_who_cannot_be_served_in_time_is_told_at_once_and_takes_no_place(service):
    async with source_of(service, {}, ratePerSecond=1, deadlineMs=500) as source:
        await source.fetch(ask())
        with pytest.raises(SourceBusy) as busy:
            await source.fetch(ask(A, B))
        assert busy.value.reason == "QUOTA"
        assert not source._quota._line
    assert len(service.calls) == 1


async def test_the_hours_calls_are_counted(service):
    async with source_of(service, {}, quotaPerHour=2) as source:
        await source.fetch(ask(A, B))
        with pytest.raises(SourceBusy) as used:
            await source.fetch(ask(C))
    assert used.value.reason == "QUOTA_HOUR"
    assert len(service.calls) == 2


async def test_calls_for_a_token_are_counted_too(service):
    service.answer = only("t1")
    async with source_of(service, {}, token=TOKEN, quotaPerHour=2) as source:
        await source.fetch(ask(A))
        with pytest.raises(SourceBusy):
            await source.fetch(ask(B))
    assert (len(service.tokens), len(service.calls)) == (1, 1)


async def test_no_hour_holds_more_than_its_quota():
    now, taken = [0.0], []
    quota = HourlyQuota("tax", 3, clock=lambda: now[0])
    for second in range(0, 4 * 3600, 30):
        now[0] = float(second)
        try:
            await quota.take()
        except SourceBusy:
            continue
        taken.append(second)
    assert all(later - earlier >= 3600 for earlier, later in zip(taken, taken[3:], strict=False))
    assert len(taken) >= 9


# What a manifest may not say


@pytest.mark.parametrize(
    "rest",
    [
        {"body": {"k": "fixed"}},
        {"batch": {"size": 2}},
        {"body": {"k": "{keys}"}},
        {"form": {"k": "{key}"}},
        {"next": "n"},
        {"expired": ["1"]},
        {"statuses": [200, 404]},
        {"format": "xml", "total": "n"},
    ],
)
async def test_a_call_that_cannot_work_is_refused(service, rest):
    with pytest.raises(ManifestError) as refused:
        async with source_of(service, rest):
            pass
    assert refused.value.code == "MANIFEST_REST"
