"""Links lead somewhere, and every command and target that a page names exists."""

import re

import pytest
import typer

from gateway.cli import app
from tests.support.documents import PAGES, ROOT, anchors, code_in

COMMANDS = typer.main.get_command(app)
NAMED = re.compile(r"credit-gateway((?: +[^\s`|;&)#]+)*)")
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.fixture(params=PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def page(request):
    return request.param


def test_links_resolve(page):
    for target in LINK.findall(page.read_text("utf-8")):
        if target.startswith(("http://", "https://")):
            continue
        name, _, fragment = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        assert linked.exists(), target
        assert not fragment or fragment in anchors(linked), target


def test_commands_exist(page):
    for code in code_in(page.read_text("utf-8")):
        for words in NAMED.findall(code):
            _assert_known(words.split())


def test_targets_exist(page):
    named = {
        target
        for code in code_in(page.read_text("utf-8"))
        for target in re.findall(r"^(?:[A-Z]+=\S+ )?make ([a-z]+)", code, re.M)
    }
    assert named <= TARGETS


def test_the_readme_stays_readable():
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 250


def _assert_known(words):
    command = COMMANDS
    while hasattr(command, "commands") and words:
        assert words[0] in command.commands, " ".join(words)
        command, words = command.commands[words[0]], words[1:]
    options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    given = {word.strip("[]") for word in words if word.strip("[]").startswith("-") and word != "-"}
    assert given <= options, given - options
