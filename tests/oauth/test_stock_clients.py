"""The sample clients, made of stock OAuth libraries, as they stand: pushed request to refusal."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NoReturn

import aiohttp
import pytest
import pytest_asyncio
import yaml

from gateway.app import create_app
from tests.oauth.conftest import Office, Person, embedded, handle_of
from tests.support.deployment import Stage, county_stage, without_lifespan
from tests.support.http import served
from tests.support.oauth import key_file
from tests.support.processes import CHECKOUT, Reply, free_port
from tests.support.scenarios import OVERLAY

pytestmark = pytest.mark.asyncio(loop_scope="session")
CLIENTS = CHECKOUT / "examples" / "clients"
PATIENCE = 60


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def county(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Office, str, str]]:
    """An authorization server at its own address, where stock clients look for it, and the bank's."""
    port, callback = free_port(), f"http://127.0.0.1:{free_port()}/callback"
    issuer = f"http://127.0.0.1:{port}"

    def change(config: Path) -> None:
        embedded(config)
        config.write_text(yaml.safe_dump(yaml.safe_load(config.read_text()) | {"issuer": issuer}))
        register = config.with_name("clients.yaml")
        clients = yaml.safe_load(register.read_text("utf-8"))
        next(one for one in clients if one["clientId"] == "sample-bank")["redirectUris"] = [callback]
        register.write_text(yaml.safe_dump(clients, allow_unicode=True), "utf-8")

    async with county_stage(tmp_path_factory.mktemp("stock"), OVERLAY, change=change) as stage:
        app = without_lifespan(create_app(stage.deployment))
        async with served(app, port) as url:
            yield Office(Stage(stage.deployment, {"default": url}, stage.ledger)), issuer, callback


@pytest.fixture(scope="module")
def node_clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """openid-client beside the samples; without Node or a registry there is nothing to test."""
    folder = tmp_path_factory.mktemp("node")
    for name in ("loan.mjs", "package.json", "package-lock.json"):
        (folder / name).write_bytes((CLIENTS / name).read_bytes())
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"]
    try:
        subprocess.run(command, cwd=folder, capture_output=True, timeout=120, check=True)
    except FileNotFoundError:
        pytest.skip("there is no Node")
    except subprocess.SubprocessError as error:
        _cannot_install(error)
    return folder


def _cannot_install(error: subprocess.SubprocessError) -> NoReturn:
    said = str(getattr(error, "stderr", b""))
    unreachable = any(word in said for word in ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN"))
    if os.environ.get("CI") and not unreachable:
        pytest.fail(f"openid-client cannot be installed: {said[-300:]}")
    pytest.skip("openid-client cannot be installed: the package registry does not answer")


async def test_a_stock_python_client_asks_reads_and_is_refused(
    county: tuple[Office, str, str], tmp_path: Path
) -> None:
    said = await _story(county, tmp_path, sys.executable, CLIENTS / "loan.py")
    assert said == ["token: DPoP, for ca_…", "afterwards: 401 TOKEN_REVOKED"]


async def test_a_stock_node_client_does_the_same(
    county: tuple[Office, str, str], tmp_path: Path, node_clients: Path
) -> None:
    said = await _story(county, tmp_path, "node", node_clients / "loan.mjs")
    assert said == ["token: dpop, for ca_…", "afterwards: 401 invalid_token"]


async def _story(county: tuple[Office, str, str], folder: Path, *program: Any) -> list[str]:
    """What the client says before and after it reads; the browser and the person are played here."""
    office, issuer, callback = county
    client = await asyncio.create_subprocess_exec(
        *map(str, program),
        issuer,
        str(key_file(folder)),
        callback,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert client.stdout is not None
    assert client.stdin is not None
    async with asyncio.timeout(PATIENCE):
        try:
            opened = await _line(client, "open: ")
            async with (
                aiohttp.ClientSession() as browser,
                browser.get(opened.removeprefix("open: "), allow_redirects=False) as response,
            ):
                sent = Reply(response.status, dict(response.headers), await response.read())
            handle = handle_of(sent)
            consent = await office.agreed(handle)
            answer = await office.authorizations.grant(handle, Person.named(), consent)
            async with aiohttp.ClientSession() as browser, browser.get(answer) as thanks:
                assert thanks.status == 200
            token = await _line(client, "token: ")
            read = await _line(client, "read: ")
            assert '"judgmentDefaults"' in read
            assert "caseNo" in read
            await office.take_back(consent)
            client.stdin.write(b"\n")
            last = (await _line(client, "")).rpartition("Enter. ")[2]
            assert await client.wait() == 0
        finally:
            if client.returncode is None:
                client.kill()
                await client.wait()
    return [token, last]


async def _line(client: asyncio.subprocess.Process, begins: str) -> str:
    assert client.stdout is not None
    line = (await client.stdout.readline()).decode().rstrip("\n")
    if not line.startswith(begins) or not line:
        client.kill()
        assert client.stderr is not None
        pytest.fail(f"the client said {line!r}: {(await client.stderr.read()).decode()[-2000:]}")
    return line
