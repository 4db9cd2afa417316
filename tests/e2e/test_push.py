"""What is pushed: to whom, over both transports, from any process, and on from where it broke off."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp
import orjson
import pytest

from authz import outbox
from authz.outbox import Notice, NoticeKind, Recipient, RecipientKind
from authz.references import References
from authz.store import Store
from catalogue.identifiers import SubjectKey
from catalogue.values import CHINA_TIME
from tests.e2e.conftest import Settle
from tests.support.bank import presented
from tests.support.county import cast
from tests.support.county_answers import PERSON
from tests.support.databases import Database
from tests.support.processes import BANK, PATIENCE, Server, eventually, serving

NOTICES = "subscription Told($after: String) { notices(after: $after) { kind pointer at cursor } }"
CHECK = """
query Check($lookup: SubjectLookup!, $access: AccessContext!) {
  subject(lookup: $lookup, access: $access) {
    ... on NaturalPerson { judicial { judgmentDefaults { state } } }
  }
}
"""
MINE = "{ me { person { judicial { judgmentDefaults { state } } } } }"
ACCESS = {
    "scenario": "S04",
    "caseNo": "RSKS-2026-0001",
    "purpose": "录用审查",
    "reasonCode": "QUALIFICATION_REVIEW",
    "noConflictOfInterest": True,
    "repeatReason": "CASE_CONTINUED",
    "repeatNote": "同案续查",
}
NAME = "测试甲"
OTHER_NAME = "样例乙"


@dataclass
class Pair:
    """Two processes of one gateway, over one store."""

    one: Server
    other: Server
    url: str

    def token(self, person: SubjectKey = PERSON, **claims: object) -> str:
        return self.one.home.token("citizen-app", person, **claims)

    async def check(self, name: str = NAME) -> None:
        """An officer looks at a person, through the other process."""
        lookup = {"person": {"citizenId": cast()[name].value, "name": name}}
        token = self.one.home.token("hr-approval")
        reply = await self.other.ask(CHECK, {"lookup": lookup, "access": ACCESS}, token)
        assert reply.errors == []

    async def tell(self, to: Recipient, pointer: str) -> None:
        """Something happens about a case, in yet another process."""
        notice = Notice(to, NoticeKind.CASE_MOVED, pointer, datetime.now(CHINA_TIME))
        async with Store(self.url) as store, store.writing() as connection:
            await outbox.within(connection, notice)


@pytest.fixture
def pair(own_database: Database, settled: Settle) -> Iterator[Pair]:
    home = settled(store=own_database.url)
    with serving(home) as one, serving(home) as other:
        yield Pair(one, other, own_database.url)


@asynccontextmanager
async def opening(
    server: Server, token: str | None, variables: object = None
) -> AsyncIterator[aiohttp.ClientResponse]:
    """A subscription's answer as it begins."""
    headers = {"Accept": "text/event-stream"} | ({"Authorization": f"Bearer {token}"} if token else {})
    timeout = aiohttp.ClientTimeout(sock_read=PATIENCE)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.post(
            f"{server.url}/graphql", json={"query": NOTICES, "variables": variables or {}}, headers=headers
        ) as response,
    ):
        yield response


@asynccontextmanager
async def events(
    server: Server, token: str | None, variables: object = None
) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """The payloads of `next` events, until `complete`; by now the subscription stands."""
    async with opening(server, token, variables) as response:
        assert response.status == 200, await response.text()
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        assert await response.content.readline() == b":\n"
        yield _payloads(response)


async def _payloads(response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    async for line in response.content:
        if line == b"event: complete\n":
            return
        if line.startswith(b"data: {"):
            yield orjson.loads(line[6:])


async def notice(payloads: AsyncIterator[dict[str, Any]]) -> dict[str, Any]:
    payload = await anext(payloads)
    assert "errors" not in payload, payload
    found: dict[str, Any] = payload["data"]["notices"]
    return found


async def test_a_person_is_told_at_once_that_somebody_read_their_records(pair: Pair):
    async with (
        events(pair.one, pair.token()) as mine,
        events(pair.one, pair.token(cast()[OTHER_NAME])) as theirs,
    ):
        await pair.tell(person_party(pair), "ca_first")
        first = await notice(mine)
        assert (first["kind"], first["pointer"]) == ("CASE_MOVED", "ca_first")
        # one's own look is no news, and what is read of another is theirs alone
        assert (await pair.other.ask(MINE, token=pair.token())).errors == []
        await pair.check(OTHER_NAME)
        await pair.check(NAME)
        told = await notice(mine)
        assert (told["kind"], told["pointer"]) == ("RECORDS_READ", None)
        await pair.tell(person_party(pair), "ca_second")
        assert (await notice(mine))["pointer"] == "ca_second"
        assert (await notice(theirs))["kind"] == "RECORDS_READ"


def person_party(pair: Pair, person: SubjectKey = PERSON) -> Recipient:
    return Recipient(RecipientKind.PERSON, References(pair.one.home.keys).audit_ref(person))


async def test_what_came_while_nobody_listened_comes_after_the_last_cursor(pair: Pair):
    async with events(pair.one, pair.token()) as mine:
        await pair.tell(person_party(pair), "ca_first")
        seen = await notice(mine)
    await pair.check()
    await pair.tell(person_party(pair), "ca_second")
    await pair.check()
    async with events(pair.other, pair.token(), {"after": seen["cursor"]}) as mine:
        missed = [await notice(mine) for _ in range(3)]
    assert sorted(each["kind"] for each in missed) == ["CASE_MOVED", "RECORDS_READ", "RECORDS_READ"]
    async with events(pair.other, pair.token(), {"after": missed[0]["cursor"]}) as mine:
        assert [await notice(mine) for _ in range(2)] == missed[1:]
    async with events(pair.one, pair.token(cast()[OTHER_NAME]), {"after": seen["cursor"]}) as theirs:
        refused = await anext(theirs)
        assert [error["extensions"]["code"] for error in refused["errors"]] == ["CURSOR_INVALID"]
        with pytest.raises(StopAsyncIteration):
            await anext(theirs)


async def test_a_client_is_told_what_it_read_has_been_corrected(pair: Pair):
    officer = pair.one.home.token("hr-approval")
    async with events(pair.one, officer) as told:
        await pair.tell(Recipient(RecipientKind.CLIENT, "another-client"), "rr_another")
        await pair.tell(Recipient(RecipientKind.CLIENT, "hr-approval"), "rr_corrected")
        assert (await notice(told))["pointer"] == "rr_corrected"


async def test_a_steward_is_told_of_cases_about_their_department(pair: Pair):
    steward = pair.one.home.token("court-steward", scope="credit:cases")
    async with events(pair.one, steward) as told:
        await pair.tell(Recipient(RecipientKind.DEPARTMENT, "SW"), "ca_taxes")
        await pair.tell(Recipient(RecipientKind.DEPARTMENT, "FY"), "ca_court")
        assert (await notice(told))["pointer"] == "ca_court"


async def test_nobody_is_told_anything_without_a_token(pair: Pair):
    async with events(pair.one, None) as told:
        (error,) = (await anext(told))["errors"]
        assert error["extensions"]["code"] == "ACTOR_NOT_ALLOWED"


async def test_a_stream_ends_with_its_token(pair: Pair):
    token = pair.token(exp=int(time.time()) + 8)
    async with events(pair.one, token) as mine:
        while True:
            await pair.tell(person_party(pair), "ca_again")
            payload = await anext(mine)
            if "errors" in payload:
                break
        assert payload["errors"][0]["extensions"]["code"] == "TOKEN_EXPIRED"
        with pytest.raises(StopAsyncIteration):
            await anext(mine)


async def test_a_party_holds_no_more_streams_than_it_may(pair: Pair):
    async with AsyncExitStack() as held:
        mine = [await held.enter_async_context(events(pair.one, pair.token())) for _ in range(8)]
        await pair.tell(person_party(pair), "ca_first")
        assert {(await notice(each))["pointer"] for each in mine} == {"ca_first"}
        one_more = await pair.one.ask(NOTICES, token=pair.token(), Accept="text/event-stream")
        assert (one_more.status, one_more.codes) == (429, ["STREAM_LIMIT"])
        theirs = await held.enter_async_context(events(pair.one, pair.token(cast()[OTHER_NAME])))
        await pair.check(OTHER_NAME)
        assert (await notice(theirs))["kind"] == "RECORDS_READ"

    async def again() -> bool:
        """Whether a place is free; the server notices soon that somebody has left."""
        async with opening(pair.one, pair.token()) as response:
            return response.status == 200

    assert await eventually(again)


async def test_a_plain_post_is_told_which_transport_to_take(pair: Pair):
    reply = await pair.one.ask(NOTICES, token=pair.token())
    assert (reply.status, reply.codes) == (406, ["SUBSCRIPTION_TRANSPORT"])


@pytest.mark.postgresql
async def test_a_lost_connection_to_the_store_loses_no_notice(own_database: Database, settled: Settle):
    if own_database.engine != "postgresql":
        return
    home = settled(store=own_database.url)
    with serving(home) as one:
        pair = Pair(one, one, own_database.url)
        async with events(one, pair.token()) as mine:
            await pair.tell(person_party(pair), "ca_first")
            seen = await notice(mine)
            await own_database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            await pair.tell(person_party(pair), "ca_second")
            payload = await anext(mine)
        if "errors" in payload:  # the look that found the connection dead; the client comes again
            assert payload["errors"][0]["extensions"]["code"] == "STORE_UNAVAILABLE"
            async with events(one, pair.token(), {"after": seen["cursor"]}) as mine:
                payload = await anext(mine)
        assert payload["data"]["notices"]["pointer"] == "ca_second"


@asynccontextmanager
async def socket(server: Server, **headers: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            server.url.replace("http", "ws") + "/graphql",
            protocols=["graphql-transport-ws"],
            headers=headers,
            timeout=aiohttp.ClientWSTimeout(ws_receive=PATIENCE),
        ) as opened,
    ):
        yield opened


async def say(opened: aiohttp.ClientWebSocketResponse, **message: object) -> None:
    await opened.send_json(message)


async def hear(opened: aiohttp.ClientWebSocketResponse) -> Any:
    return await opened.receive_json()


async def closing(opened: aiohttp.ClientWebSocketResponse) -> int | None:
    """The code with which the server closes."""
    message = await opened.receive()
    assert message.type is aiohttp.WSMsgType.CLOSE, message
    return opened.close_code


async def test_a_socket_brings_the_same_and_ends_what_is_completed(pair: Pair):
    async with socket(pair.one) as opened:
        await say(opened, type="connection_init", payload={"authorization": f"Bearer {pair.token()}"})
        assert (await hear(opened))["type"] == "connection_ack"
        await say(opened, id="1", type="subscribe", payload={"query": NOTICES})
        assert (await hear(opened))["type"] == "ping"  # it stands
        await say(opened, type="ping")
        assert (await hear(opened))["type"] == "pong"
        await pair.check()
        message = await hear(opened)
        assert (message["id"], message["type"]) == ("1", "next")
        cursor = message["payload"]["data"]["notices"]["cursor"]
        await say(opened, id="1", type="complete")
        await pair.check()
        await say(
            opened, id="2", type="subscribe", payload={"query": NOTICES, "variables": {"after": cursor}}
        )
        assert (await hear(opened))["type"] == "ping"
        message = await hear(opened)
        assert (message["id"], message["type"]) == ("2", "next")
        assert message["payload"]["data"]["notices"]["kind"] == "RECORDS_READ"


async def test_a_bank_proves_its_key_on_the_handshake(pair: Pair):
    token = pair.one.home.token(BANK, scope="credit:consent")
    place = f"{pair.one.url}/graphql"
    nonce = (await pair.one.ask(MINE, token=token)).headers["dpop-nonce"]
    headers = presented(token, place, nonce, method="GET")
    init = {"authorization": headers["Authorization"], "dpop": headers["DPoP"]}
    async with socket(pair.one) as opened:
        await say(opened, type="connection_init", payload=init)
        assert (await hear(opened))["type"] == "connection_ack"
        await say(opened, id="1", type="subscribe", payload={"query": NOTICES})
        assert (await hear(opened))["type"] == "ping"
        await pair.tell(Recipient(RecipientKind.CLIENT, BANK), "rr_corrected")
        assert (await hear(opened))["payload"]["data"]["notices"]["pointer"] == "rr_corrected"
    async with socket(pair.one) as opened:  # a proof is good once
        await say(opened, type="connection_init", payload=init)
        assert await closing(opened) == 4403


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([{"id": "1", "type": "subscribe", "payload": {"query": NOTICES}}], 4401),
        ([{"type": "connection_init", "payload": {"authorization": "Bearer nothing"}}], 4403),
        ([{"type": "connection_init"}, {"type": "connection_init"}], 4429),
        ([["connection_init"]], 4400),
        ([{"type": "connection_init"}, {"id": 1, "type": "subscribe", "payload": {}}], 4400),
        ([{"type": "connection_init"}, {"id": "1", "type": "subscribe", "payload": []}], 4400),
        ([{"type": "nonsense"}], 4400),
    ],
    ids=["no-init", "bad-token", "two-inits", "no-object", "no-id", "no-payload", "no-type"],
)
async def test_what_is_against_the_protocol_closes_the_socket(server: Server, messages: Any, code: int):
    async with socket(server) as opened:
        for message in messages:
            await opened.send_json(message)
        received = await opened.receive()
        while received.type is aiohttp.WSMsgType.TEXT:
            received = await opened.receive()
        assert opened.close_code == code


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (MINE, "SUBSCRIPTION_TRANSPORT"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION"),
        ("subscription {", "GRAPHQL_SYNTAX"),
        (7, "BAD_REQUEST"),
    ],
)
async def test_what_cannot_run_on_a_socket_is_an_error_of_its_operation(
    server: Server, query: Any, code: str
):
    async with socket(server) as opened:
        await say(opened, type="connection_init")
        await hear(opened)
        await say(opened, id="1", type="subscribe", payload={"query": query})
        message = await hear(opened)
        assert (message["id"], message["type"]) == ("1", "error")
        assert [error["extensions"]["code"] for error in message["payload"]] == [code]


async def test_a_page_of_another_site_gets_no_socket(server: Server):
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with socket(server, Origin="https://elsewhere.example"):
            pass
    async with socket(server, Origin=server.url) as opened:
        await say(opened, type="connection_init")
        assert (await hear(opened))["type"] == "connection_ack"


async def test_a_socket_without_our_protocol_is_closed(server: Server):
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(server.url.replace("http", "ws") + "/graphql", protocols=["graphql-ws"]) as opened,
    ):
        await opened.receive()
        assert opened.close_code == 4406


async def test_a_query_is_answered_with_events_where_a_client_takes_nothing_else(server: Server):
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{server.url}/graphql",
            json={"query": "{ __typename }"},
            headers={"Accept": "text/event-stream"},
        ) as response,
    ):
        assert (
            await response.text()
            == 'event: next\ndata: {"data":{"__typename":"Query"}}\n\nevent: complete\ndata: \n\n'
        )


async def test_streams_end_when_the_gateway_stops(pair: Pair):
    async with events(pair.one, pair.token()) as mine:
        await pair.tell(person_party(pair), "ca_first")
        await notice(mine)
        pair.one.process.terminate()
        with pytest.raises(StopAsyncIteration):
            await anext(mine)
    await asyncio.to_thread(pair.one.process.wait, PATIENCE)
