"""docs/client.md as it stands, and what its client promises, against a real server."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from authz.demo_tokens import issue_operator
from authz.moments import now_in_china
from gateway.client import (
    AsyncClient,
    BearerToken,
    ByHand,
    Case,
    Finding,
    GatewayError,
    Person,
    Refused,
    Report,
    Unreachable,
    check_receipt,
)
from tests.checks.conftest import Office, key, office  # noqa: F401 - the fixture
from tests.support.declared import DECLARED
from tests.support.documents import ROOT, sections
from tests.support.processes import environ, free_port

pytestmark = pytest.mark.asyncio(loop_scope="session")
OPERATIONS = ROOT / "examples" / "scenarios"
SOMEBODY = "测试甲"


def case(number: int, **changes: Any) -> Case:
    said = {
        "reason_code": DECLARED["reasonCode"],
        "no_conflict_of_interest": True,
        "repeat_reason": DECLARED["repeatReason"],
        "repeat_note": DECLARED["repeatNote"],
    }
    return Case(
        scenario="S04", purpose="公务员招录资格审查", case_no=f"RSKS-2026-{number}", **(said | changes)
    )


def somebody() -> Person:
    return Person(key(SOMEBODY).value, SOMEBODY)


def report(receipt: str, **changes: Any) -> Report:
    day = now_in_china().date()
    said = {"result": "GRANTED", "officer": "op-0087", "concluded_on": day, "reasons": "符合报考条件"}
    return Report(receipt=receipt, **(said | changes))


@asynccontextmanager
async def client(office: Office, **more: Any) -> AsyncIterator[AsyncClient]:  # noqa: F811
    url = f"{office.stage.urls['default']}/graphql"
    credentials = BearerToken(office.officer_of("S04"))
    async with AsyncClient(url, credentials, OPERATIONS, **more) as opened:
        yield opened


def jwks(office: Office) -> dict[str, Any]:  # noqa: F811
    return office.stage.deployment.keys.receipt_keys().as_dict(private=False)


async def test_the_example_runs_as_printed(office: Office, tmp_path: Path):  # noqa: F811
    deployment = office.stage.deployment
    now = now_in_china()
    registered = deployment.clients.active("hr-approval", now.date())
    assertion = issue_operator(
        deployment.keys, registered, audience=deployment.settings.audience, now=now, operator="op-0087"
    )
    page = sections(ROOT / "docs" / "client.md")["A check, a conclusion"]
    (code,) = page.blocks("python")
    (tmp_path / "example.py").write_text(code, "utf-8")
    (tmp_path / "operations").symlink_to(OPERATIONS)
    variables = {
        "GATEWAY": office.stage.urls["default"],
        "TOKEN": office.officer_of("S04"),
        "OPERATOR": assertion,
        "PYTHONIOENCODING": "utf-8",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "example.py", cwd=tmp_path, env=environ() | variables, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert "P-FY-01" in out.decode()
    assert "True" in out.decode()


async def test_a_case_goes_from_check_to_conclusion(office: Office):  # noqa: F811
    async with client(office) as gateway:
        check = await gateway.must_check(somebody(), case(8101))
        assert check.complete
        assert check.item("P-FY-01").result is Finding.PRESENT
        assert check.item("P-FY-01").records
        told = report(check.receipt.jws)
        first = await gateway.report_outcome(told, case(8101))
        assert await gateway.report_outcome(told, case(8101)) == first
        with pytest.raises(Refused, match="OUTCOME_REPORTED"):
            await gateway.report_outcome(report(check.receipt.jws, result="DECLINED"), case(8101))
        with pytest.raises(Refused) as refused:
            await gateway.must_check(somebody(), case(8101, no_conflict_of_interest=None))
        assert refused.value.request_id
    proof = check_receipt(check.receipt, jwks(office))
    assert (proof.jti, proof.case_no) == (check.check_id, "RSKS-2026-8101")
    forged = type(check.receipt)(
        jws=check.receipt.jws, nonce=check.receipt.nonce, statement=check.receipt.statement + " "
    )
    with pytest.raises(Refused, match="RECEIPT_INVALID"):
        check_receipt(forged, jwks(office))


async def test_what_is_not_known_is_neither_true_nor_false(office: Office):  # noqa: F811
    court = office.folder / "court.db"
    away = court.rename(court.with_suffix(".off"))
    try:
        async with client(office) as gateway:
            check = await gateway.must_check(somebody(), case(8102))
            by_hand = ByHand(
                receipt=check.receipt.jws,
                record_type="P-FY-01",
                method="TELEPHONE",
                checked_on=now_in_china().date(),
            )
            done = await gateway.record_manual_check(by_hand, case(8102))
    finally:
        away.rename(court)
    lost = check.item("P-FY-01")
    assert not check.complete
    assert check.manual_check_required
    assert "P-FY-01" not in done.outstanding
    assert lost.result is Finding.UNKNOWN
    for value in (check, lost, lost.result, lost.records, check.measures, check.predicates[0].value):
        with pytest.raises(TypeError):
            bool(value)
    with pytest.raises(TypeError):
        list(lost.records or ())
    assert SOMEBODY not in repr(somebody())


@asynccontextmanager
async def lost_answers(*, hangs: bool) -> AsyncIterator[tuple[str, list[int]]]:
    """A gateway that takes a request and then dies, or says nothing."""
    taken: list[int] = []
    over = asyncio.Event()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.append(len(await reader.readuntil(b"\r\n\r\n")))
        if hangs:
            await over.wait()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/graphql", taken
        over.set()


async def test_a_check_whose_answer_is_lost_is_never_sent_again_by_itself():
    for hangs, code in ((False, "GATEWAY_RUBBISH"), (True, "GATEWAY_TIMEOUT")):
        async with (
            lost_answers(hangs=hangs) as (url, taken),
            AsyncClient(url, BearerToken("t"), OPERATIONS, timeout=0.5) as gateway,
        ):
            with pytest.raises(Unreachable) as lost:
                await gateway.must_check(somebody(), case(8103))
            assert (lost.value.code, lost.value.sent, len(taken)) == (code, True, 1)
            with pytest.raises(Unreachable):
                await gateway.report_outcome(report("r"), case(8103))
            assert len(taken) == 4
    async with AsyncClient(f"http://127.0.0.1:{free_port()}", BearerToken("t"), OPERATIONS) as gateway:
        with pytest.raises(GatewayError, match="GATEWAY_UNREACHABLE") as refused:
            await gateway.must_check(somebody(), case(8104))
    assert isinstance(refused.value, Unreachable)
    assert not refused.value.sent


async def test_it_brings_nothing_of_the_server_along():
    server = {"authz", "catalogue", "connectors", "resolvers", "sqlalchemy", "starlette", "strawberry"}
    look = f"import sys, gateway.client; sys.exit(sorted({server!r} & sys.modules.keys()) or 0)"
    subprocess.run([sys.executable, "-c", look], check=True)  # noqa: ASYNC221 - a moment
