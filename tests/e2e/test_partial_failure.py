"""A department that is down, slow or talks rubbish changes its own sections and nothing else."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from aiohttp import web

from catalogue.identifiers import SubjectKind
from tests.e2e.conftest import EngineCounty
from tests.support.county_answers import (
    FIRM,
    PERSON,
    back_to,
    changed,
    faults,
    mine,
    my_sections,
    only_changed,
    served_by,
)
from tests.support.declared import DECLARED
from tests.support.departments import Departments
from tests.support.processes import Reply, Server, eventually
from tests.support.questions import about, sections

BEHIND_IDENTITY = ("court", "market", "tax", "hr", "housing", "civil", "sgs")
DOWN = {
    "state": "UNAVAILABLE",
    "reasons": ("SOURCE_UNAVAILABLE", "CONNECT", "BREAKER_OPEN"),
    "code": "SOURCE_UNAVAILABLE",
    "retryable": True,
}
RUBBISH = {"state": "UNAVAILABLE", "code": "SOURCE_RUBBISH", "retryable": True}
BUSY = {"state": "BUSY", "code": "SOURCE_BUSY", "retryable": True}
LATE = {
    "state": "TIMEOUT",
    "reasons": ("SOURCE_TIMEOUT", "DEADLINE"),
    "code": "SOURCE_TIMEOUT",
    "retryable": True,
}
TWO_TYPES = """
query Two { me { person { records(types: ["P-FY-01", "P-ZJ-01"]) {
  state sections { recordType state reason } edges { node { recordType } }
} } } }
"""
VERIFY = """
query Verify($lookup: PersonLookup!, $access: AccessContext!) {
  verifyIdentity(lookup: $lookup, access: $access)
}
"""


@pytest.mark.parametrize("name", BEHIND_IDENTITY)
async def test_a_department_that_is_down_changes_only_its_own_sections(
    server: Server, departments: Departments, name: str
) -> None:
    whole = await mine(server)
    with departments.down(name):
        broken = await mine(server)
    only_changed(whole, broken, served_by(name), name, **DOWN)
    await back_to(server, whole)


async def test_the_police_without_one_table_lose_that_section_only(
    server: Server, departments: Departments
) -> None:
    whole = await mine(server)
    with departments.writing("psb") as psb:
        psb.execute("ALTER TABLE T_JTWF_JDS RENAME TO T_JTWF_JDS_OLD")
    broken = await mine(server)
    with departments.writing("psb") as psb:
        psb.execute("ALTER TABLE T_JTWF_JDS_OLD RENAME TO T_JTWF_JDS")
    before, after = my_sections(whole), my_sections(broken)
    assert changed(before, after) == {"P-GA-02"}
    assert after["P-GA-02"] == {"state": "UNAVAILABLE", "reason": "SOURCE_DRIFT", "records": None}
    (fault,) = (fault for path, fault in faults(broken).items() if path not in faults(whole))
    assert (fault["code"], fault["source"], fault["retryable"]) == ("SOURCE_DRIFT", "psb", False)
    await back_to(server, whole)


async def test_a_connection_over_all_types_says_which_could_not_be_asked(
    server: Server, departments: Departments
) -> None:
    token = server.home.token("citizen-app", PERSON)
    whole = (await server.ask(TWO_TYPES, token=token)).data["me"]["person"]["records"]
    assert whole["state"] == "OK"
    with departments.down("housing"):
        broken = (await server.ask(TWO_TYPES, token=token)).data["me"]["person"]["records"]
    assert broken["state"] == "PARTIAL"
    states = {entry["recordType"]: entry["state"] for entry in broken["sections"]}
    assert states == {"P-FY-01": "OK", "P-ZJ-01": "UNAVAILABLE"}
    assert {edge["node"]["recordType"] for edge in broken["edges"]} == {"P-FY-01"}
    await back_to(server, await mine(server))


async def test_without_the_police_nobody_is_asked_about_a_person(
    server: Server, departments: Departments
) -> None:
    whole = await mine(server)
    with departments.down("psb", "tax"), callers(departments.tax_port) as called:
        broken = await mine(server)
        assert not called()
    told = my_sections(broken)
    assert {(section["state"], section["reason"]) for section in told.values()} == {
        ("UNAVAILABLE", "IDENTITY")
    }
    assert all(section["records"] is None for section in told.values())
    assert {fault["code"] for fault in faults(broken).values()} == {"IDENTITY_UNAVAILABLE"}
    assert len(broken.errors) == len(told)
    assert broken.sources == {"psb": {"UNAVAILABLE"}}
    await back_to(server, whole)


async def test_without_the_market_register_nothing_is_said_of_a_firm(
    server: Server, departments: Departments
) -> None:
    question, variables = about(SubjectKind.ENTERPRISE), {"uscc": FIRM.value}
    whole = await server.ask(question, variables)
    assert "OK" in {section["state"] for section in firm_sections(whole).values()}
    with departments.down("market", "tax"), callers(departments.tax_port) as called:
        broken = await server.ask(question, variables)
        assert not called()
    told = firm_sections(broken)
    asked = {code for code, section in told.items() if section["state"] != "DENIED"}
    assert {told[code]["reason"] for code in asked} == {"IDENTITY"}
    assert all(section["records"] is None for section in told.values())
    assert broken.sources == {"market": {"UNAVAILABLE"}}

    async def same() -> bool:
        return bool((await server.ask(question, variables)).data == whole.data)

    await eventually(same)


async def test_an_identity_authority_that_is_down_is_unsure(server: Server, departments: Departments) -> None:
    variables = {
        "lookup": {"citizenId": PERSON.value, "name": "测试甲"},
        "access": {"scenario": "S01", "caseNo": "HJQY-2026-0001", "purpose": "户口迁移"} | DECLARED,
    }
    token = server.home.token("police-household")

    async def verdict() -> str:
        reply = await server.ask(VERIFY, variables, token)
        return str(reply.data["verifyIdentity"])

    assert await verdict() == "MATCH"
    with departments.down("psb"):
        assert await verdict() == "UNSURE"

    async def sure_again() -> bool:
        return await verdict() == "MATCH"

    await eventually(sure_again)


@pytest.mark.parametrize(
    ("body", "expected", "reason"),
    [
        (b'{"code": "00", "msg": "', RUBBISH, "UNREADABLE"),
        (b'{"code": "00", "data": "[{\\"zjhm\\": "}', RUBBISH, "UNREADABLE"),
        (b"<html><body>502 Bad Gateway</body></html>", RUBBISH, "UNREADABLE"),
        (bytes(range(256)), RUBBISH, "CHARSET"),
        (b"[]", RUBBISH, "SHAPE"),
        (b"", RUBBISH, "UNREADABLE"),
        (b'{"code": "99", "msg": ""}', BUSY, "CODE_BUSY"),
    ],
    ids=["half a JSON", "half a list inside", "an error page", "bytes", "another shape", "nothing", "busy"],
)
async def test_a_service_that_talks_rubbish(
    server: Server, departments: Departments, body: bytes, expected: dict[str, object], reason: str
) -> None:
    whole = await mine(server)
    with departments.down("tax"):
        async with saying(body, departments.tax_port):
            broken = await mine(server)
    only_changed(whole, broken, served_by("tax"), "tax", reasons=(reason,), **expected)
    await back_to(server, whole)


async def test_a_file_that_is_no_database(server: Server, departments: Departments) -> None:
    whole = await mine(server)
    with departments.down("court"), garbage(departments.file("court")):
        broken = await mine(server)
    only_changed(whole, broken, served_by("court"), "court", reasons=("SOURCE_RUBBISH",), **RUBBISH)
    await back_to(server, whole)


async def test_rows_beyond_the_cap_are_left_out_and_said_so(server: Server, departments: Departments) -> None:
    whole = await mine(server)
    with departments.writing("court") as court:
        highest = court.execute("SELECT max(id) FROM zx_sxbzxr").fetchone()[0]
        columns = [row[1] for row in court.execute("PRAGMA table_info(zx_sxbzxr)") if row[1] != "id"]
        listed = ", ".join(columns)
        for number in range(250):
            court.execute(
                f"INSERT INTO zx_sxbzxr (id, {listed}) SELECT ?, {listed} FROM zx_sxbzxr"
                " WHERE zjhm LIKE ? AND zt = 1 LIMIT 1",
                (highest + 1 + number, f"{PERSON.value}%"),
            )
    capped = await mine(server)
    with departments.writing("court") as court:
        assert court.execute("DELETE FROM zx_sxbzxr WHERE id > ?", (highest,)).rowcount == 250
    section = my_sections(capped)["P-FY-01"]
    assert (section["state"], section["reason"], len(section["records"])) == ("PARTIAL", "ROW_CAP", 200)
    assert changed(my_sections(whole), my_sections(capped)) == {"P-FY-01"}
    await back_to(server, whole)


async def test_a_row_that_cannot_be_read_makes_its_section_partial(
    server: Server, departments: Departments
) -> None:
    whole = await mine(server)
    mine_only = "SELECT min(aaz159) FROM ac02 JOIN ac01 USING (aac001) WHERE aac002 = ?"
    with departments.writing("hr") as hr:
        row, scheme = hr.execute(
            f"SELECT aaz159, aae140 FROM ac02 WHERE aaz159 = ({mine_only})", (PERSON.value,)
        ).fetchone()
        hr.execute("UPDATE ac02 SET aae140 = '???' WHERE aaz159 = ?", (row,))
    poorer = await mine(server)
    with departments.writing("hr") as hr:
        hr.execute("UPDATE ac02 SET aae140 = ? WHERE aaz159 = ?", (scheme, row))
    before, after = my_sections(whole), my_sections(poorer)
    assert changed(before, after) == {"P-RS-03"}
    assert (after["P-RS-03"]["state"], after["P-RS-03"]["reason"]) == ("PARTIAL", "ROWS_REJECTED")
    assert len(after["P-RS-03"]["records"]) == len(before["P-RS-03"]["records"]) - 1
    await back_to(server, whole)


@pytest.mark.parametrize("name", ["housing"])
async def test_a_slow_source_is_cut_off_at_its_deadline_and_stopped_at_the_server(
    engine_county: EngineCounty, name: str
) -> None:
    server = engine_county.server
    whole = await mine(server)
    await engine_county.pace(name, 60)
    slow = await mine(server)

    async def idle() -> bool:
        return not await engine_county.running(name)

    await eventually(idle)
    await engine_county.pace(name, 0)
    only_changed(whole, slow, served_by(name), name, **LATE)
    (latency,) = (
        entry["latencyMs"] for entry in slow.body["extensions"]["sources"] if entry["source"] == name
    )
    assert latency < 60_000
    await back_to(server, whole)


def firm_sections(reply: Reply) -> dict[str, dict[str, object]]:
    return sections(SubjectKind.ENTERPRISE, reply.data["enterprise"])


@contextmanager
def callers(port: int) -> Iterator[object]:
    """Somebody at that port who takes no calls, but knows whether one came."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        listener.setblocking(False)

        def called() -> bool:
            try:
                listener.accept()[0].close()
            except BlockingIOError:
                return False
            return True

        yield called


@asynccontextmanager
async def saying(body: bytes, port: int) -> AsyncIterator[None]:
    """A service that answers everything with these bytes."""

    async def say(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", say)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


@contextmanager
def garbage(path: Path) -> Iterator[None]:
    path.write_bytes(b"no database, but long enough to be taken for one " * 100)
    yield
    path.unlink()
