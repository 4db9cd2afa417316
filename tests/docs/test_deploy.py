"""The example deployment can be used as it stands."""

import configparser
import re
import stat

from typer.testing import CliRunner

from authz.keys import load_keys
from gateway.cli import COMMANDS, app
from gateway.settings import load_settings
from tests.support.documents import ROOT

DEPLOY = ROOT / "deploy"


def test_the_settings_are_accepted():
    settings = load_settings(DEPLOY / "gateway.yaml", {})
    assert settings.hsts
    assert not settings.graphiql


def test_the_unit_starts_a_command_that_exists_and_waits_for_its_grace():
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str
    unit.read(DEPLOY / "credit-gateway.service", "utf-8")
    _, command, option, path = unit["Service"]["ExecStart"].split()
    assert command in COMMANDS
    assert (option, path.rpartition("/")[2]) == ("--config", "gateway.yaml")
    assert unit["Service"]["LimitCORE"] == "0"


def test_the_line_that_makes_keys_makes_keys_that_may_serve(tmp_path):
    (line,) = re.findall(
        r"credit-gateway (keys generate) keys.yaml", (DEPLOY / "README.md").read_text("utf-8")
    )
    keys = tmp_path / "keys.yaml"
    assert CliRunner().invoke(app, [*line.split(), str(keys)]).exit_code == 0
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    load_keys(keys).refuse_demo()
