"""A demo county that runs, and a deployment folder that commands are pointed at."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.county import write_county
from tests.support.processes import BINARY, Home, environ, free_port, settle, stop, wait_for
from tests.support.unhurried import unhurried_county


@dataclass
class Demo:
    """`credit-gateway demo` in a process group of its own, as in a terminal."""

    state: Path
    url: str
    process: subprocess.Popen[bytes]
    output: Path

    @property
    def said(self) -> str:
        return self.output.read_text()

    @property
    def config(self) -> Path:
        return self.state / "gateway.yaml"

    @property
    def tax_port(self) -> int:
        found = re.search(
            r"COUNTY_TAX_URL=http://127\.0\.0\.1:(\d+)", (self.state / "county.env").read_text()
        )
        assert found
        return int(found[1])

    def printed(self, start: str) -> str:
        """The command among the printed words that starts so, with its continuation lines."""
        found = re.search(rf"^ *({re.escape(start)}(?:.*\\\n)*.*)$", self.said, re.MULTILINE)
        assert found, self.said
        return found[1]


@contextmanager
def started(state: Path) -> Iterator[Demo]:
    """A small demo county, ready; stopped as Ctrl-C stops it if nobody has yet."""
    port = free_port()
    output = state.parent / f"{state.name}-{port}.out"
    size = ("--persons", "20", "--entities", "10")
    with output.open("wb") as sink:
        process = subprocess.Popen(
            [BINARY, "demo", "--state", str(state), *size],
            stdout=sink,
            stderr=sink,
            stdin=subprocess.DEVNULL,
            env=environ() | unhurried_county(state.parent / f"sources-{port}") | {"PORT": str(port)},
            start_new_session=True,
        )
    demo = Demo(state, f"http://127.0.0.1:{port}", process, output)
    try:
        wait_for(lambda: "Ctrl-C stops" in demo.said or process.poll() is not None, "the demo")
        assert process.poll() is None, demo.said
        yield demo
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        stop(process)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo for all tests that only ask it."""
    with started(tmp_path_factory.mktemp("demo") / "state") as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A deployment with keys of its own; its departments are not there."""
    return settle(tmp_path / "home", {})


@pytest.fixture
async def police_home(tmp_path: Path) -> Home:
    """A deployment that has only the police, who confirm persons: another department is to be connected."""
    county = tmp_path / "county"
    county.mkdir()
    home = settle(tmp_path / "home", await write_county(county))
    for path in home.sources.glob("*.yaml"):
        if path.stem != "psb":
            path.unlink()
    return home
