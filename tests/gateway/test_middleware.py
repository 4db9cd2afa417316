import asyncio

import aiohttp
import pytest
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from tests.support.graph import CITIZEN, asked, county

ORIGIN = "https://app.example.cn"


async def crash(_):
    raise RuntimeError(f"text about {CITIZEN}")


async def break_off(_):
    async def chunks():
        yield b"begun"
        raise RuntimeError(f"text about {CITIZEN}")

    return StreamingResponse(chunks())


async def framed(_):
    return PlainTextResponse("own policy", headers={"Content-Security-Policy": "frame-ancestors 'self'"})


async def various(_):
    return PlainTextResponse("by language", headers={"Vary": "Accept-Language"})


ROUTES = (
    Route("/crash", crash),
    Route("/break", break_off),
    Route("/framed", framed),
    Route("/various", various),
)


async def test_every_answer_has_a_request_id_and_the_security_headers():
    async with county(ROUTES) as stage, aiohttp.ClientSession() as session:
        seen = set()
        for path in ("/livez", "/graphql", "/nowhere", "/crash", "/static/graphiql/page.js"):
            async with session.get(stage.url + path) as response:
                headers = response.headers
                assert headers["X-Content-Type-Options"] == "nosniff"
                assert headers["Referrer-Policy"] == "no-referrer"
                assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
                assert "Strict-Transport-Security" not in headers
                seen.add(headers["X-Request-ID"])
        assert len(seen) == 5


async def test_a_page_keeps_its_own_policy():
    async with (
        county(ROUTES) as stage,
        aiohttp.ClientSession() as session,
        session.get(f"{stage.url}/framed") as response,
    ):
        assert response.headers.getall("Content-Security-Policy") == ["frame-ancestors 'self'"]


async def test_hsts_where_it_is_switched_on():
    async with (
        county(hsts=True) as stage,
        aiohttp.ClientSession() as session,
        session.get(f"{stage.url}/livez") as response,
    ):
        assert response.headers["Strict-Transport-Security"].startswith("max-age=31536000")


@pytest.mark.parametrize(
    ("offered", "taken"),
    [
        ("request-0001", True),
        ("short", False),
        ("x" * 65, False),
        ("has space", False),
        (CITIZEN, False),
        (f"id-{CITIZEN}", False),
    ],
)
async def test_a_clients_request_id_is_taken_when_it_is_harmless(offered, taken):
    async with county() as stage, asked(stage, "{ hello }", **{"X-Request-ID": offered}) as response:
        assert (response.headers["X-Request-ID"] == offered) is taken


async def test_unknown_addresses_and_methods_answer_from_the_table():
    async with county() as stage, aiohttp.ClientSession() as session:
        for method, path, status, code in (
            ("GET", "/nowhere", 404, "NOT_FOUND"),
            ("GET", "/static/graphiql/../../settings.py", 404, "NOT_FOUND"),
            ("POST", "/livez", 405, "METHOD_NOT_ALLOWED"),
        ):
            async with session.request(method, stage.url + path) as response:
                body = await response.json()
                assert (response.status, body["errors"][0]["extensions"]["code"]) == (status, code)


async def test_an_uncaught_exception_is_internal_without_its_text():
    async with (
        county(ROUTES) as stage,
        aiohttp.ClientSession() as session,
        session.get(f"{stage.url}/crash") as response,
    ):
        text = await response.text()
        assert response.status == 500
        assert '"INTERNAL"' in text
        assert response.headers["X-Request-ID"] in text
        assert CITIZEN not in text


async def test_an_answer_that_breaks_off_is_not_passed_for_a_whole_one():
    async with county(ROUTES) as stage, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientPayloadError):
            async with session.get(f"{stage.url}/break") as response:
                await response.read()


async def test_a_body_above_the_limit_is_refused_by_its_announced_length():
    async with county(limits={"body_bytes": 200}) as stage:
        async with asked(stage, "{ hello }" + " " * 100) as response:
            assert response.status == 200
        async with asked(stage, "{ hello }" + " " * 200) as response:
            assert response.status == 413
            body = await response.json(content_type=None)
            assert body["errors"][0]["extensions"]["code"] == "BODY_TOO_LARGE"
        assert len(stage.operations) == 1


async def test_a_body_above_the_limit_is_refused_while_it_arrives():
    async def chunks():
        for _ in range(3):
            yield b" " * 100

    async with county(limits={"body_bytes": 250}) as stage, aiohttp.ClientSession() as session:
        headers = {"Content-Type": "application/json"}
        async with session.post(f"{stage.url}/graphql", data=chunks(), headers=headers) as response:
            assert response.status == 413


async def test_cors_is_for_registered_origins_only():
    preflight = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    async with county(cors_origins=[ORIGIN]) as stage, aiohttp.ClientSession() as session:
        url = f"{stage.url}/graphql"
        async with session.options(url, headers={"Origin": ORIGIN, **preflight}) as response:
            assert response.status == 200
            assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
            assert "Access-Control-Allow-Credentials" not in response.headers
        async with asked(stage, "{ nothing }", Origin=ORIGIN) as response:
            assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
            assert "Origin" in response.headers["Vary"]
        for origin in ("https://evil.example.cn", f"{ORIGIN}.evil.cn", "null", ORIGIN.upper()):
            async with session.options(url, headers={"Origin": origin, **preflight}) as response:
                assert response.status == 400
                assert "Access-Control-Allow-Origin" not in response.headers
            async with asked(stage, "{ hello }", Origin=origin) as response:
                assert "Access-Control-Allow-Origin" not in response.headers


async def test_what_an_answer_depends_on_is_said_once():
    preflight = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    async with county(ROUTES, cors_origins=[ORIGIN]) as stage, aiohttp.ClientSession() as session:
        for headers in ({}, {"Origin": ORIGIN}):
            async with session.get(f"{stage.url}/various", headers=headers) as response:
                assert response.headers.getall("Vary") == ["Accept-Language, Origin"]
                assert ("Access-Control-Expose-Headers" in response.headers) is bool(headers)
        async with session.options(f"{stage.url}/various", headers=preflight) as response:
            assert response.headers["Vary"].split(", ").count("Origin") == 1
            assert "Access-Control-Expose-Headers" not in response.headers


async def test_a_running_answer_is_finished_when_the_server_stops():
    begun, finish = asyncio.Event(), asyncio.Event()

    async def held(_):
        begun.set()
        await finish.wait()
        return PlainTextResponse("whole")

    async with aiohttp.ClientSession() as session:
        async with county((Route("/held", held),)) as stage:
            answer = asyncio.create_task(session.get(f"{stage.url}/held"))
            await begun.wait()
            asyncio.get_running_loop().call_later(0.05, finish.set)
        async with await answer as response:
            assert await response.text() == "whole"
