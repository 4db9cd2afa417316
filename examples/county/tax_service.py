"""The tax bureau's REST proxy of the demo county, with its habits: `tax_service.py --data tax.db`.

HTTP 200 for everything; a code inside; rows as a JSON string; a charset header that lies;
md5 signatures; ten rows a page; "system busy" beyond its rate; arrears as XML.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

PAGE: Final = 10
WINDOW: Final = 300
"""Seconds a signature stays good."""

BUSY_WITH: Final = "990101198609150066"
"""忙线样例, about whom it is always too busy to answer: a test subject (docs/sandbox.md)."""

Fields = Mapping[str, object]
_FILE: Final = web.AppKey("file", sqlite3.Connection)
_SECRET: Final = web.AppKey("secret", str)

_RATINGS: Final = "SELECT * FROM nsxy WHERE nsrsbh = ? ORDER BY xh LIMIT ? OFFSET ?"
_CASES: Final = "SELECT * FROM zdsx WHERE zjhm = ? ORDER BY ajbh LIMIT ? OFFSET ?"
_NOTICES: Final = "SELECT * FROM zdsx WHERE nsrsbh = ? ORDER BY ajbh"


def application(data: Path, secret: str, rate: float) -> web.Application:
    """The service over one file, opened read-only; `rate` is in calls a second."""
    app = web.Application(middlewares=[_throttle(rate), _signed])
    app[_FILE] = sqlite3.connect(f"{data.resolve().as_uri()}?mode=ro", uri=True)
    app[_FILE].row_factory = sqlite3.Row
    app[_SECRET] = secret
    app.router.add_post("/nsxy/query", _ratings)
    app.router.add_post("/zdsx/query", _cases)
    app.router.add_get("/qs/gg", _notices)
    app.on_cleanup.append(_close)
    return app


async def _close(app: web.Application) -> None:
    app[_FILE].close()


def _throttle(rate: float) -> Middleware:
    recent: deque[float] = deque(maxlen=max(1, int(rate)))

    @web.middleware
    async def throttle(request: web.Request, handler: Handler) -> web.StreamResponse:
        now = time.monotonic()
        if len(recent) == recent.maxlen and now - recent[0] < 1:
            return _json("99", "系统繁忙")
        recent.append(now)
        return await handler(request)

    return throttle


@web.middleware
async def _signed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a call whose `sign` is not upper(md5(appid + ts + body + secret)) of these minutes."""
    application_id, stamp = request.headers.get("appid", ""), request.headers.get("ts", "")
    signed = f"{application_id}{stamp}".encode() + await request.read() + request.app[_SECRET].encode()
    digest = hashlib.md5(signed, usedforsecurity=False).hexdigest().upper()
    fresh = stamp.isdecimal() and abs(time.time() - int(stamp)) < WINDOW
    if not fresh or digest != request.headers.get("sign"):
        return _json("97", "签名错误")
    return await handler(request)


async def _ratings(request: web.Request) -> web.Response:
    return await _page(request, _RATINGS, "nsrsbh", _rating)


async def _cases(request: web.Request) -> web.Response:
    return await _page(request, _CASES, "zjhm", dict)


async def _page(
    request: web.Request, query: str, key: str, shape: Callable[[sqlite3.Row], Fields]
) -> web.Response:
    try:
        asked = json.loads(await request.read())["body"]
        number, page = str(asked[key]), max(1, int(asked.get("page", "1")))
    except (ValueError, KeyError, TypeError):
        return _json("98", "报文格式错误")
    if number == BUSY_WITH:
        return _json("99", "系统繁忙")
    found = request.app[_FILE].execute(query, (number, PAGE, (page - 1) * PAGE)).fetchall()
    if not found:
        return _json("01", "查无数据")
    return _json("00", "成功", json.dumps([shape(row) for row in found], ensure_ascii=False))


def _rating(row: sqlite3.Row) -> Fields:
    """Dates that are epoch milliseconds travel as numbers, the others as text."""
    published = row["gbrq"]
    return dict(row) | {"gbrq": int(published) if published.isdecimal() else published}


async def _notices(request: web.Request) -> web.Response:
    number = request.query.get("nsrsbh", "")
    rows = request.app[_FILE].execute(_NOTICES, (number,)).fetchall()
    body = "".join(f"<ROW>{_elements(row)}</ROW>" for row in rows)
    document = f'<?xml version="1.0" encoding="GBK"?><ROWS>{body}</ROWS>'
    return web.Response(body=document.encode(), headers={"Content-Type": "text/xml;charset=GBK"})


def _elements(row: sqlite3.Row) -> str:
    renamed = {"XM": "NSRMC"}
    cells = ((name.upper(), "" if row[name] is None else str(row[name])) for name in tuple(row.keys()))
    return "".join(
        f"<{renamed.get(name, name)}>{escape(text)}</{renamed.get(name, name)}>" for name, text in cells
    )


def _json(code: str, message: str, data: str | None = None) -> web.Response:
    body = json.dumps({"code": code, "msg": message, "data": data}, ensure_ascii=False)
    return web.Response(body=body.encode(), headers={"Content-Type": "application/json;charset=GBK"})


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="The tax bureau's REST proxy of the demo county.")
    parser.add_argument("--data", type=Path, required=True, help="tax.db as generate.py wrote it")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8091)
    parser.add_argument("--rate", type=float, default=50, help="calls a second before it says it is busy")
    parser.add_argument("--secret", default=os.environ.get("COUNTY_TAX_SECRET", "demo-only-secret"))
    given = parser.parse_args()
    if not given.data.is_file():
        parser.error(f"{given.data} is not there: run generate.py first")
    app = application(given.data, given.secret, given.rate)
    web.run_app(app, host=given.host, port=given.port, print=None)


if __name__ == "__main__":
    main()
