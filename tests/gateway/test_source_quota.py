"""Two gateways over one store keep one hourly quota of a source."""

from __future__ import annotations

from contextlib import AsyncExitStack, suppress
from pathlib import Path

from catalogue.identifiers import SubjectKey
from connectors.errors import SourceBusy
from connectors.protocol import Ask
from gateway.deployment import deploy
from gateway.settings import load_settings
from tests.support.databases import Database
from tests.support.processes import settle
from tests.support.small_catalogue import PERSON

MANIFEST = """
source: culture
department: WL
system: {zh: 文化执法系统, en: Culture enforcement}
contact: 0914-6000000
connector: sql
deadlineMs: 20000
url: ${CULTURE_URL}
quotaPerHour: 5
records:
  P-FG-03:
    table: cf
    keys: {CITIZEN_ID: {columns: [sfzh]}}
    identity: [bh]
    fields:
      documentNo: {column: wh}
      determinedOn: {column: rq, decode: [date]}
"""
QUESTION = Ask("P-FG-03", frozenset({"documentNo"}), (SubjectKey.person(PERSON),))


async def test_all_gateways_over_one_store_keep_one_quota(sqlite: Database, tmp_path: Path) -> None:
    await sqlite.execute("CREATE TABLE cf (bh TEXT, sfzh TEXT, wh TEXT, rq TEXT)")
    home = settle(tmp_path / "home", {})
    for path in home.sources.glob("*.yaml"):
        path.unlink()
    (home.sources / "culture.yaml").write_text(MANIFEST, "utf-8")
    settings = load_settings(home.config, environ={})
    answered = 0
    async with AsyncExitStack() as stack:
        gateways = [deploy(settings, {"CULTURE_URL": sqlite.url}) for _ in range(2)]
        for gateway in gateways:
            await gateway.store.prepare()
            await stack.enter_async_context(gateway.running())
        for gateway in gateways * 4:
            with suppress(SourceBusy):
                await gateway.sources["culture"].fetch(QUESTION)
                answered += 1
    assert answered == 5
