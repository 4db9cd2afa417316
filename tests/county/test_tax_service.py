"""The tax bureau's proxy behaves like legacy/L5: HTTP 200 for everything, a code inside."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.county.conftest import Written
from tests.support.county_sources import SECRET, serving_tax

COMPANY = "91990100MA9TE00142"


def headers(body: bytes, *, secret: str = SECRET, ts: int | None = None) -> dict[str, str]:
    stamp = str(int(time.time()) if ts is None else ts)
    signed = b"app" + stamp.encode() + body + secret.encode()
    return {"appid": "app", "ts": stamp, "sign": hashlib.md5(signed).hexdigest().upper()}


async def post(address: str, path: str, body: object, **signing: Any) -> dict[str, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with (
        aiohttp.ClientSession() as session,
        session.post(address + path, data=data, headers=headers(data, **signing)) as reply,
    ):
        assert reply.status == 200
        assert reply.charset == "GBK"  # it lies: the body is UTF-8
        return json.loads(await reply.read())


@pytest.fixture
def data(written: Written) -> Path:
    return written.folder / "tax.db"


async def test_rows_travel_as_a_json_string(data: Path) -> None:
    async with serving_tax(data) as address:
        reply = await post(address, "/nsxy/query", {"body": {"nsrsbh": COMPANY, "page": "1"}})
    assert (reply["code"], reply["msg"]) == ("00", "成功")
    rows = json.loads(reply["data"])
    assert [(row["pdnd"], row["xyjb"]) for row in rows] == [(2023, "A"), (2024, "A"), (2024, "B")]
    assert rows[0]["gbrq"] == 1713801600000
    assert rows[1]["gbrq"] == "2025-04-23 00:00:00.0"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"body": {"nsrsbh": "91990100MA9TE009XP"}}, "01"),
        ({"body": {"nsrsbh": COMPANY, "page": "2"}}, "01"),
        ({"head": {}}, "98"),
        (b"not json", "98"),
    ],
)
async def test_a_code_says_what_the_status_does_not(data: Path, body: object, code: str) -> None:
    async with serving_tax(data) as address:
        reply = await post(address, "/nsxy/query", body)
    assert (reply["code"], reply["data"]) == (code, None)


@pytest.mark.parametrize("signing", [{"secret": "wrong"}, {"ts": 1}])
async def test_an_unsigned_or_stale_call_is_refused(data: Path, signing: dict[str, Any]) -> None:
    async with serving_tax(data) as address:
        reply = await post(address, "/nsxy/query", {"body": {"nsrsbh": COMPANY}}, **signing)
    assert reply["code"] == "97"


async def test_it_says_that_it_is_busy(data: Path) -> None:
    async with serving_tax(data, rate=2) as address:
        replies = [await post(address, "/nsxy/query", {"body": {"nsrsbh": COMPANY}}) for _ in range(4)]
    assert "99" in [reply["code"] for reply in replies]


async def test_notices_are_xml_with_thousands_separators(data: Path) -> None:
    async with serving_tax(data) as address, aiohttp.ClientSession() as session:
        query = {"nsrsbh": COMPANY}
        async with session.get(f"{address}/qs/gg", params=query, headers=headers(b"")) as reply:
            text = (await reply.read()).decode()
    assert "<QSYE>12,345.60</QSYE>" in text
    assert "<NSRMC>测试有限公司</NSRMC>" in text
