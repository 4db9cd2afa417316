"""`source introspect -W` at a terminal: the password is typed, reaches the server, and is shown nowhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.support.databases import Database
from tests.support.strangers import STANDARD
from tests.support.terminal import at_terminal

pytestmark = pytest.mark.mariadb
PASSWORD = "p@ss:w/o?rd %41"


@pytest.fixture
async def address(mariadb: Database) -> AsyncIterator[str]:
    """A database that lets somebody in by password."""
    await STANDARD.fill(mariadb)
    url = make_url(mariadb.url)
    user = f"r_{(url.database or '')[-12:]}"
    await mariadb.execute(
        f"CREATE USER '{user}'@'%' IDENTIFIED BY '{PASSWORD}'",
        f"GRANT SELECT ON {url.database}.* TO '{user}'@'%'",
    )
    yield url.set(username=user).render_as_string(hide_password=False)
    await mariadb.execute(f"DROP USER '{user}'@'%'")


async def introspected(address: str, out: Path, typed: str) -> tuple[int, str]:
    line = ("source", "introspect", address, "-W", "--out", out, "-c", out.with_name("none.yaml"))
    return await asyncio.to_thread(at_terminal, *line, prompt="Password: ", typed=typed)


async def test_the_password_is_typed_unseen_and_lets_the_command_in(address: str, tmp_path: Path) -> None:
    out = tmp_path / "draft.yaml"
    code, screen = await introspected(address, out, f"{PASSWORD}\n")
    assert code == 0, screen
    assert "ac02" in out.read_text("utf-8")
    assert PASSWORD not in screen + out.read_text("utf-8")
    assert "***" in screen, "where the whole URL belongs"


async def test_a_wrong_one_is_refused_and_not_repeated(address: str, tmp_path: Path) -> None:
    code, screen = await introspected(address, tmp_path / "draft.yaml", "wrong-one\n")
    assert code == 1
    assert "LOGIN" in screen
    assert "wrong-one" not in screen
    assert not (tmp_path / "draft.yaml").exists()


async def test_ctrl_c_at_the_prompt_ends_it(address: str, tmp_path: Path) -> None:
    code, screen = await introspected(address, tmp_path / "draft.yaml", "\x03")
    assert code != 0
    assert "Traceback" not in screen
    assert not (tmp_path / "draft.yaml").exists()
