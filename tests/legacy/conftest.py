"""The departments as they really look, each loaded once and read through its manifest."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest_asyncio

from catalogue.loader import load_catalogue
from connectors.protocol import Source
from connectors.registry import load_sources
from tests.legacy import loading, tax_proxy
from tests.legacy.loading import GIVEN
from tests.support.databases import Database, throwaway

HERE = Path(__file__).parent
LOADED: Mapping[str, tuple[str, Callable[..., Awaitable[None]], tuple[Path, ...]]] = {
    "PSB": ("postgresql", loading.oracle, (GIVEN / "L1_psb_oracle.sql", HERE / "defects/L1.sql")),
    "COURT": ("postgresql", loading.sql_server, (GIVEN / "L2_court_mssql.sql", HERE / "defects/L2.sql")),
    "MARKET": (
        "mariadb",
        loading.gbk_in_latin1,
        (GIVEN / "L3_samr_mariadb_gbk.sql", HERE / "defects/L3.sql"),
    ),
    "SGS": ("mariadb", loading.mariadb, (GIVEN / "L8_sgs_mariadb_front.sql", HERE / "defects/L8.sql")),
}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def legacy(tmp_path_factory: Any) -> AsyncIterator[dict[str, Source]]:
    """Sources by name without their `legacy-`."""
    folder = tmp_path_factory.mktemp("legacy")
    environment = {}
    async with AsyncExitStack() as stack:
        for name, (engine, load, scripts) in LOADED.items():
            database: Database = await stack.enter_async_context(throwaway(engine, folder))
            await load(database, *scripts)
            environment[f"LEGACY_{name}_URL"] = database.url
        drops = folder / "housing"
        drops.mkdir()
        for delivered in (*GIVEN.glob("L6_*.csv"), *(HERE / "defects").glob("L6_*.csv")):
            shutil.copy(delivered, drops / delivered.name.removeprefix("L6_housing_"))
        environment |= {
            "LEGACY_HOUSING_URL": drops.as_uri(),
            "LEGACY_TAX_URL": await stack.enter_async_context(tax_proxy.serving()),
            "LEGACY_TAX_SECRET": tax_proxy.SECRET,
        }
        sources = load_sources(HERE / "sources", load_catalogue(), environment)
        yield {name.removeprefix("legacy-"): source for name, source in sources.items()}
        for source in sources.values():
            await source.close()
