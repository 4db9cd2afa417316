"""A tax proxy as it behaves in the field: HTTP 200 for errors, pages of ten, a quota, a lying charset.

`faults` names, by taxpayer number, what goes wrong when it is asked for.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web
from aiohttp.test_utils import TestServer

SECRET: Final = "S3cret"
PAGE: Final = 10
NOTHING: Final = {"code": "01", "msg": "查无数据", "data": None}
BUSY: Final = {"code": "99", "msg": "系统繁忙"}


@dataclass
class TaxProxy:
    """State of one running proxy; rows by taxpayer number."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    notices: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)
    per_second: int | None = None
    recent: deque[float] = field(default_factory=deque)
    url: str = ""
    inside: int = 0
    most_inside: int = 0
    dropped: int = 0
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def query(self, request: web.Request) -> web.StreamResponse:
        """POST /nsxy/query."""
        body = await request.read()
        asked = json.loads(body)
        number, page = asked["body"]["nsrsbh"], int(asked["body"]["page"])
        trace, headers = asked["head"]["tranId"], request.headers
        self.calls.append({"key": number, "page": page, "trace": trace, "headers": headers})
        if self._too_fast():
            return _json(BUSY)
        if not _signed(request, body):
            return _json({"code": "97", "msg": "签名错误"})
        fault = self.faults.get(number)
        if fault is not None:
            return await self._faulty(request, fault)
        rows = self.rows.get(number, [])[(page - 1) * PAGE : page * PAGE]
        return _json(
            {"code": "00", "msg": "成功", "data": json.dumps(rows, ensure_ascii=False)} if rows else NOTHING
        )

    async def notice(self, request: web.Request) -> web.StreamResponse:
        """GET /qs/gg."""
        self.calls.append({"key": request.query["nsrsbh"], "headers": request.headers})
        xml = f'<?xml version="1.0" encoding="GBK"?>\n{self.notices.get(request.query["nsrsbh"], "<ROWS/>")}'
        return web.Response(body=xml.encode("utf-8"), headers={"Content-Type": "text/xml;charset=GBK"})

    def _too_fast(self) -> bool:
        now = asyncio.get_running_loop().time()
        while self.recent and self.recent[0] <= now - 1:
            self.recent.popleft()
        if self.per_second and len(self.recent) >= self.per_second:
            return True
        self.recent.append(now)
        return False

    async def _faulty(self, request: web.Request, fault: str) -> web.StreamResponse:
        if fault == "hang":
            return await self._hang()
        if fault.startswith("http "):
            status = int(fault[5:])
            headers = {"Location": "http://127.0.0.1:1/elsewhere"} if 300 <= status < 400 else {}
            return web.Response(status=status, headers=headers)
        if fault in ("reset", "reset once"):
            if fault == "reset once":
                self.faults.clear()
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if fault == "cut short":
            response = web.StreamResponse(headers={"Content-Length": "1000"})
            await response.prepare(request)
            await response.write(b'{"code":"00","da')
            assert request.transport is not None
            request.transport.close()
            return response
        if fault == "bomb":
            body = gzip.compress(b" " * (32 * 1024 * 1024))
            return web.Response(body=body, headers={"Content-Encoding": "gzip"})
        if fault.startswith("charset "):
            return web.Response(body=b"\xff{}", headers={"Content-Type": f"text/plain;charset={fault[8:]}"})
        return web.Response(body=bytes.fromhex(fault[4:]) if fault.startswith("hex ") else fault.encode())

    async def _hang(self) -> web.StreamResponse:
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        self.entered.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.dropped += 1
            self.left.set()
            raise
        finally:
            self.inside -= 1
        return _json(NOTHING)


@asynccontextmanager
async def running(proxy: TaxProxy) -> AsyncIterator[TaxProxy]:
    """The proxy on a real port."""
    app = web.Application()
    app.router.add_post("/nsxy/query", proxy.query)
    app.router.add_get("/qs/gg", proxy.notice)
    # Test servers cancel a handler whose client goes away, which is how a test sees it.
    server = TestServer(app)
    await server.start_server()
    proxy.url = str(server.make_url(""))
    try:
        yield proxy
    finally:
        proxy.gate.set()
        await server.close()


def _json(content: dict[str, Any]) -> web.Response:
    """UTF-8, whatever the header claims."""
    body = json.dumps(content, ensure_ascii=False).encode()
    return web.Response(body=body, headers={"Content-Type": "application/json;charset=GBK"})


def _signed(request: web.Request, body: bytes) -> bool:
    text = request.headers["appid"].encode() + request.headers["ts"].encode() + body + SECRET.encode()
    return request.headers["sign"] == hashlib.md5(text).hexdigest().upper()
