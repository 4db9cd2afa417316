"""Two people register a client; one alone cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from authz.clients import load_clients
from gateway.cli import app
from tests.gateway.test_settings import COMPLETE
from tests.support.authz_parties import entity

BANK = {
    "clientId": "bank-a",
    "kind": "PARTNER",
    "organization": entity("91").value,
    "organizationName": "样例村镇银行",
    "contact": "0914-6000020",
    "validFrom": "2026-01-01",
    "validUntil": "2027-12-31",
    "scopes": ["credit:consent"],
}
REGISTERED = "# kept\n" + yaml.safe_dump([BANK | {"clientId": "bank-b", "approvedBy": ["op-1", "op-2"]}])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "gateway.yaml").write_text(COMPLETE)
    (tmp_path / "clients.yaml").write_text(REGISTERED, "utf-8")
    (tmp_path / "bank.yaml").write_text(yaml.safe_dump(BANK), "utf-8")
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["client", *arguments, "-c", str(folder / "gateway.yaml")])


def add(folder: Path, by: str = "op-0012") -> Result:
    return run(folder, "add", str(folder / "bank.yaml"), "--by", by)


def approve(folder: Path, by: str, client: str = "bank-a") -> Result:
    return run(folder, "approve", client, "--by", by, "--yes")


def clients(folder: Path) -> set[str]:
    return set(load_clients(folder / "clients.yaml").clients)


def test_a_client_is_registered_by_two_different_people(folder: Path) -> None:
    assert add(folder).exit_code == 0
    assert clients(folder) == {"bank-b"}
    own = approve(folder, "op-0012")
    assert (own.exit_code, clients(folder)) == (1, {"bank-b"})
    assert "CLIENT_APPROVAL" in own.output
    shown = approve(folder, "op-0034")
    assert shown.exit_code == 0
    assert "样例村镇银行" in shown.output, "who approves has read what"
    registered = load_clients(folder / "clients.yaml").clients["bank-a"]
    assert registered.approved_by == ("op-0012", "op-0034")
    assert (folder / "clients.yaml").read_text("utf-8").startswith("# kept")
    assert approve(folder, "op-0034").exit_code == 1, "a request is approved once"


def test_who_is_asked_and_says_no_registers_nothing(folder: Path) -> None:
    add(folder)
    arguments = ["client", "approve", "bank-a", "--by", "op-0034", "-c", str(folder / "gateway.yaml")]
    assert CliRunner().invoke(app, arguments, input="n\n").exit_code == 1
    assert clients(folder) == {"bank-b"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"approvedBy": ["op-1", "op-2"]}, "CLIENT_APPROVAL"),
        ({"clientId": "bank-b"}, "CLIENT_DUPLICATE"),
        ({"validUntil": "2030-01-01"}, "CLIENT_PERIOD"),
        ({"kind": "KING"}, "CLIENT_SHAPE"),
        ({"jwks": {"keys": [{"kty": "oct", "k": "AA"}]}}, "CLIENT_KEYS"),
    ],
)
def test_what_may_not_be_registered_is_not_even_requested(
    folder: Path, change: dict[str, object], code: str
) -> None:
    (folder / "bank.yaml").write_text(yaml.safe_dump(BANK | change), "utf-8")
    refused = add(folder)
    assert (refused.exit_code, code in refused.output) == (1, True), refused.output
    assert sorted(path.name for path in folder.iterdir()) == ["bank.yaml", "clients.yaml", "gateway.yaml"]


def test_a_request_waits_once_and_people_have_staff_references(folder: Path) -> None:
    assert "OPERATOR_INVALID" in add(folder, "王小明").output
    add(folder)
    assert "CLIENT_DUPLICATE" in add(folder, "op-0099").output
    assert "OPERATOR_INVALID" in approve(folder, "王小明").output
    assert "CLIENT_UNKNOWN" in approve(folder, "op-0034", "bank-z").output


def test_the_list_shows_what_waits(folder: Path) -> None:
    add(folder)
    found = run(folder, "list", "--json").output
    assert [(row["clientId"], row["approvedBy"]) for row in yaml.safe_load(found)] == [
        ("bank-b", ["op-1", "op-2"]),
        ("bank-a", ["op-0012"]),
    ]
    assert "waits for another" in run(folder, "list").output
