"""Signing in: what the provider must say, and what a stolen or forged piece of it is worth."""

import asyncio
import sqlite3
import time
from base64 import urlsafe_b64encode
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
import structlog
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from authz.references import References
from authz.sessions import Login, Sessions
from authz.store import Store
from gateway.app import create_app
from gateway.settings import Provider
from gateway.web.provider import Attempt, IdentityProvider
from gateway.web.security import FORM, PageRefused
from tests.support.authz_parties import demo_keys, person
from tests.support.county import cast
from tests.support.deployment import without_lifespan
from tests.support.http import served
from tests.support.pages import COOKIE, pages_stage, visitor
from tests.support.processes import eventually, free_port

pytestmark = pytest.mark.asyncio(loop_scope="session")
PERSON, OTHER = "测试甲", "样例乙"


async def test_a_person_signs_in_and_out(someone):
    page = await someone.get("/records")
    assert "/authorize?" in page.url
    page = await someone.sign_in(PERSON)
    assert (page.status, page.url) == (200, someone.site.url + "/records")
    left = await someone.post("/logout", {"csrf": page.csrf})
    assert left.url == someone.site.url + "/"
    assert "/authorize?" in (await someone.get("/records")).url


async def begun(url, cookie, length, body):
    """A form to a page that stops after its beginning; both ends of the connection."""
    reader, writer = await asyncio.open_connection(*url.removeprefix("http://").split(":"))
    head = f"POST /logout HTTP/1.1\r\nHost: x\r\nCookie: {COOKIE}={cookie}\r\nContent-Type: {FORM}\r\n"
    writer.write(f"{head}{length}\r\n\r\n{body}".encode())
    await writer.drain()
    return reader, writer


@pytest.mark.parametrize(
    ("settings", "length", "body", "status"),
    [
        ({"deadlines": {"operation_ms": 50}}, "Content-Length: 50", "c", 408),
        ({"limits": {"body_bytes": 4}}, "Transfer-Encoding: chunked", "5\r\ncsrf=\r\n", 413),
    ],
)
async def test_a_form_is_bounded_in_time_and_size(someone, settings, length, body, status):
    await someone.sign_in(PERSON)
    strict = someone.site.deployment.with_settings(**settings)
    async with served(without_lifespan(create_app(strict))) as url:
        reader, writer = await begun(url, someone.cookie, length, body)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert answer.startswith(f"http/1.1 {status}".encode())
        assert b"content-type: text/html" in answer
        assert b"connection: close" in answer
        writer.close()
        await writer.wait_closed()


async def test_a_browser_that_goes_while_it_sends_a_form_is_no_fault(someone):
    await someone.sign_in(PERSON)
    with structlog.testing.capture_logs() as lines:
        _, writer = await begun(someone.site.url, someone.cookie, "Content-Length: 50", "c")
        writer.close()
        await writer.wait_closed()

        async def over():
            return [line for line in lines if line["event"] == "request"]

        (request,) = await eventually(over)
    assert request["status"] == 499
    assert "unexpected fault" not in {line["event"] for line in lines}


async def test_the_request_to_the_provider_has_every_guard(someone):
    sent = await someone.get("/login?next=/looked", follow=False)
    query = parse_qs(urlsplit(sent.headers["Location"]).query)
    assert query["code_challenge_method"] == ["S256"]
    assert all(len(query[name][0]) >= 32 for name in ("state", "nonce", "code_challenge"))
    assert not {"acr_values", "prompt"} & query.keys()
    strong = await someone.get("/login?strong=1", follow=False)
    query = parse_qs(urlsplit(strong.headers["Location"]).query)
    assert (query["acr_values"], query["prompt"], query["max_age"]) == (["phr phrh"], ["login"], ["600"])


async def test_the_cookie_is_for_this_host_and_no_script(someone):
    answer = await someone.get("/login", follow=False)
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


async def test_a_login_gets_a_session_of_its_own(someone, another):
    await someone.get("/login", follow=False)
    before = someone.cookie
    await someone.sign_in(PERSON)
    assert someone.cookie != before
    another.take_cookie(before)
    assert "/authorize?" in (await another.get("/records")).url


async def test_a_callback_counts_once_and_for_its_browser_only(someone, another):
    back = (await someone.choose(PERSON)).headers["Location"]
    await another.choose(OTHER)
    assert (await another.get(back)).status == 400  # login CSRF: another browser's state
    assert (await someone.get(back)).status == 200
    assert (await someone.get(back)).status == 400


@pytest.mark.parametrize(
    "change", [{"state": "x" * 43}, {"state": ""}, {"code": ""}, {"error": "access_denied"}]
)
async def test_a_callback_that_was_tampered_with_signs_nobody_in(someone, change):
    back = urlsplit((await someone.choose(PERSON)).headers["Location"])
    query = {name: values[0] for name, values in parse_qs(back.query).items()} | change
    pairs = "&".join(f"{name}={value}" for name, value in query.items())
    assert (await someone.get(f"/login/callback?{pairs}")).status in (400, 403)
    assert "/authorize?" in (await someone.get("/records")).url


@pytest.mark.parametrize(
    ("lie", "status"),
    [
        ({"nonce": "another"}, 403),
        ({"nonce": None}, 403),
        ({"iss": "https://elsewhere.example"}, 403),
        ({"aud": "another-client"}, 403),
        ({"aud": ["credit-gateway-demo", "another"], "azp": "another"}, 403),
        ({"exp": 1}, 403),
        ({"iat": int(time.time()) + 3_600}, 403),
        ({"citizen_id": "990101198001010015"}, 403),
        ({"citizen_id": None}, 403),
        ({"citizen_id": "91990100MA9TE0209U"}, 403),
        ({"iat": None}, 403),
    ],
)
async def test_an_id_token_that_does_not_hold_signs_nobody_in(someone, lie, status):
    someone.site.provider.lies = lie
    try:
        page = await someone.sign_in(PERSON)
    finally:
        someone.site.provider.lies = {}
    assert page.status == status
    assert "990101198001010014" not in page.text
    assert "/authorize?" in (await someone.get("/records")).url


@pytest.mark.parametrize("kind", ["none", "HS256", "another key"])
async def test_an_id_token_with_a_wrong_signature_signs_nobody_in(someone, monkeypatch, kind):
    def forged(claims):
        if kind == "none":
            parts = (orjson.dumps(part) for part in ({"alg": "none"}, claims))
            return ".".join([*(urlsafe_b64encode(part).decode().rstrip("=") for part in parts), ""])
        if kind == "HS256":
            return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key("x" * 32))
        return jwt.encode({"alg": "ES256"}, claims, ECKey.generate_key("P-256"))

    monkeypatch.setattr(someone.site.provider, "id_token", forged)
    assert (await someone.sign_in(PERSON)).status == 403
    assert "/authorize?" in (await someone.get("/records")).url


@pytest.mark.parametrize("lie", [{"acr": "pwd"}, {"acr": None}, {"auth_time": int(time.time()) - 3_600}])
async def test_a_step_up_that_is_none_is_refused(someone, lie):
    await someone.sign_in(PERSON)
    someone.site.provider.lies = lie
    try:
        page = await someone.sign_in(PERSON, strong=True)
    finally:
        someone.site.provider.lies = {}
    assert page.status == 403
    assert "9****************4" in (await someone.get("/records/judicial")).text


async def test_a_step_up_by_another_person_ends_the_session(someone):
    await someone.sign_in(PERSON)
    assert (await someone.sign_in(OTHER, strong=True)).status == 403
    assert "/authorize?" in (await someone.get("/records")).url


@pytest.mark.parametrize("cookie", ["", "x", "a" * 43, "hm_aaaa", "é", "'; drop table web_session"])
async def test_a_forged_cookie_is_nobody(someone, cookie):
    page = await someone.get("/records", follow=False, Cookie=f"{COOKIE}={cookie}")
    assert (page.status, page.headers["Location"]) == (303, "/login?next=%2Frecords")


@pytest.mark.parametrize(
    "target",
    [
        "https://elsewhere.example/",
        "//elsewhere.example/",
        "/\\elsewhere.example",
        "/%0d%0aSet-Cookie:x=1",
        "javascript:alert(1)",
        "elsewhere",
        "/\telsewhere",
    ],
)
async def test_nobody_is_led_elsewhere(someone, target):
    page = await someone.get(f"/language?to=en&next={target}", follow=False)
    assert page.headers["Location"].startswith("/")
    assert not page.headers["Location"].startswith(("//", "/\\"))
    assert "elsewhere" not in urlsplit(page.headers["Location"]).netloc
    back = await someone.choose(PERSON, then=target)
    landed = await someone.get(back.headers["Location"], follow=False)
    assert not urlsplit(landed.headers["Location"]).netloc


async def test_nothing_of_the_person_is_in_cookie_store_or_address(someone):
    page = await someone.sign_in(PERSON, strong=True)
    number, name = cast()[PERSON].value, PERSON
    assert number not in page.url
    assert number not in someone.cookie
    store = someone.site.deployment.settings.store.get_secret_value().removeprefix("sqlite:///")
    with sqlite3.connect(store) as opened:
        rows = repr(opened.execute("SELECT * FROM web_session").fetchall())
    opened.close()
    assert number not in rows
    assert name not in rows
    assert someone.cookie not in rows


async def test_sign_ins_from_one_address_are_limited(tmp_path):
    async with pages_stage(tmp_path, logins_per_minute=2) as site, visitor(site) as someone:
        seen = [(await someone.get("/login", follow=False)).status for _ in range(3)]
        assert seen == [303, 303, 429]
        refused = await someone.get("/login", follow=False)
        assert int(refused.headers["Retry-After"]) > 0


async def test_a_provider_that_is_down_is_said_so():
    settings = Provider(issuer=f"http://127.0.0.1:{free_port()}", client_id="gateway")
    provider = IdentityProvider(settings, "http://127.0.0.1:1/login/callback", 600)
    with pytest.raises(PageRefused) as refused:
        await provider.address(Attempt.begin("/", strong=False))
    assert (refused.value.status, refused.value.reason) == (503, "login_unavailable")


async def test_sessions_end_by_the_clock_and_in_every_process(tmp_path):
    now = [1_000_000.0]
    async with Store(f"sqlite:///{tmp_path}/s.db") as store:
        await store.prepare()
        references = References(demo_keys())
        made = [
            Sessions(store, references, "citizen-pages", idle=900, longest=3_600, clock=lambda: now[0])
            for _ in range(2)
        ]
        first = await made[0].find(await made[0].begin({}))
        token = await made[0].enter(first, Login(person(), strong=True, authenticated_at=1_000_000))
        found = await made[1].find(token)
        assert made[1].subject_of(found) == person()
        assert found.strong_within(600, now[0])
        assert not found.strong_within(600, now[0] + 601)
        for _ in range(4):
            now[0] += 899
            assert await made[1].find(token)
        now[0] += 5
        assert await made[1].find(token) is None  # 3,601 seconds old, used or not
        token = await made[0].enter(first, Login(person(), strong=False, authenticated_at=0))
        now[0] += 901
        assert await made[1].find(token) is None
        token = await made[0].enter(first, Login(person(), strong=False, authenticated_at=0))
        await made[1].end(await made[1].find(token))
        assert await made[0].find(token) is None


async def test_a_step_up_does_not_make_a_session_younger(tmp_path):
    now = [1_000_000.0]
    async with Store(f"sqlite:///{tmp_path}/s.db") as store:
        await store.prepare()
        sessions = Sessions(
            store, References(demo_keys()), "citizen-pages", idle=900, longest=3_600, clock=lambda: now[0]
        )
        first = await sessions.find(await sessions.begin({}))
        token = await sessions.enter(first, Login(person(), strong=False, authenticated_at=0))
        now[0] += 800
        token = await sessions.begin({"attempt": {}}, await sessions.find(token))
        found = await sessions.find(token)
        assert (found.begun_at, found.subject_ref is None) == (1_000_000, False)
