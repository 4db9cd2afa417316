import asyncio
import io
import json
import logging
import warnings

import aiohttp
import pytest
import structlog

from gateway import logs
from tests.support.graph import CITIZEN, NAME, TOKEN, asked, county

CANARY_NAME = "嘉纳莉"
CANARY_TOKEN = "canary.bearer.token"
CANARIES = (CITIZEN, CITIZEN.lower(), NAME, CANARY_NAME, CANARY_TOKEN, TOKEN, "13800138000", "driver text")


@pytest.fixture
def stream():
    """Everything that is logged, as text; the previous configuration is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    captured = io.StringIO()
    logs.configure("DEBUG", "json", captured)
    yield captured
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def lines(stream: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


async def test_no_personal_data_reaches_the_log_whichever_way_it_comes(stream):
    person = "query Person($l: PersonLookup!) { person(lookup: $l) { name penalties broken } }"
    lookup = {"citizenId": CITIZEN, "name": NAME}
    requests = [
        (person, {"l": lookup}),
        (person, {"l": {**lookup, "name": CANARY_NAME}}),
        (person, {"l": {**lookup, "citizenId": f"x{CITIZEN}"}}),
        (person, {"l": {**lookup, CANARY_NAME: CITIZEN}}),
        (f'{{ person(lookup: {{citizenId: "{CITIZEN}", name: "{CANARY_NAME}"}}) {{ name }} }}', None),
        (f"query Q{CITIZEN} {{ hello }}", None),
        (f"{{ a{CITIZEN}: hello }}", None),
        (f"{{ hello(times: {CITIZEN}) }}", None),
        (f'{{ hello(times: "{CANARY_NAME}" }}', None),
        (f"{{ hello }} # {CANARY_NAME} {CITIZEN}", None),
    ]
    async with county() as stage, aiohttp.ClientSession() as session:
        for query, variables in requests:
            async with asked(
                stage,
                query,
                variables,
                **{"Authorization": f"Bearer {TOKEN}", "X-Request-ID": CITIZEN, "User-Agent": CITIZEN},
            ) as response:
                await response.read()
        async with asked(stage, "{ hello }", Authorization=f"Bearer {CANARY_TOKEN}") as response:
            assert response.status == 401
        for address in (
            f"/{CANARY_NAME}/{CITIZEN}",
            f"/graphql?query={{hello}}&name={CANARY_NAME}&id={CITIZEN}",
        ):
            async with session.request(
                "GET", stage.url + address, headers={"X-Name": "zhang", "Cookie": f"id={CITIZEN}"}
            ) as response:
                await response.read()
        body = f'{{"query": "{CANARY_NAME} {CITIZEN}'.encode()
        async with session.post(
            f"{stage.url}/graphql", data=body, headers={"Content-Type": "application/json"}
        ) as response:
            assert response.status == 400
    events = [line["event"] for line in lines(stream)]
    assert events.count("operation") == len(requests) + 3
    assert events.count("request") == len(requests) + 4
    assert "unexpected fault" in events
    for canary in CANARIES:
        assert canary not in stream.getvalue()
        assert json.dumps(canary).strip('"') not in stream.getvalue()


async def test_an_operation_is_logged_with_what_its_operator_needs(stream):
    query = "query Person($l: PersonLookup!) { person(lookup: $l) { name penalties } }"
    lookup = {"l": {"citizenId": CITIZEN, "name": NAME}}
    async with county() as stage:
        headers = {"Authorization": f"Bearer {TOKEN}", "X-Request-ID": "request-0001"}
        async with asked(stage, query, lookup, **headers) as response:
            await response.read()
        hash_ = stage.operations[0].document.hash
    operation, request = lines(stream)
    assert operation.pop("ms") > 0
    assert operation.pop("timestamp")
    assert operation == {
        "event": "operation",
        "level": "info",
        "request_id": "request-0001",
        "kind": "query",
        "operation": "Person",
        "document": hash_,
        "client": "approval-system",
        "outcome": "partial",
        "status": 200,
        "codes": ["SOURCE_TIMEOUT"],
        "sources": ["double-publicity=TIMEOUT"],
    }
    assert (request["event"], request["route"], request["status"]) == ("request", "/graphql", 200)


def test_unknown_keys_are_dropped_and_other_forms_replaced(stream):
    logs.log().info(
        "operation", name="张伟", operation="张伟", status="200", client=CITIZEN, codes=["A_B", "张伟"]
    )
    (line,) = lines(stream)
    line.pop("timestamp")
    assert line == {
        "event": "operation",
        "level": "info",
        "operation": "[refused]",
        "status": "200",
        "client": "[refused]",
        "codes": ["A_B", "[refused]"],
    }


def test_a_text_that_was_refused_is_not_remembered():
    looked = logs._Looked(str.isalpha)
    assert looked["Subject"]
    assert not looked["a110101_19900307_4514"]
    assert [*looked] == ["Subject"]


def test_an_event_must_be_fixed_words(stream):
    logs.log().info(f"looked up 张伟 {CITIZEN}")
    assert lines(stream)[0]["event"] == "[refused]"


def test_other_libraries_are_logged_without_their_text(stream):
    try:
        raise ValueError(CANARY_NAME)
    except ValueError:
        logging.getLogger("asyncpg").exception("query with %s failed", CITIZEN)
    logging.getLogger("aiohttp").info("connected to %s", CITIZEN)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"about {CITIZEN}", stacklevel=1)
    fault, warning = lines(stream)
    assert (fault["logger"], fault["fault"], fault["level"]) == ("asyncpg", "ValueError", "error")
    assert fault["where"].startswith("test_logs:")
    assert warning["logger"] == "py.warnings"
    assert CITIZEN not in stream.getvalue()
    assert CANARY_NAME not in stream.getvalue()


async def test_a_task_that_dies_unnoticed_tells_its_type_only(stream):
    async def die():
        raise ValueError(CANARY_NAME)

    task = asyncio.create_task(die())
    await asyncio.wait((task,))
    del task
    (line,) = lines(stream)
    assert (line["logger"], line["fault"]) == ("asyncio", "ValueError")
    assert CANARY_NAME not in stream.getvalue()


def test_a_fault_is_logged_by_type_and_place(stream):
    try:
        raise KeyError(CANARY_NAME)
    except KeyError as error:
        logs.fault(error)
    logs.fault(RuntimeError("never raised"))
    raised, bare = lines(stream)
    assert raised["fault"] == "KeyError"
    assert raised["where"].startswith("test_logs:")
    assert (bare["fault"], bare["where"]) == ("RuntimeError", "unknown:0")


def test_the_level_is_obeyed_and_people_get_plain_lines(stream):
    again = io.StringIO()
    logs.configure("WARNING", "console", again)
    logs.log().info("request")
    logs.log().warning("request", status=500, name=CANARY_NAME)
    text = again.getvalue()
    assert text.count("request") == 1
    assert "500" in text
    assert CANARY_NAME not in text
