"""A generated county of SQLite files, and gateways over copies of it that tests may break.

The fixtures are shared by folders: import `county_files` and `settled` into a conftest.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from examples.county.generator.county import County, database_urls, environment, generate
from tests.support.processes import Home, free_port, settle, tax_bureau

COUNTY: Final = County(persons=300, entities=100)
PATIENT_MS: Final = 120_000
"""Longer than any test waits: what ends before was ended on purpose."""
Settle: TypeAlias = Callable[..., Home]


@pytest.fixture(scope="session")
def county_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight departments as SQLite files, written once; copy them before you break them."""
    folder = tmp_path_factory.mktemp("county-files")
    asyncio.run(generate(COUNTY, database_urls(folder)))
    return folder


@pytest.fixture(scope="session")
def settled(county_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Settle:
    """Makes a deployment over its own copy of the county, in `<home>/county`."""

    def make(**settings: object) -> Home:
        folder = tmp_path_factory.mktemp("deployment")
        data = folder / "county"
        shutil.copytree(county_files, data)
        urls = environment(database_urls(data)) | {"COUNTY_TAX_URL": f"http://127.0.0.1:{free_port()}"}
        return settle(folder, urls, **settings)

    return make


@dataclass
class Departments:
    """The county of one deployment: take a department away, and it is back behind the block."""

    home: Home
    tax: ExitStack

    @contextmanager
    def down(self, *names: str) -> Iterator[None]:
        """The file moved away, or the tax bureau's process killed."""
        with ExitStack() as stack:
            for name in names:
                stack.enter_context(self._killed() if name == "tax" else self._moved(self.file(name)))
            yield

    @property
    def folder(self) -> Path:
        return self.home.folder / "county"

    def file(self, name: str) -> Path:
        return self.folder / f"{name}.db"

    @contextmanager
    def writing(self, name: str) -> Iterator[sqlite3.Connection]:
        """A department's own people at work in their database."""
        with closing(sqlite3.connect(self.file(name))) as opened, opened:
            yield opened

    @property
    def tax_port(self) -> int:
        return int(self.home.environment["COUNTY_TAX_URL"].rpartition(":")[2])

    def start_tax(self) -> None:
        self.tax.enter_context(tax_bureau(self.file("tax"), self.tax_port))

    @contextmanager
    def _killed(self) -> Iterator[None]:
        self.tax.close()
        yield
        self.start_tax()

    @contextmanager
    def _moved(self, path: Path) -> Iterator[None]:
        away = path.rename(path.with_suffix(".off"))
        yield
        away.rename(path)
