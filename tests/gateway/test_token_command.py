"""Demo tokens from the command line: a bank's is bound to a key, as any bank's token is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from typer.testing import CliRunner, Result

from authz.dpop import thumbprint
from authz.keys import generate_keys, load_keys
from gateway.cli import app
from tests.gateway.test_settings import COMPLETE
from tests.support.county import COUNTY

KEY = ECKey.generate_key("P-256")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    text = COMPLETE.replace("clients.yaml", str(COUNTY / "clients.yaml")).replace(
        "keys: keys", "keys: keys.yaml"
    )
    (tmp_path / "gateway.yaml").write_text(text)
    generate_keys(demo=True).write(tmp_path / "keys.yaml")
    (tmp_path / "key.jwk").write_text(json.dumps(KEY.as_dict(private=True)))
    (tmp_path / "public.jwk").write_text(json.dumps(KEY.as_dict(private=False)))
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["token", *arguments, "-c", str(folder / "gateway.yaml")])


def test_a_banks_token_is_bound_to_its_key(folder: Path) -> None:
    made = run(folder, "sample-bank", "--dpop-key", str(folder / "key.jwk"))
    assert made.exit_code == 0, made.output
    token = jwt.decode(made.output.strip(), load_keys(folder / "keys.yaml").verification_keys())
    assert token.claims["cnf"] == {"jkt": thumbprint(KEY)}


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], "DPOP_KEY_MISSING"),
        (["--dpop-key", "public.jwk"], "KEY_UNREADABLE"),
        (["--dpop-key", "gateway.yaml"], "KEY_UNREADABLE"),
        (["--dpop-key", "absent"], "KEY_UNREADABLE"),
    ],
)
def test_a_bank_without_its_key_gets_none(folder: Path, options: list[str], code: str) -> None:
    paths = [str(folder / each) if "." in each or each == "absent" else each for each in options]
    refused = run(folder, "sample-bank", *paths)
    assert (refused.exit_code, code in refused.output) == (1, True), refused.output


def test_an_officer_needs_no_key(folder: Path) -> None:
    made = run(folder, "hr-approval")
    token = jwt.decode(made.output.strip(), load_keys(folder / "keys.yaml").verification_keys())
    assert "cnf" not in token.claims


def test_a_role_names_its_client(folder: Path) -> None:
    made = run(folder, "--role", "auditor", "--operator", "rv-0001")
    assert made.exit_code == 0, made.output
    token = jwt.decode(made.output.strip(), load_keys(folder / "keys.yaml").verification_keys())
    assert token.claims["client_id"] == "audit-office"
    assert "credit:review" in token.claims["scope"].split()


@pytest.mark.parametrize("arguments", [[], ["audit-office", "--role", "auditor"], ["--role", "peer"]])
def test_one_client_is_named_one_way(folder: Path, arguments: list[str]) -> None:
    refused = run(folder, *arguments)
    assert (refused.exit_code, "CLIENT_MISSING" in refused.output) == (1, True), refused.output
