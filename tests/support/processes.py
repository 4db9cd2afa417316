"""The product as its users run it: `credit-gateway` and the tax bureau's service as real processes.

A deployment here has keys of its own, never demo keys, and signs its tokens itself.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeVar

import aiohttp
import orjson
import yaml
from joserfc import jwt
from prometheus_client.parser import text_string_to_metric_families

from authz.keys import KeyRing, generate_keys
from authz.references import References
from catalogue.identifiers import SubjectKey
from catalogue.strict_yaml import StrictLoader
from tests.support.bank import BOUND, presented
from tests.support.county import COUNTY
from tests.support.unhurried import UNHURRIED_MS, copy_unhurried
from tests.support.use import BOUNDLESS

BINARY: Final = str(Path(sys.executable).with_name("credit-gateway"))
CHECKOUT: Final = COUNTY.parents[1]
METRICS_TOKEN: Final = "metrics-of-a-test-and-of-nothing-else"
ISSUER: Final = "https://id.county.example.cn"
BANK: Final = "sample-bank"
AUDIENCE: Final = "credit-gateway-test"
PATIENCE: Final = 60.0
"""Seconds until a condition that must come true is given up; no test waits that long."""

T = TypeVar("T")


async def eventually(look: Callable[[], Awaitable[T]], *, patience: float = PATIENCE) -> T:
    """The first true answer; fails with the last answer when there is none."""
    until = time.monotonic() + patience
    while not (found := await look()):
        assert time.monotonic() < until, f"still {found!r}"
        await asyncio.sleep(0.02)
    return found


def wait_for(look: Callable[[], T], what: str) -> T:
    """As `eventually`, outside an event loop."""
    until = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < until, f"waited in vain for {what}"
        time.sleep(0.02)
    return found


_WORKER: Final = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 8
_PORTS: Final = count(10_000 + 2_500 * _WORKER + os.getpid() % 1_000)
"""Below those that the system gives to clients and to servers that ask for any."""


def free_port() -> int:
    """A port that nobody listened on a moment ago, and that no other worker, nor any client, is given."""
    for port in _PORTS:
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no free port")


@dataclass(frozen=True)
class Reply:
    """One HTTP answer."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return orjson.loads(self.raw)

    @property
    def data(self) -> Any:
        return self.body["data"]

    @property
    def errors(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.body.get("errors", [])
        return found

    @property
    def codes(self) -> list[str]:
        return [error["extensions"]["code"] for error in self.errors]

    @property
    def sources(self) -> dict[str, set[str]]:
        """States by source, of `extensions.sources`."""
        found: dict[str, set[str]] = {}
        for entry in self.body["extensions"]["sources"]:
            found.setdefault(entry["source"], set()).add(entry["state"])
        return found


async def ask(
    url: str, query: str, variables: object = None, token: str | None = None, **headers: str
) -> Reply:
    """POST one operation; a bank's token with a proof, and again with the nonce it is told."""
    place = f"{url}/graphql"
    first = presented(token, place) if token else {}
    reply = await _post(place, query, variables, first | headers)
    nonce = next((text for name, text in reply.headers.items() if name.lower() == "dpop-nonce"), None)
    if token and nonce and reply.codes == ["DPOP_NONCE"]:
        reply = await _post(place, query, variables, presented(token, place, nonce) | headers)
    return reply


async def _post(url: str, query: str, variables: object, headers: Mapping[str, str]) -> Reply:
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            url,
            json={"query": query, "variables": variables or {}},
            headers={"Accept": "application/graphql-response+json", **headers},
        ) as response,
    ):
        return Reply(response.status, dict(response.headers), await response.read())


@dataclass(frozen=True)
class Home:
    """A deployment folder: gateway.yaml, keys, sources, and the variables its manifests read."""

    folder: Path
    keys: KeyRing
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "gateway.yaml"

    @property
    def sources(self) -> Path:
        return self.folder / "sources"

    @property
    def store(self) -> Path:
        return self.folder / "gateway.db"

    def set(self, **settings: object) -> None:
        """Change settings; effective at the next start."""
        self.config.write_text(yaml.safe_dump(yaml.safe_load(self.config.read_text()) | settings))

    def manifest(self, source: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Change one manifest; effective at the next start."""
        path = self.sources / f"{source}.yaml"
        content = yaml.load(path.read_text("utf-8"), StrictLoader)
        change(content)
        path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")

    def token(self, client: str, person: SubjectKey | None = None, **claims: object) -> str:
        """An access token (RFC 9068) of a registered client; `claims` overrule, None removes one."""
        now = datetime.now(UTC)
        sub = References(self.keys).subject_ref(person, client) if person else client
        whole = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "client_id": client,
            "sub": sub,
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(hours=1)).timestamp()),
            "scope": "credit:self credit:check",
            **({} if person else {"operator": "op-0001"}),
            **({"cnf": BOUND} if client == BANK else {}),
            **claims,
        }
        key = self.keys.signing_key
        kept = {name: value for name, value in whole.items() if value is not None}
        return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": key.kid}, kept, key)


def settle(
    folder: Path, environment: Mapping[str, str], keys: KeyRing | None = None, **settings: object
) -> Home:
    """Write a deployment over the county's manifests, with a breaker that tests can wait for."""
    folder.mkdir(parents=True, exist_ok=True)
    keys = keys or generate_keys()
    keys.write(folder / "keys.yaml")
    (folder / "jwks.json").write_bytes(orjson.dumps(keys.verification_keys().as_dict(private=False)))
    content = {
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "jwks": "jwks.json",
        "keys": "keys.yaml",
        "clients": "clients.yaml",
        "metrics_token": METRICS_TOKEN,
        "mandates": "mandates.yaml",
        "sources": "sources",
        "catalogue": str(COUNTY / "catalogue"),
        "store": "sqlite:///gateway.db",
        "deadlines": {"operation_ms": UNHURRIED_MS},
        **settings,
    }
    clients = yaml.safe_load((COUNTY / "clients.yaml").read_text("utf-8"))
    unbounded = [{"use": BOUNDLESS} | each for each in clients]
    (folder / "clients.yaml").write_text(yaml.safe_dump(unbounded, allow_unicode=True), "utf-8")
    home = Home(folder, keys, dict(environment))
    mandates = yaml.safe_load((COUNTY / "mandates.yaml").read_text("utf-8"))
    trusting = [mandate | {"operatorAssertion": False} for mandate in mandates]  # another test's question
    (folder / "mandates.yaml").write_text(yaml.safe_dump(trusting, allow_unicode=True), "utf-8")
    home.config.write_text(yaml.safe_dump(content))
    for path in copy_unhurried(COUNTY / "sources", home.sources).glob("*.yaml"):
        home.manifest(path.stem, lambda manifest: manifest.update(breaker={"failures": 5, "openForMs": 100}))
    return home


@dataclass
class Server:
    """A running gateway."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    """Everything it wrote to standard output and standard error."""
    home: Home

    async def ask(
        self, query: str, variables: object = None, token: str | None = None, **headers: str
    ) -> Reply:
        return await ask(self.url, query, variables, token, **headers)

    async def get(self, path: str, **headers: str) -> Reply:
        """GET one path."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(self.url + path, headers=headers) as response,
        ):
            return Reply(response.status, dict(response.headers), await response.read())

    async def metrics(self) -> bytes:
        """The page that Prometheus reads."""
        return (await self.get("/metrics", Authorization=f"Bearer {METRICS_TOKEN}")).raw

    async def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that carry these labels."""
        text = (await self.metrics()).decode()
        samples = (each for family in text_string_to_metric_families(text) for each in family.samples)
        return sum(
            each.value for each in samples if each.name == name and labels.items() <= each.labels.items()
        )


@contextmanager
def serving(home: Home, port: int | None = None) -> Iterator[Server]:
    """`credit-gateway serve`, stopped gracefully behind the tests."""
    port = port or free_port()
    log = home.folder / f"serve-{port}.log"
    environment = {**environ(), **home.environment, "PORT": str(port)}
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [BINARY, "serve", "-c", str(home.config)], stdout=sink, stderr=sink, env=environment
        )
    server = Server(f"http://127.0.0.1:{port}", process, log, home)
    try:
        wait_for(lambda: answers(f"{server.url}/livez") or process.poll() is not None, "the gateway")
        assert process.poll() is None, log.read_text()
        yield server
    finally:
        stop(process)


@contextmanager
def tax_bureau(data: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The tax bureau's REST service as a process that can be killed."""
    command = [sys.executable, str(COUNTY / "tax_service.py"), "--data", str(data), "--port", str(port)]
    process = subprocess.Popen([*command, "--rate", "10000"])
    try:
        wait_for(lambda: listens(port), "the tax bureau")
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> None:
    """Ask a process of ours to end, and wait until it has."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def environ() -> dict[str, str]:
    """What a shell would give a command, without the tester's own settings."""
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CREDIT_GATEWAY", "COUNTY_"))
    }
    own.pop("PORT", None)
    return own | {"NO_COLOR": "1", "COLUMNS": "200", "TERM": "dumb"}


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    return False


def answers(url: str) -> bool:
    """Whether a GET is answered with 200."""
    with suppress(OSError), urllib.request.urlopen(url, timeout=PATIENCE) as response:
        return bool(response.status == 200)
    return False
