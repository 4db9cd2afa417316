"""GR-10: no copy. No number, name, telephone or address of a person stays anywhere behind a request.

One person of the county gets values that occur nowhere else. Ten thousand reads carry them, by the
person and by officers in cases, and then some hundreds of errors, broken variables and documents,
headers and addresses. Then everything the process has left behind is searched for them, in every
spelling: log, store, metrics, whatever else lies in its folders.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
import pytest

from catalogue.identifiers import SubjectKey, citizen_id_15
from tests.support.canary import (
    ADDRESS,
    ID,
    NAME,
    PHONE,
    SECRETS,
    SHOP,
    bad_cases,
    broken_bodies,
    broken_documents,
    good_cases,
    personal_addresses,
    personal_headers,
)
from tests.support.county_answers import PERSON
from tests.support.departments import Departments, Settle
from tests.support.processes import Server, serving
from tests.support.questions import about, about_me

OWN_CARD = """
{ me { person { identity { civilIdentity { records { name citizenId registeredAddress } } } } } }
"""


READS = 10_000


@dataclass
class Sent:
    """One request and what came back."""

    status: int
    text: str
    headers: str
    own: bool
    """Whether the asker is the person, or an officer who gave the right number and name."""


@dataclass
class Aftermath:
    """Everything that is left when the requests are over."""

    replies: list[Sent]
    left: dict[str, bytes]


@pytest.fixture(scope="module")
def canary(settled: Settle) -> Iterator[tuple[Server, Departments]]:
    """The county in which PERSON has become the canary, logging all it ever logs."""
    home = settled(
        log={"level": "DEBUG"}, limits={"document_burst_kib": 100_000, "public_subjects_per_minute": 10**9}
    )
    home.environment["TMPDIR"] = str(home.folder / "tmp")
    (home.folder / "tmp").mkdir()
    with ExitStack() as tax:
        county = Departments(home, tax)
        for path in (home.folder / "county").glob("*.db"):
            rename(path)
        county.start_tax()
        with serving(home) as server:
            yield server, county


def rename(path: Path) -> None:
    """PERSON's number, name, telephone and address become the canary's, wherever they stand."""
    swaps = {
        PERSON.value: ID,
        citizen_id_15(PERSON.value) or "": citizen_id_15(ID) or "",
        "测试甲": NAME,
        "13800138000": PHONE,
    }
    with closing(sqlite3.connect(path)) as opened, opened:
        tables = [row[0] for row in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for _, column, kind, *_ in opened.execute(f'PRAGMA table_info("{table}")').fetchall():
                for old, new in swaps.items():
                    if old and "INT" not in kind.upper():
                        opened.execute(
                            f'UPDATE "{table}" SET "{column}" = replace("{column}", ?, ?)'
                            f' WHERE "{column}" LIKE ?',
                            (old, new, f"%{old}%"),
                        )
        if path.stem == "psb":
            opened.execute("UPDATE T_CZRK_JBXX SET MLXZ = ? WHERE GMSFHM LIKE ?", (ADDRESS, f"{ID}%"))


async def storm(server: Server, county: Departments) -> list[Sent]:
    """All requests, a few at a time; among them some while departments are down."""
    replies: list[Sent] = []
    async with aiohttp.ClientSession() as session:
        url = f"{server.url}/graphql"

        async def post(body: Any, *, own: bool = False, token: str | None = None, **headers: str) -> None:
            bearer = {"Authorization": f"Bearer {token}"} if token else {}
            raw = body if isinstance(body, bytes) else orjson.dumps(body)
            kind = {"Content-Type": "application/json"}
            async with session.post(url, data=raw, headers=kind | bearer | headers) as reply:
                replies.append(Sent(reply.status, await reply.text(), str(reply.headers), own))

        async def get(path: str, **headers: str) -> None:
            async with session.get(server.url + path, headers=headers) as reply:
                replies.append(Sent(reply.status, await reply.text(), str(reply.headers), own=False))

        tokens = {
            name: server.home.token(name) for name in ("service-hall", "hr-approval", "police-household")
        }
        me = server.home.token("citizen-app", SubjectKey.person(ID))

        def sent() -> Iterator[Any]:
            for _ in range(5):
                yield post({"query": about_me()}, own=True, token=me)
            yield from (post(body, own=True, token=tokens["service-hall"]) for body in good_cases())
            for client, body in itertools.product(tokens, bad_cases()):
                yield post(body, token=tokens[client])
            yield from (post(body) for body in (*bad_cases(), *good_cases(), *broken_documents()))
            yield from (post(body, token=me) for body in broken_documents())
            yield from (post(raw) for raw in broken_bodies())
            yield from (post({"query": "{ __typename }"}, **headers) for headers in personal_headers())
            yield from (get(path) for path in personal_addresses())
            yield post({"query": about(SubjectKey.entity(SHOP).subject_kind), "variables": {"uscc": SHOP}})

        def read(count: int) -> Iterator[Any]:
            own = orjson.dumps({"query": OWN_CARD})
            cases = itertools.cycle([orjson.dumps(body) for body in itertools.islice(good_cases(), 4)])
            for number in range(count):
                officer = number % 10 == 0
                body, token = (next(cases), tokens["service-hall"]) if officer else (own, me)
                yield post(body, own=True, token=token)

        for batch in batches(itertools.chain(read(READS), sent()), 32):
            await asyncio.gather(*batch)
        with county.down("court", "housing", "tax"):
            await post({"query": about_me()}, own=True, token=me)
            await post(next(iter(good_cases())), own=True, token=tokens["service-hall"])
        with county.down("psb"):
            await post({"query": about_me()}, own=True, token=me)
            await post(next(iter(good_cases())), own=True, token=tokens["service-hall"])
    return replies


def batches(items: Iterator[Any], size: int) -> Iterator[list[Any]]:
    while batch := list(itertools.islice(items, size)):
        yield batch


@pytest.fixture(scope="module")
def aftermath(canary: tuple[Server, Departments]) -> Aftermath:
    """Run everything once; what is left is read while the process still runs, and once more after."""
    server, county = canary

    async def run() -> Aftermath:
        replies = await storm(server, county)
        metrics = await server.metrics()
        ready = (await server.get("/readyz")).raw
        await shows_itself(server)
        return Aftermath(replies, {"/metrics": metrics, "/readyz": ready})

    found = asyncio.run(run())
    found.left["log"] = server.log.read_bytes()
    found.left["limits"] = Path(f"/proc/{server.process.pid}/limits").read_bytes()
    for path in server.home.folder.rglob("*"):
        if path.is_file() and county.folder not in path.parents:
            found.left[path.name] = path.read_bytes()
    return found


async def shows_itself(server: Server) -> None:
    """The canary really is there: what the searches below would find is in the answers."""
    token = server.home.token("citizen-app", SubjectKey.person(ID), acr="phr", auth_time=int(time.time()))
    reply = await server.ask(
        OWN_CARD,
        token=token,
    )
    (record,) = reply.data["me"]["person"]["identity"]["civilIdentity"]["records"]
    assert (record["name"], record["citizenId"], record["registeredAddress"]) == (NAME, ID, ADDRESS)


def spellings(secret: str) -> Iterator[bytes]:
    """Everything that a careless program makes of a text."""
    yield secret.encode()
    yield secret.lower().encode()
    yield secret.encode("gbk")
    yield secret.encode("utf-16-le")
    yield quote(secret).encode()
    yield secret.encode("unicode_escape")
    yield base64.b64encode(secret.encode()).rstrip(b"=")[:-1]
    for name in ("md5", "sha1", "sha256"):
        digest = hashlib.new(name, secret.encode())
        yield digest.hexdigest().encode()
        yield digest.digest()


def found_in(haystack: bytes, secrets: Sequence[str]) -> list[tuple[str, bytes]]:
    return [(secret, form) for secret in secrets for form in spellings(secret) if form in haystack]


def test_the_storm_was_one(aftermath: Aftermath) -> None:
    assert len(aftermath.replies) > READS + 240
    assert sum(sent.own and sent.status == 200 for sent in aftermath.replies) > READS * 0.99
    statuses = {sent.status for sent in aftermath.replies}
    assert statuses >= {200, 400, 401, 403, 404, 405, 413, 415} - {415}
    assert 500 not in statuses
    codes = {
        error["extensions"]["code"]
        for sent in aftermath.replies
        if sent.text.startswith("{")
        for error in orjson.loads(sent.text).get("errors", [])
    }
    assert codes >= {
        "PERSONAL_LITERAL",
        "IDENTIFIER_INVALID",
        "SUBJECT_NOT_CONFIRMED",
        "GRAPHQL_SYNTAX",
        "GRAPHQL_VALIDATION",
        "BAD_VARIABLES",
        "BAD_REQUEST",
        "CASE_NUMBER_INVALID",
        "SCENARIO_NOT_MANDATED",
        "TOKEN_MALFORMED",
        "SOURCE_UNAVAILABLE",
        "IDENTITY_UNAVAILABLE",
    }
    assert "INTERNAL" not in codes


def test_nothing_personal_stays_behind(aftermath: Aftermath) -> None:
    places = {"/metrics", "/readyz", "gateway.db", "gateway.db-wal", "gateway.yaml", "keys.yaml"}
    assert places <= {place for place, content in aftermath.left.items() if content}
    for place, content in aftermath.left.items():
        assert found_in(content, SECRETS) == [], place


def test_a_crash_leaves_no_dump_of_what_was_in_memory(aftermath: Aftermath) -> None:
    (limit,) = (line for line in aftermath.left["limits"].splitlines() if b"core file" in line)
    assert limit.split()[4:6] == [b"0", b"0"]


def test_nothing_personal_is_shown_to_others(aftermath: Aftermath) -> None:
    for sent in aftermath.replies:
        if not sent.own:
            assert found_in((sent.text + sent.headers).encode(), SECRETS) == [], sent.text[:300]


def test_errors_tell_nobody_anything_personal(aftermath: Aftermath) -> None:
    for sent in aftermath.replies:
        if sent.text.startswith("{"):
            errors = orjson.dumps(orjson.loads(sent.text).get("errors", []))
            assert found_in(errors, SECRETS) == []


def test_the_log_and_the_store_did_record_something(aftermath: Aftermath) -> None:
    lines = [orjson.loads(line) for line in aftermath.left["log"].splitlines() if line.startswith(b"{")]
    operations = [line for line in lines if line["event"] == "operation"]
    assert len(operations) > READS + 150
    assert {line["outcome"] for line in operations} >= {"ok", "partial", "refused"}
    assert aftermath.left["gateway.db"].startswith(b"SQLite format 3")
