"""A contender's process: started on its core, asked, loaded, and stopped again."""

from __future__ import annotations

import http.client
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from bench import npm
from bench.errors import BenchError
from bench.load import PATIENCE, Plan, Result, body_of
from bench.meters import cpu_seconds, resident_mib
from bench.ports import opens
from bench.processes import started
from bench.question import chunked, federated, tabular, without
from bench.workloads import BESIDE, ONE, Workload

START_SECONDS: Final = 60
CHUNKED: Final = "gateway, in chunks"
"""The gateway, asked about many persons at once by operations of a bulk check."""


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
    elsewhere_us: float = 0.0
    """CPU time of a request in the subgraphs' processes, for contenders that have some."""


@dataclass(frozen=True, slots=True)
class Running:
    """A contender that answers."""

    name: str
    process: int
    setting: Setting
    helpers: tuple[int, ...] = ()
    """Processes on other cores that work for it."""

    @property
    def is_peer(self) -> bool:
        """Whether it speaks the subgraphs' schema, and not the gateway's."""
        return self.name in npm.PEERS

    def ask(self, index: int) -> dict[str, Any]:
        """The answer about one person, without the times of fetching."""
        headers = {"Authorization": f"Bearer {self.setting.token}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", self.setting.port, timeout=PATIENCE)
        try:
            body = body_of(self._query(ONE), [index], self._form(ONE))
            connection.request("POST", "/graphql", body, headers)
            answer: dict[str, Any] = _timeless(orjson.loads(connection.getresponse().read()))
        finally:
            connection.close()
        return answer

    def load(
        self, clients: int, warm_up: float, seconds: float, seed: int, workload: Workload = ONE
    ) -> dict[str, Sample]:
        """Load it, and see what it took: samples by the names of workloads."""
        setting, query = self.setting, self._query(workload)
        plan = Plan(
            setting.port,
            setting.token,
            query,
            setting.persons,
            clients,
            warm_up,
            seconds,
            seed,
            list(setting.load_cores),
            self._form(workload),
            workload.subjects,
            large=workload.large,
            new_documents=workload.new_documents,
            beside=without(query, workload.hanging[2]) if workload.hanging else "",
        )
        file = setting.state / "load.log"
        with (
            file.open("wb") as log,
            started([sys.executable, "-m", "bench.load"], pipes=True, log=log.fileno()) as generator,
        ):
            assert generator.stdin
            assert generator.stdout
            generator.stdin.write(orjson.dumps(asdict(plan)) + b"\n")
            generator.stdin.flush()
            generator.stdout.readline()
            before, elsewhere = cpu_seconds(self.process), self._elsewhere()
            generator.stdout.readline()
            used, elsewhere = cpu_seconds(self.process) - before, self._elsewhere() - elsewhere
            told = generator.stdout.readline()
        if not told:
            raise BenchError(f"the load on {self.name} broke off: {_last_line(file)}")
        result, rss = Result(**orjson.loads(told)), resident_mib(self.process)
        groups = {workload.name: result.latencies} | ({BESIDE: result.beside} if plan.beside else {})
        if not all(groups.values()):
            raise BenchError(f"{self.name} answered nothing in time")
        return {name: _sample(result, times, used, elsewhere, rss) for name, times in groups.items()}

    def _query(self, workload: Workload) -> str:
        if self.name == npm.MESH:
            return tabular(npm.departments(self.setting.state))
        if self.name == CHUNKED:
            return chunked()
        return federated(many=workload.subjects > 1) if self.is_peer else self.setting.query

    def _form(self, workload: Workload) -> str:
        if self.name == npm.MESH:
            return "tables"
        if self.name == CHUNKED:
            return "chunk"
        return "list" if self.is_peer and workload.subjects > 1 else "graph"

    def _elsewhere(self) -> float:
        return sum(map(cpu_seconds, self.helpers))


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
    others = set(os.sched_getaffinity(0)) - {setting.server_core}
    with (
        npm.subgraphs(name, setting.state, others) if name in npm.PEERS else nullcontext(()) as helpers,
        (setting.state / f"{name}.log").open("ab") as log,
        started(command, log=log.fileno()) as process,
    ):
        if not opens(setting.port, START_SECONDS, lambda: process.poll() is None):
            raise BenchError(f"{name} did not start: {_last_line(Path(log.name))}")
        yield Running(name, process.pid, setting, helpers)


def _last_line(file: Path) -> str:
    return (file.read_text("utf-8", "replace").strip().splitlines() or ["nothing said"])[-1]


def _timeless(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {key: _timeless(each) for key, each in value.items() if key != "fetchedAt"}
    return [_timeless(each) for each in value] if isinstance(value, list) else value


def _sample(result: Result, latencies: Sequence[float], used: float, elsewhere: float, rss: float) -> Sample:
    times, requests = sorted(latencies), len(result.latencies) + len(result.beside)
    return Sample(
        requests=len(times),
        wrong=result.wrong,
        total=result.total,
        bytes=result.size,
        rps=len(times) / result.seconds,
        p50_ms=times[len(times) // 2] * 1000,
        p99_ms=times[min(len(times) - 1, len(times) * 99 // 100)] * 1000,
        cpu_us=used / requests * 1e6,
        busy=used / result.seconds,
        rss_mib=rss,
        elsewhere_us=elsewhere / requests * 1e6,
    )
