"""docs/architecture.md and README.md: what they say of the executor's text can be seen by their commands."""

import re

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from tests.support.documents import ROOT
from tests.support.processes import settle


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        (
            "docs/architecture.md",
            ("as: the person themself", "mask('M_ID', values['citizenId'])", "def read(c, asked):"),
        ),
        ("README.md", ("as: the person themself", "P-FY-01 PERMIT", "SELECT ")),
    ],
)
def test_an_operation_is_explained_as_it_says(page, shown, tmp_path, monkeypatch):
    text = (ROOT / page).read_text("utf-8")
    (command,) = re.findall(r"credit-gateway (query [^`]+--(?:dump-source|explain)[^`]*)`", text)
    settle(tmp_path / "var" / "demo", {})
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, command.split())
    assert done.exit_code == 0, done.output
    assert all(each in done.output for each in shown)
