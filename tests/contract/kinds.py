"""Every kind of source over the same rows, on a real server, with what can go wrong with it.

A kind stores rows of `penalty`, opens a guarded source over them, and can be down, hung or broken
in mid-answer. Kinds whose server cannot hang (a local file) say so by None.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy.engine import make_url

from catalogue.identifiers import IdentifierError, normalize_citizen_id
from catalogue.loader import load_catalogue
from catalogue.model import Catalogue
from connectors.files import FileSource
from connectors.guard import guarded
from connectors.protocol import Source
from connectors.rest import RestSource
from connectors.sql import SqlSource
from connectors.upstream import UpstreamSource
from tests.support.databases import Database, throwaway
from tests.support.network import Line
from tests.support.small_catalogue import manifest_of, penalty_source, small_catalogue

COLUMNS = ("id_no", "document_no", "reason", "authority", "decided")
TABLE = """CREATE TABLE penalty (
  id_no varchar(40), document_no varchar(60), reason {text}, authority varchar(80), decided varchar(40))"""
Trouble = Callable[[], AbstractAsyncContextManager[None]]


def row(person: str | None, number: str, **more: str | None) -> dict[str, str | None]:
    """One penalty."""
    plain = {"reason": "事由", "authority": "测试局", "decided": "2025-01-02"}
    return {"id_no": person, "document_no": number, **plain, **more}


@cache
def catalogue() -> Catalogue:
    """The small catalogue, with a domain for graphs."""
    domain = load_catalogue().domains["TAX"]
    return small_catalogue().model_copy(update={"domains": {"TEST": domain}})


@dataclass
class Kind:
    """One kind of source, set up for one test."""

    name: str
    store: Callable[[list[dict[str, Any]]], Any]
    """Replace all rows; awaited."""
    build: Callable[..., Source]
    down: Trouble
    broken: Trouble
    """Answers end in the middle."""
    drifted: Callable[[], Any]
    """The key column gets another name; awaited."""
    hung: Trouble | None = None
    forms: tuple[str, ...] = ("NORMAL", "LOWER", "DIGITS_15", "PADDED", "FULL_WIDTH", "TRAILING_SPACE")
    opened: list[Source] = field(default_factory=list)

    def source(self, **changes: Any) -> Source:
        """A guarded source; `record` changes the record type, the rest the manifest."""
        record = penalty_source(
            keys={"CITIZEN_ID": {"columns": ["id_no"], "forms": list(self.forms)}},
            **changes.pop("record", {}),
        )
        self.opened.append(self.build(record, changes))
        return self.opened[-1]


@asynccontextmanager
async def kind_of(name: str, folder: Path) -> AsyncIterator[Kind]:
    """The kind, up and empty; closed behind the block."""
    async with KINDS[name](folder) as kind:
        try:
            yield kind
        finally:
            for source in kind.opened:
                await source.close()


def _guarded(
    make: Callable[..., Source], connector: str, url: str, part: dict[str, Any]
) -> Callable[..., Source]:
    def build(record: dict[str, Any], changes: dict[str, Any]) -> Source:
        whole = {name: value for name, value in record.items() if name != "table"} | part
        manifest = manifest_of({"P-TT-01": whole}, connector=connector, url=url, **changes)
        return guarded(make(manifest), manifest)

    return build


@asynccontextmanager
async def _sqlite(folder: Path) -> AsyncIterator[Kind]:
    async with throwaway("sqlite", folder) as database:
        path = Path(make_url(database.url).database or "")
        await database.execute(TABLE.format(text="text"))

        @asynccontextmanager
        async def down() -> AsyncIterator[None]:
            os.rename(path, folder / "away")
            try:
                yield
            finally:
                os.rename(folder / "away", path)

        @asynccontextmanager
        async def broken() -> AsyncIterator[None]:
            whole = _bytes(path)
            _write(path, whole[: len(whole) // 2] + b"\xff" * 100)
            try:
                yield
            finally:
                _write(path, whole)

        @asynccontextmanager
        async def hung() -> AsyncIterator[None]:
            writer = sqlite3.connect(path, isolation_level=None)
            writer.execute("BEGIN EXCLUSIVE")
            try:
                yield
            finally:
                writer.close()

        yield Kind("sqlite", *_sql(database, database.url), down, broken, _renamed(database), hung)


def _server(engine: str) -> Callable[[Path], AbstractAsyncContextManager[Kind]]:
    @asynccontextmanager
    async def opened(folder: Path) -> AsyncIterator[Kind]:
        async with throwaway(engine, folder) as database:
            await database.execute(TABLE.format(text="text" if engine == "postgresql" else "longtext"))
            url = make_url(database.url)
            async with _line(url.host or "127.0.0.1", url.port or 0) as line:
                through = url.set(host="127.0.0.1", port=line.port).render_as_string(hide_password=False)
                trouble = _of_line(line)
                yield Kind(engine, *_sql(database, through), *trouble[:2], _renamed(database), trouble[2])

    return opened


def _sql(database: Database, url: str) -> tuple[Callable[..., Any], Callable[..., Source]]:
    async def store(rows: list[dict[str, Any]]) -> None:
        await database.execute("DELETE FROM penalty")
        if rows:
            await database.insert("penalty", [tuple(each[name] for name in COLUMNS) for each in rows])

    def build(record: dict[str, Any], changes: dict[str, Any]) -> Source:
        manifest = manifest_of({"P-TT-01": record}, **changes)
        return guarded(SqlSource(manifest, catalogue(), url), manifest)

    return store, build


def _renamed(database: Database) -> Callable[[], Any]:
    async def drifted() -> None:
        await database.execute("ALTER TABLE penalty RENAME COLUMN id_no TO id_number")

    return drifted


@asynccontextmanager
async def _line(host: str, port: int) -> AsyncIterator[Line]:
    line = Line(host, port)
    await line.open()
    try:
        yield line
    finally:
        await line.heal()
        await line.close()


def _of_line(line: Line) -> tuple[Trouble, Trouble, Trouble]:
    @asynccontextmanager
    async def down() -> AsyncIterator[None]:
        await line.close()
        yield
        await line.heal()

    @asynccontextmanager
    async def broken() -> AsyncIterator[None]:
        line.cut_answer_after = 60
        yield
        line.cut_answer_after = None

    @asynccontextmanager
    async def hung() -> AsyncIterator[None]:
        line.flowing.clear()
        yield
        await line.heal()

    return down, broken, hung


@asynccontextmanager
async def _service(routes: list[web.RouteDef]) -> AsyncIterator[Line]:
    app = web.Application()
    app.router.add_routes(routes)
    server = TestServer(app)
    await server.start_server()
    try:
        async with _line("127.0.0.1", server.port or 0) as line:
            yield line
    finally:
        await server.close()


@asynccontextmanager
async def _rest(_folder: Path) -> AsyncIterator[Kind]:
    held: list[dict[str, Any]] = []

    async def store(rows: list[dict[str, Any]]) -> None:
        held[:] = rows

    async def drifted() -> None:
        held[:] = [
            {"id_number" if name == "id_no" else name: value for name, value in each.items()} for each in held
        ]

    async def asked(request: web.Request) -> web.Response:
        keys = (await request.json())["keys"]
        found = [each for each in held if not each.keys() & {"id_no"} or each["id_no"] in keys]
        return web.json_response({"data": found})

    part = {"rest": {"path": "/q", "body": {"keys": "{keys}"}, "batch": {"size": 1000}}}
    async with _service([web.post("/q", asked)]) as line:
        url = f"http://127.0.0.1:{line.port}"
        build = _guarded(lambda manifest: RestSource(manifest, catalogue(), url), "rest", url, part)
        trouble = _of_line(line)
        yield Kind("rest", store, build, *trouble[:2], drifted, trouble[2])


@asynccontextmanager
async def _file(folder: Path) -> AsyncIterator[Kind]:
    path, header = folder / "penalty.csv", [",".join(COLUMNS)]

    async def store(rows: list[dict[str, Any]]) -> None:
        body = [",".join(_quoted(each[name]) for name in COLUMNS) for each in rows]
        path.write_text("\n".join([*header, *body, "END", ""]), "gb18030")

    async def drifted() -> None:
        text = path.read_text("gb18030")
        path.write_text(text.replace("id_no", "id_number"), "gb18030")

    @asynccontextmanager
    async def down() -> AsyncIterator[None]:
        os.rename(path, folder / "away")
        yield
        os.rename(folder / "away", path)

    @asynccontextmanager
    async def broken() -> AsyncIterator[None]:
        whole = _bytes(path)
        _write(path, whole[:-5])
        yield
        _write(path, whole)

    await store([])
    part = {"file": {"files": "penalty.csv", "footer": "END"}}
    build = _guarded(
        lambda manifest: FileSource(manifest, catalogue(), folder), "file", f"file://{folder}", part
    )
    yield Kind("file", store, build, down, broken, drifted)


def _bytes(path: Path) -> bytes:
    return path.read_bytes()


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _quoted(text: str | None) -> str:
    return "" if text is None else '"' + text.replace('"', '""') + '"'


@asynccontextmanager
async def _graphql(folder: Path) -> AsyncIterator[Kind]:
    held: list[dict[str, Any]] = []
    domain = catalogue().domains["TEST"].field

    async def store(rows: list[dict[str, Any]]) -> None:
        held[:] = rows

    async def drifted() -> None:
        held[:] = [{"drifted": "yes"}]

    async def asked(request: web.Request) -> web.Response:
        variables = (await request.json())["variables"]
        if not variables:
            return web.json_response({"data": {"__typename": "Query"}})
        person = variables["lookup"]["person"]["citizenId"]
        if held and "drifted" in held[0]:
            refusal = {"message": "no such field", "extensions": {"code": "GRAPHQL_VALIDATION"}}
            return web.json_response({"errors": [refusal]}, status=400)
        found = [each for each in held if _same(each["id_no"], person)]
        section = {"state": "OK", "records": found}
        return web.json_response({"data": {"subject": {domain: {"testAdverse": section}}}})

    async with _service([web.post("/graphql", asked)]) as line:
        url = f"http://127.0.0.1:{line.port}/graphql"
        part = {"graphql": {}, "keys": {"CITIZEN_ID": {"columns": ["subject"]}}}
        build = _guarded(lambda manifest: UpstreamSource(manifest, catalogue(), folder), "graphql", url, part)
        trouble = _of_line(line)
        yield Kind("graphql", store, build, *trouble[:2], drifted, trouble[2])


def _same(text: str | None, person: str) -> bool:
    try:
        return text is not None and normalize_citizen_id(text) == person
    except IdentifierError:
        return False


HANGING = ("sqlite", "postgresql", "mariadb", "rest", "graphql")
"""Kinds whose server can hang; a local file cannot."""
FILTERING = ("sqlite", "postgresql", "mariadb", "rest", "file")
"""Kinds with a row filter; a graph has none."""
KINDS: dict[str, Callable[[Path], AbstractAsyncContextManager[Kind]]] = {
    "sqlite": _sqlite,
    "postgresql": _server("postgresql"),
    "mariadb": _server("mariadb"),
    "rest": _rest,
    "file": _file,
    "graphql": _graphql,
}
