"""`credit-gateway serve`: refuses what is not safe to start, and ends without breaking off an answer."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from authz.keys import generate_keys
from tests.support.bureau import bureau
from tests.support.commands import command
from tests.support.county import cast, write_county
from tests.support.processes import Home, eventually, free_port, listens, serving, settle

PERSON = cast()["测试甲"]
TAX = "{ me { person { tax { taxViolations { state records { caseKind } } } } } }"


def demo_keys(home: Home) -> None:
    (home.folder / "keys.yaml").unlink()
    generate_keys(demo=True).write(home.folder / "keys.yaml")


def shared_keys(home: Home) -> None:
    (home.folder / "keys.yaml").chmod(0o644)


def without(key: str) -> Callable[[Home], None]:
    def remove(home: Home) -> None:
        settings = yaml.safe_load(home.config.read_text())
        del settings[key]
        home.config.write_text(yaml.safe_dump(settings))

    return remove


def broken_manifest(home: Home) -> None:
    text = (home.sources / "court.yaml").read_text("utf-8").splitlines()
    (home.sources / "court.yaml").write_text("\n".join([*text[:3], "  - : {", *text[3:]]), "utf-8")


def changed(source: str, change: Callable[[dict[str, Any]], None]) -> Callable[[Home], None]:
    return lambda home: home.manifest(source, change)


def a_score(home: Home) -> None:
    """A county's own type about persons that breaks a guardrail."""
    folder = home.folder / "catalogue" / "record_types"
    folder.mkdir(parents=True)
    own = Path(yaml.safe_load(home.config.read_text())["catalogue"]) / "record_types" / "E-SC-90.yaml"
    entry = yaml.safe_load(own.read_text("utf-8"))
    score = {"name": "creditScore", "label": {"zh": "信用分", "en": "Credit score"}}
    entry |= {"subjects": ["NATURAL_PERSON"], "keys": ["CITIZEN_ID"]}
    entry["fields"].append(score | {"type": "integer", "class": "A"})
    (folder / own.name).write_text(yaml.safe_dump(entry, allow_unicode=True), "utf-8")
    home.set(catalogue="catalogue")


REFUSALS: dict[str, tuple[Callable[[Home], None], str, tuple[str, ...]]] = {
    "demo keys": (demo_keys, "KEYS_DEMO", ("Generate keys of your own",)),
    "keys that others can read": (shared_keys, "KEYS_MODE", ("chmod 600",)),
    "an unknown setting": (lambda h: h.set(prot=1), "SETTINGS_UNKNOWN_KEY", ("prot", "docs/settings.md")),
    "no issuer": (without("issuer"), "SETTINGS_MISSING_KEY", ("issuer", "CREDIT_GATEWAY_ISSUER")),
    "a store in memory": (lambda h: h.set(store="sqlite:///:memory:"), "STORE_MEMORY", ("name a file",)),
    "a guardrail broken": (a_score, "GR01", ("E-SC-90.creditScore", "catalogue lint")),
    "broken YAML in a manifest": (broken_manifest, "MANIFEST_YAML", ("court.yaml:4",)),
    "an unknown key in a manifest": (
        changed("court", lambda m: m.update(deadlinems=1)),
        "MANIFEST_UNKNOWN_KEY",
        ("court.yaml:", "deadlinems", "docs/manifests.md"),
    ),
    "an environment variable that is not there": (
        changed("court", lambda m: m.update(url="${COUNTY_NOWHERE_URL}")),
        "MANIFEST_ENVIRONMENT",
        ("court.yaml:", "COUNTY_NOWHERE_URL"),
    ),
    "two authorities for persons": (
        changed("civil", lambda m: m["identity"].update(ENTERPRISE="E-MZ-01")),
        "IDENTITY_DUPLICATE",
        ("ENTERPRISE",),
    ),
}


async def test_what_is_not_safe_does_not_start(tmp_path: Path) -> None:
    room = asyncio.Semaphore(4)

    async def refused(number: int, name: str) -> None:
        breaks, code, parts = REFUSALS[name]
        home = settle(tmp_path / str(number), {})
        breaks(home)
        async with room:
            result = await command("serve", "-c", home.config, env={"PORT": str(free_port())})
        try:
            result.refused(code, *parts)
        except AssertionError as error:
            error.add_note(name)
            raise

    answers = await asyncio.gather(
        *(refused(number, name) for number, name in enumerate(REFUSALS)), return_exceptions=True
    )
    wrong = {name: answer for name, answer in zip(REFUSALS, answers, strict=True) if answer}
    assert wrong == {}


async def test_no_settings_at_all(tmp_path: Path) -> None:
    result = await command("serve", "-c", "nowhere.yaml", cwd=tmp_path)
    result.refused("SETTINGS_FILE_MISSING", "nowhere.yaml", "--config")


async def test_a_misspelt_variable(home: Home) -> None:
    result = await command("serve", "-c", home.config, env={"CREDIT_GATEWAY_PROT": "secret-value"})
    result.refused("SETTINGS_UNKNOWN_KEY", "prot")
    assert "secret-value" not in result.err


async def test_a_taken_port(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = await command("serve", "-c", home.config, env={"PORT": port})
    result.refused("ADDRESS_TAKEN", port, "Set PORT")


async def test_a_request_in_flight_is_answered_before_the_end(tmp_path: Path) -> None:
    (tmp_path / "county").mkdir()
    urls = await write_county(tmp_path / "county")
    port = free_port()
    home = settle(tmp_path / "home", urls | {"COUNTY_TAX_URL": f"http://127.0.0.1:{port}"})
    home.manifest("tax", lambda manifest: manifest.update(deadlineMs=60_000))
    async with bureau(home) as tax:
        with serving(home) as server:
            answer = asyncio.create_task(server.ask(TAX, token=home.token("citizen-app", PERSON)))
            await eventually(tax.called)
            server.process.send_signal(signal.SIGTERM)

            async def closed() -> bool:
                return not listens(int(server.url.rpartition(":")[2]))

            await eventually(closed)
            assert server.process.poll() is None
            tax.open.set()
            reply = await answer
            assert (reply.status, reply.errors) == (200, [])
            assert reply.data["me"]["person"]["tax"]["taxViolations"] == {"state": "OK", "records": []}
            assert server.process.wait(20) in (0, -signal.SIGTERM)
