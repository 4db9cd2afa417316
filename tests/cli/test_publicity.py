"""`credit-gateway publicity` over a county's databases: counted at night, listed at any time."""

from __future__ import annotations

import csv
import io
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from authz.store import Store
from tests.statistics.test_publicity import PENALTY
from tests.support.commands import Result, command
from tests.support.county import write_county
from tests.support.processes import Home, settle


@pytest.fixture
async def county(tmp_path: Path) -> Home:
    folder = tmp_path / "county"
    folder.mkdir()
    environment = await write_county(folder)
    with closing(sqlite3.connect(folder / "sgs.db")) as sgs, sgs:
        row = PENALTY | {"ID": "late", "CF_WSH": "测罚〔2026〕9号", "SJC": "2026-03-20 10:00:00"}
        places = ", ".join("?" for _ in row)
        sgs.execute(f"INSERT INTO t_xzcf_grr ({', '.join(row)}) VALUES ({places})", tuple(row.values()))
    home = settle(tmp_path / "home", environment | {"COUNTY_TAX_URL": "http://127.0.0.1:1"})
    async with Store(f"sqlite:///{home.store}") as store:
        await store.prepare()
    return home


async def test_breaches_are_counted_by_the_source_and_listed_without_it(county: Home) -> None:
    async def publicity(*words: str) -> Result:
        month = ("--month", "2026-02", "--config", str(county.config))
        return await command("publicity", *words, *month, env=county.environment)

    counted = (await publicity("count", "--json")).json
    assert counted["failed"] == {}
    assert {one["record_type"] for one in counted["counted"]} == {"E-FG-02", "E-FG-03"}
    sgs = county.folder.parent / "county" / "sgs.db"
    away = sgs.rename(sgs.with_suffix(".off"))
    missed = await publicity("count")
    assert (missed.code, "SOURCE_NOT_COUNTED" in missed.err) == (1, True)
    listed = await publicity("breaches", "--department", "SC", "--csv")
    rows = list(csv.DictReader(io.StringIO(listed.out.removeprefix("\ufeff"))))
    (breach,) = [row for row in rows if row["determined_on"] == "2026-02-02"]
    assert (breach["recordType"], breach["due_on"], breach["late"]) == ("E-FG-03", "2026-02-11", "1")
    assert (await publicity("breaches", "--department", "FY", "--json")).json == []
    assert "2026-02-02" in (await publicity("breaches")).out
    away.rename(sgs)


async def test_a_month_is_a_month(county: Home) -> None:
    for act in ("count", "breaches"):
        refused = await command("publicity", act, "--month", "2026-2", "--config", str(county.config))
        refused.refused("MONTH_INVALID")
