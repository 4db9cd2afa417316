"""Words of a caller in the log and in the audit: single, parseable, of their form, or not at all."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from gateway import logs
from tests.attack.conftest import Target
from tests.support.declared import DECLARED

pytestmark = pytest.mark.asyncio(loop_scope="session")

FORGED = '{"event":"operation","client":"forged-client","outcome":"ok"}'
INJECTIONS = {
    "a line": f"录用审查\n{FORGED}",
    "a carriage return": f"录用审查\r{FORGED}",
    "a unicode line": f"录用审查\u2028{FORGED}",
    "the end of a string": f'录用审查"}}\n{FORGED}',
    "colours": "录用审查\x1b[2K\x1b[1A\x1b[31mforged-client",
    "a zero": "录用审查\x00forged-client!",
    "the other direction": "录用审查\u202etneilc-degrof",
    "JSON": FORGED,
}
CASE = """query Case($who: SubjectLookup!, $access: AccessContext!) {
  subject(lookup: $who, access: $access) { kind }
}"""
PLACES = ("purpose", "caseNo", "repeatNote", "operationName", "X-Request-ID", "name")
WHO = {"person": {"citizenId": "990101198001010014", "name": "测试甲"}}
ACCESS = {"scenario": "S04", "caseNo": "RSKS-2026-0001", "purpose": "录用审查"} | DECLARED


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    captured = io.StringIO()
    logs.configure("DEBUG", "json", captured)
    yield captured
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def logged(stream: io.StringIO) -> list[dict[str, Any]]:
    """Each line is one JSON object, and nothing in it is forged."""
    text = stream.getvalue()
    found = [json.loads(line) for line in text.split("\n")[:-1]]
    assert text.isprintable() or not set(text) - set("\n") & set("\x00\x1b\r\u2028\u202e")
    assert not any(line.get("client") == "forged-client" for line in found)
    assert "forged-client" not in text
    return found


async def leaves(target: Target, start: int) -> list[dict[str, Any]]:
    return [leaf.event async for leaf in target.deployment.audit.read(start=start)]


def _texts(event: Any) -> Iterator[str]:
    """Every text in an event, whole."""
    if isinstance(event, str):
        yield event
    for each in event.values() if isinstance(event, dict) else event if isinstance(event, list) else ():
        yield from _texts(each)


@pytest.mark.parametrize("words", INJECTIONS.values(), ids=INJECTIONS)
@pytest.mark.parametrize(
    "place", ["purpose", "caseNo", "repeatNote", "operationName", "X-Request-ID", "name"]
)
async def test_callers_words_stay_what_they_are(
    target: Target, stream: io.StringIO, place: str, words: str
) -> None:
    before = len(await leaves(target, 0))
    variables: dict[str, Any] = {"who": WHO, "access": dict(ACCESS)}
    headers: dict[str, str] = {}
    query = CASE
    if place == "X-Request-ID":
        # a client library lets no line end into a header, so what is left of it goes
        headers[place] = "".join(filter(str.isprintable, words)).encode("ascii", "ignore").decode()
    elif place == "operationName":
        query = CASE.replace("Case(", f"{words}(")
    elif place == "name":
        variables["who"] = {"person": WHO["person"] | {"name": words}}
    else:
        variables["access"] |= {place: words}
    status, body = await target.ask(query, variables, target.officer(), **headers)
    assert status in (200, 400, 403)
    for line in logged(stream):
        assert line["event"] in ("operation", "request", "use alarm")
    for event in (await leaves(target, 0))[before:]:
        written = json.dumps(event, ensure_ascii=False)
        if words is FORGED and place in ("purpose", "repeatNote"):
            assert FORGED in _texts(event) or "forged-client" not in written, "one text, and nothing else"
        else:
            assert "forged-client" not in written
        assert not set(written) & set("\x00\x1b\r\n\u2028\u202e")
    assert (await target.deployment.audit.verify()).fault is None
    assert body


@pytest.mark.parametrize(
    "name", ["q13800138000", "q138_0013_8000", "a1b3c8d0e0f1g3h8i0j0k0", "q990101_19800101_0014"]
)
async def test_an_operation_is_not_named_by_a_number_in_pieces(
    target: Target, stream: io.StringIO, name: str
) -> None:
    before = len(await leaves(target, 0))
    await target.ask(
        CASE.replace("Case(", f"{name}("), {"who": WHO, "access": ACCESS}, target.officer("rail-enforcement")
    )
    named = [line["operation"] for line in logged(stream) if line["event"] == "operation"]
    assert set(named) <= {"[refused]", ""}
    for event in (await leaves(target, 0))[before:]:
        assert name not in json.dumps(event)


@pytest.mark.parametrize("purpose", ["核查测试甲的资格", "核查 测 试·甲 的资格", "测试甲"])
@pytest.mark.parametrize("place", ["purpose", "repeatNote"])
async def test_the_name_that_is_looked_up_is_not_written_down(
    target: Target, stream: io.StringIO, place: str, purpose: str
) -> None:
    before = len(await leaves(target, 0))
    access = ACCESS | {place: purpose}
    _, body = await target.ask(CASE, {"who": WHO, "access": access}, target.officer())
    assert [error["extensions"]["code"] for error in body["errors"]] == ["PERSONAL_LITERAL"]
    for event in (await leaves(target, 0))[before:]:
        assert event["phase"] == "DENIAL"
        assert not set("测甲") & set(json.dumps(event, ensure_ascii=False))
    assert logged(stream)
