"""`credit-gateway consent` over a store in which people have agreed: the counter, and proof."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from authz.consent.tables import Record
from authz.keys import KeyRing, load_keys
from authz.moments import now_in_china
from gateway.cli import app
from tests.support.authz_parties import person
from tests.support.consents import BANK, bench
from tests.support.databases import Database
from tests.support.processes import Home

ME, OTHER = person().value, person(2).value


@dataclass(frozen=True)
class Used:
    """A deployment with two consents of one person and a request to another."""

    home: Home
    keys: KeyRing
    given: Record
    later: Record
    asked: Record

    def run(self, *words: str | Path, stdin: str = "") -> Result:
        line = ["consent", *map(str, words), "--config", str(self.home.config)]
        return CliRunner().invoke(app, line, input=stdin)

    def told(self, *words: str | Path, stdin: str = "") -> Any:
        result = self.run(*words, "--json", stdin=stdin)
        assert result.exit_code == 0, result.output
        return orjson.loads(result.stdout)


async def _consents(home: Home, keys: KeyRing) -> Used:
    async with bench(f"sqlite:///{home.store}", keys) as found:
        given, later, asked = await found.given(), await found.given(), await found.asked(person(2))
        return Used(home, keys, given, later, asked)


@pytest.fixture
def used(home: Home) -> Used:
    return asyncio.run(_consents(home, load_keys(home.folder / "keys.yaml")))


def test_what_is_listed_and_shown_names_no_person(used: Used) -> None:
    everything = used.told("list")
    assert {one["id"] for one in everything} == {used.given.id, used.later.id, used.asked.id}
    assert used.told("list", "--client", "other-bank") == []
    assert [one["id"] for one in used.told("list", "--state", "USED_UP")] == []
    mine = used.told("list", "--person", stdin=f"{ME}\n")
    assert {one["id"] for one in mine} == {used.given.id, used.later.id}
    shown = used.told("show", used.given.id)
    assert [event["act"] for event in shown["events"]][:2] == ["REQUESTED", "GIVEN"]
    assert shown["items"][0]["fields"] == ["caseNo", "court"]
    printed = [used.run("list"), used.run("show", used.given.id)]
    assert [one.exit_code for one in printed] == [0, 0]
    for secret in (ME, OTHER, used.given.subject, used.given.request.subject_ref):
        for text in (orjson.dumps([everything, shown]).decode(), *(one.output for one in printed)):
            assert secret not in text


def test_a_consent_is_taken_back_at_the_counter_and_by_nobody_elses_number(used: Used) -> None:
    foreign = used.run("revoke", used.given.id, "--operator", "op-0012", stdin=f"{OTHER}\n")
    assert (foreign.exit_code, "CONSENT_UNKNOWN" in foreign.output) == (1, True)
    assert OTHER not in foreign.output
    assert used.told("show", used.given.id)["state"] != "REVOKED"


@pytest.mark.parametrize(
    ("words", "stdin", "code"),
    [
        (("revoke", "ca_1", "--operator", "op-0012"), f"{ME}\n", "CONSENT_UNKNOWN"),
        (("revoke", "ca_1", "--operator", "13800138000"), f"{ME}\n", "OPERATOR_INVALID"),
        (("revoke", "ca_1", "--operator", "op-0012"), "1234\n", "PERSON_INVALID"),
        (("show", "ca_1"), "", "CONSENT_UNKNOWN"),
        (("verify",), "", "NOTHING_TO_VERIFY"),
        (("verify", "ca_1"), "", "CONSENT_UNKNOWN"),
        (("verify", "--artefact", "a.json"), "", "NOTHING_TO_VERIFY"),
        (
            ("verify", "--artefact", "no.json", "--signature", "no.jws", "--keys", "no.json"),
            "",
            "FILE_UNREADABLE",
        ),
    ],
)
def test_what_cannot_be_done_says_so(used: Used, words: tuple[str, ...], stdin: str, code: str) -> None:
    result = used.run(*words, stdin=stdin)
    assert (result.exit_code, code in result.output) == (1, True), result.output


def test_anyone_checks_an_artefact_with_the_published_keys(used: Used, tmp_path: Path) -> None:
    artefact, signature, keys = (tmp_path / name for name in ("a.json", "a.jws", "jwks.json"))
    artefact.write_bytes(used.given.payload or b"")
    signature.write_text(f"{used.given.signature}\n", "ascii")
    keys.write_bytes(orjson.dumps(used.keys.consent_keys().as_dict(private=False)))
    files = ("--artefact", artefact, "--signature", signature, "--keys", keys)
    assert used.told("verify", used.given.id) == {"holds": True}
    assert used.told("verify", *files) == {"holds": True}
    artefact.write_bytes((used.given.payload or b"").replace(b"court", b"count"))
    altered = used.run("verify", *files, "--json")
    assert (altered.exit_code, orjson.loads(altered.stdout)) == (1, {"holds": False})
    store = Database("sqlite", f"sqlite:///{used.home.store}")
    swap = f"UPDATE consent SET artefact = (SELECT artefact FROM consent WHERE id = '{used.later.id}')"
    asyncio.run(store.execute(f"{swap} WHERE id = '{used.given.id}'"))
    assert used.run("verify", used.given.id).exit_code == 1


def test_the_office_takes_back_what_stands(home: Home) -> None:
    keys = load_keys(home.folder / "keys.yaml")

    async def lasting() -> Record:
        async with bench(f"sqlite:///{home.store}", keys, clock=now_in_china) as found:
            return await found.given()

    given = asyncio.run(lasting())
    used = Used(home, keys, given, given, given)
    line = ("revoke", given.id, "--operator", "op-0012")
    assert used.told(*line, stdin=f"{ME}\n")["state"] == "REVOKED"
    again = used.run(*line, stdin=f"{ME}\n")
    assert (again.exit_code, "CONSENT_STATE" in again.output) == (1, True)
    last = used.told("show", given.id)["events"][-1]
    assert (last["act"], last["by"]) == ("REVOKED", "OFFICE")

    async def logged() -> tuple[dict[str, Any], Record | None]:
        async with bench(f"sqlite:///{home.store}", keys, clock=now_in_china) as found:
            leaves = [leaf.event async for leaf in found.audit.read()]
            return leaves[-1], await found.register.find(BANK, given.id)

    event, found = asyncio.run(logged())
    assert (event["act"], event["agent"]["operatorRef"]) == ("REVOKED", "op-0012")
    assert found is not None
    assert found.stored_state == "REVOKED"


def test_the_policy_explains_what_a_consent_opens(home: Home) -> None:
    keys = load_keys(home.folder / "keys.yaml")

    async def lasting() -> Record:
        async with bench(f"sqlite:///{home.store}", keys, clock=now_in_china) as found:
            return await found.given()

    given = asyncio.run(lasting())
    line = ["policy", "explain", "P-FY-01", "--consent", given.id, "-c", str(home.config), "--json"]
    told = CliRunner().invoke(app, [*line, "--client", "sample-bank"])
    assert told.exit_code == 0, told.output
    basis, decisions = (orjson.loads(told.stdout)[name] for name in ("basis", "decisions"))
    agreed = {name for item in given.request.authorization_details for name in item.named}
    read = {each["action"] for each in decisions if each["effect"] != "DENY"} - {"exists"}
    assert (basis, read) == ("CONSENT", agreed), decisions
    for client, code in (("hr-approval", "ACTOR_NOT_ALLOWED"), ("no-client", "CLIENT")):
        refused = CliRunner().invoke(app, [*line, "--client", client])
        assert (refused.exit_code, code in refused.output) == (1, True), refused.output
    line[4] = "ca_" + "a" * 32
    assert "CONSENT_UNKNOWN" in CliRunner().invoke(app, [*line, "--client", "sample-bank"]).output
