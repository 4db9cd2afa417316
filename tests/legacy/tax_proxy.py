"""The proxy of L5_tax_rest.md: HTTP 200 for all, codes inside, rows as a string, a header that lies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

SECRET = "legacy-secret"
PAGE = 10
GIVEN = {
    "nsrsbh": "91990100MA9TE00142",
    "nsrmc": "测试有限公司",
    "pdnd": 2023,
    "xyjb": "A",
    "gbrq": 1713801600000,
    "swjgDm": "19901000000",
    "yxbz": "Y",
}
"""The row that was given."""
OLD, MANY, BUSY = "93990100NA9TE00626", "91990100MA9TE002XG", "91990100MA9TE003XH"
RATINGS = {
    GIVEN["nsrsbh"]: [
        GIVEN,
        GIVEN | {"pdnd": 2022, "xyjb": "B", "gbrq": "2023-04-23 00:00:00.0", "gxsj": "2023-04-20 08:00:00"},
        GIVEN | {"pdnd": 2022, "xyjb": "D", "gbrq": "2023-09-01 00:00:00.0", "gxsj": "2023-08-20 08:00:00"},
        GIVEN | {"pdnd": 2021, "xyjb": "未参评", "gbrq": ""},
        GIVEN | {"pdnd": 2020, "xyjb": None, "gbrq": None},
        GIVEN | {"nsrsbh": "99010119800101001402", "pdnd": 2019, "xyjb": "D"},
    ],
    "990100NA9TE0062": [GIVEN | {"nsrsbh": "990100NA9TE0062", "nsrmc": "测试农民专业合作社", "xyjb": "M"}],
    MANY: [GIVEN | {"nsrsbh": MANY, "pdnd": year} for year in range(2012, 2024)],
}
ARREARS = (
    "<ROWS><ROW><NSRSBH>91990100MA9TE00142</NSRSBH><QSSZ>增值税</QSSZ>"
    "<QSYE>12,345.60</QSYE><GGRQ>2024-04-23 00:00:00.0</GGRQ></ROW></ROWS>"
)


async def _ratings(request: web.Request) -> web.Response:
    body = await request.read()
    stamped = request.headers["appid"].encode() + request.headers["ts"].encode() + body + SECRET.encode()
    if request.headers["sign"] != hashlib.md5(stamped, usedforsecurity=False).hexdigest().upper():
        return _answer("97", "签名错误", None)
    asked = json.loads(body)["body"]
    if asked["nsrsbh"] == BUSY:
        return _answer("99", "系统繁忙", None)
    start = (int(asked["page"]) - 1) * PAGE
    rows = RATINGS.get(asked["nsrsbh"], [])[start : start + PAGE]
    return _answer("00", "成功", json.dumps(rows)) if rows else _answer("01", "查无数据", None)


def _answer(code: str, message: str, data: str | None) -> web.Response:
    """In UTF-8, whatever the header says."""
    body = json.dumps({"code": code, "msg": message, "data": data}, ensure_ascii=False).encode()
    return web.Response(body=body, headers={"Content-Type": "application/json;charset=GBK"})


async def _arrears(request: web.Request) -> web.Response:
    known = request.query["nsrsbh"] in ARREARS
    return web.Response(text=ARREARS if known else "<ROWS/>", content_type="text/xml")


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    """The address of the running service."""
    app = web.Application()
    app.router.add_post("/nsxy/query", _ratings)
    app.router.add_get("/qs/gg", _arrears)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
