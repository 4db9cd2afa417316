"""Keys are made, renewed and retired by command, and never printed."""

from __future__ import annotations

import base64
import os
import re
import stat
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from authz.keys import Purpose, generate_keys, load_keys
from authz.revocations import LONGEST_TOKEN_SECONDS
from gateway.cli import app
from tests.gateway.test_settings import COMPLETE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "gateway.yaml").write_text(COMPLETE)
    generate_keys().write(tmp_path / "keys")
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    """A command; nothing that it says may hold key material."""
    result = CliRunner().invoke(app, ["keys", *arguments, "-c", str(folder / "gateway.yaml")])
    for purpose in Purpose:
        for key in load_keys(folder / "keys").kept(purpose):
            assert base64.urlsafe_b64encode(key.material).decode() not in result.output
    return result


def grow_old(folder: Path) -> None:
    """The file was changed so long ago that every token of an old key has expired."""
    then = time.time() - LONGEST_TOKEN_SECONDS - 1
    os.utime(folder / "keys", (then, then))


def test_a_key_file_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "new.yaml"
    assert CliRunner().invoke(app, ["keys", "generate", str(file)]).exit_code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    load_keys(file).refuse_demo()
    before = file.read_bytes()
    again = CliRunner().invoke(app, ["keys", "generate", str(file)])
    assert (again.exit_code, file.read_bytes()) == (1, before)
    assert "KEYS_EXIST" in again.output


def test_a_new_key_signs_and_the_old_one_stays_published(folder: Path) -> None:
    old = load_keys(folder / "keys").signing_key.kid
    assert "version 2" in run(folder, "rotate", "tokenSigning").output
    ring = load_keys(folder / "keys")
    assert ring.signing_key.kid != old
    assert [key.kid for key in ring.verification_keys()] == [old, ring.signing_key.kid]
    assert stat.S_IMODE((folder / "keys").stat().st_mode) == 0o600
    listed = run(folder, "list", "--json")
    assert str(old) in listed.output
    assert str(ring.signing_key.kid) in listed.output
    assert "tokenSigning" in run(folder, "list").output


def test_an_old_key_goes_when_its_tokens_have_ended(folder: Path) -> None:
    run(folder, "rotate", "tokenSigning")
    early = run(folder, "retire", "tokenSigning", "1")
    assert (early.exit_code, "KEYS_IN_USE" in early.output) == (1, True)
    grow_old(folder)
    for version in ("2", "7"):
        refused = run(folder, "retire", "tokenSigning", version)
        assert (refused.exit_code, "KEYS_VERSION" in refused.output) == (1, True)
    assert run(folder, "retire", "tokenSigning", "1").exit_code == 0
    assert [key.version for key in load_keys(folder / "keys").kept(Purpose.TOKEN_SIGNING)] == [2]


@pytest.mark.parametrize("purpose", ["subjectRef", "auditSubject", "consentSigning"])
def test_what_made_things_for_years_is_kept(folder: Path, purpose: str) -> None:
    run(folder, "rotate", purpose)
    grow_old(folder)
    refused = run(folder, "retire", purpose, "1")
    assert (refused.exit_code, "KEYS_IN_USE" in refused.output) == (1, True)
    assert len(load_keys(folder / "keys").kept(Purpose(purpose))) == 2


def test_a_purpose_that_a_newer_gateway_needs_is_added(folder: Path) -> None:
    file = folder / "keys"
    whole = file.read_text()
    file.write_text(re.sub(r"  dpopNonce:\n    1: \S+\n", "", whole))
    assert file.read_text() != whole
    result = CliRunner().invoke(app, ["keys", "complete", "-c", str(folder / "gateway.yaml")])
    assert result.exit_code == 0, result.output
    assert len(load_keys(file).kept(Purpose.DPOP_NONCE)) == 1
