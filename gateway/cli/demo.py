"""`credit-gateway demo`: a county on this machine: eight departments, an identity provider, the gateway."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer
import uvicorn
import yaml
from joserfc.jwk import ECKey

from authz.actors import ActorKind
from authz.clients import load_clients
from authz.demo_tokens import demo_operator_issuer, issue_token
from authz.keys import KeyRing, complete_keys, generate_keys, load_keys
from catalogue.identifiers import SubjectKey
from catalogue.loader import load_catalogue
from catalogue.values import CHINA_TIME
from gateway.cli.common import CommandError, console, reported, settings_of
from gateway.cli.db import upgraded
from gateway.cli.serve import require_free, server_of
from gateway.deployment import deploy
from gateway.settings import Settings
from gateway.web.provider import CALLBACK
from resolvers.checks.documents import operation_of

CHECKOUT = Path(__file__).resolve().parents[2]
COUNTY = CHECKOUT / "examples" / "county"
TEST_PERSON = "990101198001010014"
"""测试甲: a number of region 9901xx, which is nobody's."""
PERSON_CLIENT = "citizen-app"
PAGES_CLIENT = "citizen-pages"
BANK_CLIENT = "sample-bank"
BANK_CALLBACK = "http://127.0.0.1:8765/callback"
"""Where the sample clients wait for the person to come back."""
BANK_KEY = "bank.jwk"
"""The file with its private key; a real bank's never leaves the bank."""
APPROVAL_CLIENT = "hr-approval"
APPROVAL_KEY = "approval.jwk"
"""The file with the key of the approval systems, and of the login that vouches for their staff."""
START_SECONDS = 20
"""What a service of the county is given to start, on a machine that is busy."""


def demo(
    state: Annotated[Path, typer.Option(help="Where the county's databases and demo keys live.")] = Path(
        "var/demo"
    ),
    persons: Annotated[int, typer.Option(min=1, help="How many synthetic persons.")] = 2_000,
    entities: Annotated[int, typer.Option(min=0, help="How many synthetic entities.")] = 600,
    port: Annotated[int, typer.Option(envvar="PORT", help="Port of the gateway.")] = 8_000,
) -> None:
    """Start the demo county and the gateway over it; Ctrl-C stops all of it."""
    with reported():
        if not COUNTY.is_dir():
            raise CommandError("COUNTY_MISSING", "The demo county is in the source tree; run in a clone.")
        require_free("127.0.0.1", port)
        tax_port, identity_port = _free_port(), _free_port()
        config = prepare(state.resolve(), persons, entities, port, tax_port, identity_port)
        settings = settings_of(config)
        asyncio.run(upgraded(settings))
        server = _Announcing(server_of(deploy(settings, demo=True)).config)
        with _tax_service(state.resolve(), tax_port) as tax, _identity_provider(port, identity_port):
            server.words = welcome(settings, state, tax.pid)
            # uvicorn ends by the signal it was stopped with, which must not leave the tax bureau behind
            signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
            server.run()


def prepare(state: Path, persons: int, entities: int, port: int, tax_port: int, identity_port: int) -> Path:
    """Generate what is missing and write the deployment's gateway.yaml; returns its path."""
    state.mkdir(parents=True, exist_ok=True)
    data = state / "county"
    size = f"{persons} {entities}"
    marker = data / "size"
    if not marker.is_file() or marker.read_text() != size:
        options = ["--out", str(data), "--persons", str(persons), "--entities", str(entities)]
        subprocess.run([sys.executable, str(COUNTY / "generate.py"), *options], check=True)  # noqa: S603
        marker.write_text(size)
    _keys(state / "keys.yaml")
    bank, approval = _client_key(state / BANK_KEY), _client_key(state / APPROVAL_KEY)
    _register(state / "clients.yaml", bank, approval, load_keys(state / "keys.yaml"))
    environment = (data / "county.env").read_text()
    (state / "county.env").write_text(f"{environment}COUNTY_TAX_URL=http://127.0.0.1:{tax_port}\n")
    config = state / "gateway.yaml"
    config.write_text(yaml.safe_dump(_settings(port, identity_port)), encoding="utf-8")
    return config


def _settings(port: int, identity_port: int) -> dict[str, object]:
    return {
        "issuer": f"http://127.0.0.1:{port}",
        "audience": "credit-gateway-demo",
        "issuer_mode": "embedded",
        "keys": "keys.yaml",
        "environment": "county.env",
        "clients": "clients.yaml",
        "mandates": str(COUNTY / "mandates.yaml"),
        "sources": str(COUNTY / "sources"),
        "catalogue": str(COUNTY / "catalogue"),
        "store": "sqlite:///gateway.db",
        "port": port,
        "log": {"level": "WARNING"},
        "pages": {
            "client": PAGES_CLIENT,
            "provider": {
                "issuer": f"http://127.0.0.1:{identity_port}",
                "client_id": "credit-gateway-demo",
                "scope": "openid",
            },
        },
    }


def _keys(path: Path) -> None:
    """Demo keys; those of an older version get the purposes they lack."""
    if not path.is_file():
        generate_keys(demo=True).write(path)
    complete_keys(path)


def _client_key(path: Path) -> ECKey:
    """A demo client's own key, which only the client would have."""
    if not path.is_file():
        key = ECKey.generate_key("P-256", auto_kid=True)
        _write_secret(path, orjson.dumps(key.as_dict(private=True)))
    return ECKey.import_key(orjson.loads(path.read_bytes()))


def _register(path: Path, bank: ECKey, approval: ECKey, keys: KeyRing) -> None:
    """The county's clients with the public halves of their keys; the demo's login vouches for officers."""
    clients = yaml.safe_load((COUNTY / "clients.yaml").read_text(encoding="utf-8"))
    for client in clients:
        if client["clientId"] == BANK_CLIENT:
            client["grantTypes"] = ["client_credentials", "authorization_code"]
            client["redirectUris"] = [BANK_CALLBACK]
            client["jwks"] = _public(bank)
        if client["kind"] == ActorKind.OFFICER:
            client["grantTypes"] = ["client_credentials"]
            client["jwks"] = _public(approval)
            client["operatorIssuer"] = demo_operator_issuer(keys, approval)
    path.write_text(yaml.safe_dump(clients, allow_unicode=True), encoding="utf-8")


def _public(key: ECKey) -> dict[str, object]:
    return {"keys": [dict(key.as_dict(private=False))]}


def _write_secret(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _tax_service(state: Path, port: int) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """The tax bureau's REST service as a process of its own, so that it can be killed."""
    return _service("tax_service", port, "--data", str(state / "county" / "tax.db"))


def _identity_provider(gateway_port: int, port: int) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """The demo's identity provider, which the gateway knows only by its protocol."""
    return _service("identity_provider", port, "--callback", f"http://127.0.0.1:{gateway_port}{CALLBACK}")


@contextmanager
def _service(name: str, port: int, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, str(COUNTY / f"{name}.py"), "--port", str(port), *options]
    process = subprocess.Popen(command)  # noqa: S603 - our own file
    try:
        _wait_for(process, port, name)
        yield process
    finally:
        process.terminate()
        process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int, name: str) -> None:
    """Until the service takes calls, so that `ready` holds for everything that was started."""
    until = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise CommandError(name.upper(), f"{name}.py did not start. Its own words are above.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _Announcing(uvicorn.Server):
    """Says that it is ready once it is."""

    words = ""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if self.started:
            console.print(self.words, highlight=False, soft_wrap=True)


def welcome(settings: Settings, state: Path, tax_pid: int) -> str:
    """What to try next; the commands work as they stand."""
    now = datetime.now(CHINA_TIME)
    keys, clients = load_keys(settings.keys), load_clients(settings.clients)
    token = issue_token(
        keys,
        clients.active(PERSON_CLIENT, now.date()),
        issuer=settings.issuer,
        audience=settings.audience,
        now=now,
        subject=SubjectKey.person(TEST_PERSON),
    )
    token_file = state / "token"
    _write_secret(token_file, token.encode())
    body = {"query": (COUNTY / "queries" / "me.graphql").read_text(encoding="utf-8")}
    (state / "me.json").write_bytes(orjson.dumps(body))
    (state / "check.json").write_bytes(orjson.dumps(_first_check()))
    data = state / "county"
    command = sys.argv[0]  # as it was called: few have the environment's bin folder on their path
    url = f"http://127.0.0.1:{settings.port}/graphql"
    client = f"{APPROVAL_CLIENT} -c {state}/gateway.yaml"
    return f"""
[bold green]ready[/] {url}   (open it in a browser for GraphiQL)

[bold]The page to open:[/] {settings.public_url}/   sign in as 测试甲, who does not exist

[bold]One person, eight departments[/] (测试甲, who does not exist):
  curl -s {url} -H "Authorization: Bearer $(cat {token_file})" \\
    -H 'Content-Type: application/json' -d @{state}/me.json | python3 -m json.tool --no-ensure-ascii

[bold]Stop a department[/], ask again, and see only its section change:
  mv {data}/court.db {data}/court.off        (and back again)
  kill {tax_pid}                             (the tax bureau's REST service)

[bold]A bank with a key of its own[/] gets a token, reads, revokes it, and is refused (pip install httpx2):
  {sys.executable} {CHECKOUT}/examples/clients/bank.py {settings.issuer} {state}/{BANK_KEY}

[bold]An approval system checks a candidate[/] (and again for every test subject: docs/sandbox.md):
  curl -s {url} -d @{state}/check.json -H 'Content-Type: application/json' \\
    -H "Authorization: Bearer $({command} token {client})" \\
    -H "Operator-Assertion: $({command} operator {client})" | python3 -m json.tool --no-ensure-ascii

[bold]Is everything as its manifest says?[/] {command} source check -c {state}/gateway.yaml

Ctrl-C stops all of it.
"""


def _first_check() -> dict[str, object]:
    """The operation of S04 about 测试甲, as an approval system sends it; again and again, as one tries it."""
    catalogue = load_catalogue()
    return {
        "query": operation_of(catalogue.scenarios["S04"], catalogue),
        "variables": {
            "lookup": {"person": {"citizenId": TEST_PERSON, "name": "测试甲"}},
            "access": {
                "scenario": "S04",
                "caseNo": "RSKS-2026-0001",
                "purpose": "公务员招录资格审查",
                "reasonCode": "QUALIFICATION_REVIEW",
                "noConflictOfInterest": True,
                "repeatReason": "CASE_CONTINUED",
                "repeatNote": "试用",
            },
        },
    }
