"""A contender's process: started on its core, asked, loaded, and stopped again."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Final

import orjson

from bench.load import PATIENCE, Plan, Result, body_of
from bench.meters import cpu_seconds, resident_mib

START_SECONDS: Final = 60
STOP_SECONDS: Final = 30


class BenchError(Exception):
    """The bench cannot go on; the message says what to look at."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What all contenders of a run share."""

    state: Path
    persons: int
    port: int
    token: str
    query: str
    server_core: int
    load_cores: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """One contender under one load in one round."""

    requests: int
    wrong: int
    total: int
    bytes: int
    rps: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    busy: float
    """Share of the core that the server used."""
    rss_mib: float


@dataclass(frozen=True, slots=True)
class Running:
    """A contender that answers."""

    name: str
    process: int
    setting: Setting

    def ask(self, index: int) -> object:
        """The `data` of the answer about one person, without the times of fetching."""
        headers = {"Authorization": f"Bearer {self.setting.token}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", self.setting.port, timeout=PATIENCE)
        try:
            connection.request("POST", "/graphql", body_of(self.setting.query, index), headers)
            answer = orjson.loads(connection.getresponse().read())
        finally:
            connection.close()
        return _timeless(answer.get("data"))

    def load(self, clients: int, warm_up: float, seconds: float, seed: int) -> Sample:
        """Load it, and see what it took."""
        setting = self.setting
        plan = Plan(
            setting.port,
            setting.token,
            setting.query,
            setting.persons,
            clients,
            warm_up,
            seconds,
            seed,
            list(setting.load_cores),
        )
        with subprocess.Popen(
            [sys.executable, "-m", "bench.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as generator:
            assert generator.stdin
            assert generator.stdout
            generator.stdin.write(orjson.dumps(asdict(plan)) + b"\n")
            generator.stdin.flush()
            generator.stdout.readline()
            before = cpu_seconds(self.process)
            generator.stdout.readline()
            used = cpu_seconds(self.process) - before
            told = generator.stdout.readline()
        if not told:
            raise BenchError(f"the load on {self.name} broke off; see {setting.state / self.name}.log")
        return _sample(Result(**orjson.loads(told)), used, resident_mib(self.process), self.name)


@contextmanager
def running(name: str, setting: Setting) -> Iterator[Running]:
    """Start a contender and stop it again."""
    options = {
        "state": setting.state,
        "persons": setting.persons,
        "port": setting.port,
        "core": setting.server_core,
    }
    command = [sys.executable, "-m", "bench.server", name]
    command += [text for option, value in options.items() for text in (f"--{option}", str(value))]
    (setting.state / "floor.db").unlink(missing_ok=True)
    with (setting.state / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _wait_until_open(process, name, setting)
            yield Running(name, process.pid, setting)
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_open(process: subprocess.Popen[bytes], name: str, setting: Setting) -> None:
    deadline = monotonic() + START_SECONDS
    while monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", setting.port)) == 0:
                return
        sleep(0.05)
    raise BenchError(f"{name} did not start; see {setting.state / name}.log")


def _timeless(value: object) -> object:
    if isinstance(value, dict):
        return {key: _timeless(each) for key, each in value.items() if key != "fetchedAt"}
    return [_timeless(each) for each in value] if isinstance(value, list) else value


def _sample(result: Result, used: float, rss: float, name: str) -> Sample:
    times = sorted(result.latencies)
    if not times:
        raise BenchError(f"{name} answered nothing in time")
    return Sample(
        requests=len(times),
        wrong=result.wrong,
        total=result.total,
        bytes=result.size,
        rps=len(times) / result.seconds,
        p50_ms=times[len(times) // 2] * 1000,
        p99_ms=times[min(len(times) - 1, len(times) * 99 // 100)] * 1000,
        cpu_us=used / len(times) * 1e6,
        busy=used / result.seconds,
        rss_mib=rss,
    )
