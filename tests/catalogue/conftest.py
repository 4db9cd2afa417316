"""Fixtures of the catalogue tests: what is packaged, and a county that adds to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalogue.loader import load_catalogue
from catalogue.model import Catalogue
from tests.support.county_overlay import County


@pytest.fixture
def county(tmp_path: Path) -> County:
    return County(tmp_path / "catalogue")


@pytest.fixture(scope="session")
def shipped() -> Catalogue:
    return load_catalogue()
