import asyncio
import gzip
import json

import aiohttp
import pytest

from gateway.errors import RequestRefused
from gateway.replies import GRAPHQL, JSON, OFFERED, negotiate
from tests.support.graph import CITIZEN, NAME, TOKEN, asked, county

PERSON = "query Person($l: PersonLookup!) { person(lookup: $l) { name } }"
LOOKUP = {"l": {"citizenId": CITIZEN, "name": NAME}}


async def post(stage, body: object, **headers: str) -> tuple[int, str, dict]:
    """POST raw bytes or JSON; status, media type and decoded body."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{stage.url}/graphql",
            data=data,
            headers={
                "Content-Type": "application/json",
                **{k.replace("_", "-"): v for k, v in headers.items()},
            },
        ) as response,
    ):
        assert response.headers["Cache-Control"] == "no-store"
        return response.status, response.content_type, await response.json(content_type=None)


async def get(stage, **parameters: str) -> tuple[int, dict, dict]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{stage.url}/graphql", params=parameters) as response,
    ):
        return response.status, dict(response.headers), await response.json(content_type=None)


def code(body: dict) -> str:
    assert set(body) == {"errors"}
    return body["errors"][0]["extensions"]["code"]


async def test_a_query_is_answered_in_the_media_type_that_was_asked_for():
    async with county() as stage:
        for accept, media in (("*/*", GRAPHQL), (JSON, JSON), (f"{JSON};q=0.5, {GRAPHQL}", GRAPHQL)):
            status, content_type, body = await post(stage, {"query": "{ hello }"}, Accept=accept)
            assert (status, content_type, body["data"]) == (200, media, {"hello": "hello"})


async def test_variables_reach_the_executor_raw_and_coerced():
    async with county() as stage:
        query = "query ($n: Int = 2, $l: PersonLookup!) { hello(times: $n) person(lookup: $l) { name } }"
        variables = {"l": {"citizenId": " 990101 198001010014", "name": NAME}}
        status, _, body = await post(stage, {"query": query, "variables": variables})
        assert (status, body["data"]) == (200, {"hello": "hellohello", "person": {"name": "测**"}})
        (operation,) = stage.operations
        assert operation.coerced.coerced["l"]["citizenId"] == CITIZEN
        assert operation.coerced.coerced["n"] == 2
        assert "n" not in operation.raw_variables


async def test_partial_data_is_200_with_the_errors_beside_it():
    async with county() as stage:
        query = PERSON.replace("{ name }", "{ name penalties }")
        status, _, body = await post(stage, {"query": query, "variables": LOOKUP})
        assert status == 200
        assert body["data"] == {"person": {"name": "测**", "penalties": None}}
        (error,) = body["errors"]
        assert error["path"] == ["person", "penalties"]
        assert error["extensions"] == {
            "code": "SOURCE_TIMEOUT",
            "source": "double-publicity",
            "retryable": True,
        }
        assert body["extensions"] == {"trace": "x"}


async def test_null_data_is_still_200():
    async with county() as stage:
        lookup = {"l": {"citizenId": CITIZEN, "name": "somebody"}}
        status, _, body = await post(stage, {"query": PERSON, "variables": lookup})
        assert (status, body["data"]) == (200, {"person": None})
        assert body["errors"][0]["extensions"]["code"] == "SUBJECT_NOT_CONFIRMED"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"query": "{ hello("}, "GRAPHQL_SYNTAX"),
        ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION"),
        ({"query": "{ hello(times: 1) }", "operationName": "Missing"}, "OPERATION_NOT_FOUND"),
        ({"query": "query A { hello } query B { hello }"}, "OPERATION_NOT_FOUND"),
        ({"query": PERSON}, "BAD_VARIABLES"),
        ({"query": PERSON, "variables": {"l": {"citizenId": CITIZEN}}}, "BAD_VARIABLES"),
        (
            {"query": PERSON, "variables": {"l": {"citizenId": "6.10222E+17", "name": NAME}}},
            "IDENTIFIER_INVALID",
        ),
        (
            {"query": f'{{ person(lookup: {{citizenId: "{CITIZEN}", name: "{NAME}"}}) {{ name }} }}'},
            "PERSONAL_LITERAL",
        ),
        ({"query": "{ rows(first: 101) { name } }"}, "LIST_LIMIT"),
        (
            {"query": "query ($n: Int!) { rows(first: $n) { name } }", "variables": {"n": 101}},
            "LIST_LIMIT",
        ),
    ],
)
async def test_what_is_wrong_with_the_document_is_400_or_200_by_media_type(body, expected):
    async with county() as stage:
        status, _, answer = await post(stage, body, Accept=GRAPHQL)
        assert (status, code(answer)) == (400, expected)
        status, _, answer = await post(stage, body, Accept=JSON)
        assert (status, code(answer)) == (200, expected)
        assert NAME not in str(answer)
        assert CITIZEN not in str(answer)
        assert stage.operations == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "BAD_REQUEST"),
        (b'{"query": "{ hello }"', "BAD_REQUEST"),
        (b'{"query": "\xff"}', "BAD_REQUEST"),
        (b"[" * 5_000, "BAD_REQUEST"),
        (b"[]", "BATCHING_NOT_SUPPORTED"),
        ([{"query": "{ hello }"}], "BATCHING_NOT_SUPPORTED"),
        ("text", "BAD_REQUEST"),
        (None, "BAD_REQUEST"),
        ({}, "BAD_REQUEST"),
        ({"query": None}, "BAD_REQUEST"),
        ({"query": 7}, "BAD_REQUEST"),
        ({"query": "  "}, "BAD_REQUEST"),
        ({"query": "{ hello }", "variables": []}, "BAD_REQUEST"),
        ({"query": "{ hello }", "variables": "{}"}, "BAD_REQUEST"),
        ({"query": "{ hello }", "operationName": 7}, "BAD_REQUEST"),
        ({"query": "{ hello }", "extensions": []}, "BAD_REQUEST"),
    ],
)
async def test_what_is_no_graphql_request_is_400_in_every_media_type(body, expected):
    async with county() as stage:
        for accept in (GRAPHQL, JSON):
            status, media, answer = await post(stage, body, Accept=accept)
            assert (status, media, code(answer)) == (400, accept, expected)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Type": "text/plain"},
        {"Content_Type": "application/x-www-form-urlencoded"},
        {"Content_Type": "application/graphql"},
        {"Content_Type": "application/json; charset=gbk"},
        {"Content_Encoding": "gzip"},
    ],
)
async def test_other_media_types_are_415(headers):
    body = b'{"query": "{ hello }"}'
    async with county() as stage:
        body = gzip.compress(body) if "Content_Encoding" in headers else body
        status, _, answer = await post(stage, body, **headers)
        assert (status, code(answer)) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_a_charset_of_utf_8_is_plain_json():
    async with county() as stage:
        headers = {"Content_Type": 'Application/JSON; charset="UTF-8"'}
        status, _, answer = await post(stage, {"query": "{ hello }"}, **headers)
        assert (status, answer["data"]) == (200, {"hello": "hello"})


async def test_an_answer_that_nobody_accepts_is_406():
    async with county() as stage:
        status, _, answer = await post(stage, {"query": "{ hello }"}, Accept="text/csv")
        assert (status, code(answer)) == (406, "NOT_ACCEPTABLE")


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, GRAPHQL),
        ("", GRAPHQL),
        *((one, one) for one in OFFERED),
        ("application/*", GRAPHQL),
        ("application/*;q=0.1, application/json", JSON),
        ("application/json, application/graphql-response+json;q=0", JSON),
        ("application/json;charset=utf-8;q=0.9", JSON),
        ("text/html, */*;q=0.1", GRAPHQL),
        ("application/json;q=high, */*;q=0.5", GRAPHQL),
    ],
)
def test_negotiation(accept, media):
    assert negotiate(accept) == media


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "*/*;q=0"])
def test_nothing_to_negotiate(accept):
    with pytest.raises(RequestRefused, match="NOT_ACCEPTABLE"):
        negotiate(accept)


async def test_get_is_for_anonymous_queries_without_variables():
    async with county() as stage:
        status, _, body = await get(stage, query="{ hello }")
        assert (status, body["data"]) == (200, {"hello": "hello"})
        status, headers, body = await get(stage, query="mutation { touch }")
        assert (status, headers["Allow"], code(body)) == (405, "POST", "METHOD_NOT_ALLOWED")
        status, headers, body = await get(stage, query=PERSON, variables=json.dumps(LOOKUP))
        assert (status, headers["Allow"], code(body)) == (405, "POST", "METHOD_NOT_ALLOWED")
        assert len(stage.operations) == 1
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session,
            session.get(f"{stage.url}/graphql", params={"query": "{ hello }"}) as response,
        ):
            assert response.status == 405


async def test_other_methods_are_405():
    async with county() as stage, aiohttp.ClientSession() as session:
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
            async with session.request(method, f"{stage.url}/graphql") as response:
                assert (response.status, response.headers["Allow"]) == (405, "GET, POST")


async def test_mutations_run_by_post():
    async with county() as stage:
        _, _, body = await post(stage, {"query": "mutation { touch }"})
        assert body["data"] == {"touch": "touched"}


async def test_a_token_that_does_not_hold_is_401_in_every_media_type():
    async with county() as stage:
        for accept in (GRAPHQL, JSON):
            async with asked(stage, "{ hello }", Accept=accept, Authorization="Bearer forged") as response:
                assert response.status == 401
                assert response.headers["WWW-Authenticate"].startswith("Bearer ")
                body = await response.json(content_type=None)
                assert code(body) == "TOKEN_SIGNATURE"
        assert stage.operations == []


async def test_the_actor_is_what_the_token_says_and_cookies_say_nothing():
    async with county() as stage:
        cookie = f"authorization=Bearer {TOKEN}"
        async with asked(stage, "{ hello }", Cookie=cookie) as response:
            assert response.status == 200
        async with asked(stage, "{ hello }", Authorization=f"Bearer {TOKEN}") as response:
            assert response.status == 200
        assert [operation.actor.client_id for operation in stage.operations] == [
            "anonymous",
            "approval-system",
        ]


async def test_the_budget_of_new_documents_is_the_clients_own():
    async with county(limits={"document_burst_kib": 2, "document_kib_per_second": 0.001}) as stage:
        for number in range(2):
            async with asked(stage, f"{{ hello(times: {number}) }}") as response:
                assert response.status == 200
        for accept in (GRAPHQL, JSON):
            async with asked(stage, "{ hello(times: 3) }", Accept=accept) as response:
                assert response.status == 429
                assert int(response.headers["Retry-After"]) > 0
        async with asked(stage, "{ hello(times: 4) }", Authorization=f"Bearer {TOKEN}") as response:
            assert response.status == 200
        async with asked(stage, "{ hello(times: 1) }") as response:
            assert response.status == 200


async def test_a_client_that_goes_away_cancels_its_operation():
    async with county() as stage:
        host, port = stage.url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        body = b'{"query": "query Waiting { slow }"}'
        writer.write(
            b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        await stage.begun.wait()
        writer.close()
        await stage.cancelled.wait()
        await stage.over.wait()
        (report,) = stage.reports
        assert (report.outcome, report.status, report.operation) == ("gone", 499, "Waiting")


async def test_the_deadline_cancels_the_operation():
    async with county(deadlines={"operation_ms": 50}) as stage:
        for accept in (GRAPHQL, JSON):
            status, _, body = await post(stage, {"query": "{ slow }"}, Accept=accept)
            assert (status, code(body)) == (504, "OPERATION_TIMEOUT")
        assert stage.cancelled.is_set()
        assert {report.outcome for report in stage.reports} == {"timeout"}


async def test_a_body_that_does_not_arrive_is_408():
    async with county(deadlines={"operation_ms": 50}) as stage:
        host, port = stage.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b'Content-Length: 1000\r\n\r\n{"query"'
        )
        assert (await reader.readline()).startswith(b"HTTP/1.1 408")
        writer.close()
        await writer.wait_closed()


async def test_an_executor_that_cancels_itself_is_our_failure_not_the_clients():
    async with county() as stage:
        status, _, body = await post(stage, {"query": "{ poisoned }"})
        assert (status, code(body)) == (500, "INTERNAL")


async def test_an_unplanned_fault_is_told_by_request_id_only():
    async with county() as stage:
        query = PERSON.replace("{ name }", "{ name broken }")
        _, _, body = await post(stage, {"query": query, "variables": LOOKUP}, X_Request_ID="request-0001")
        (error,) = body["errors"]
        assert error["extensions"] == {"code": "INTERNAL", "requestId": "request-0001"}
        assert NAME not in str(body)
        assert CITIZEN not in str(body)
