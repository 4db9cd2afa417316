"""`credit-gateway` at a real terminal: what it prompts for, what is typed, and what the screen shows."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from tests.support.processes import BINARY, PATIENCE, environ

_CONTROLLED = """
import os, signal, sys
os.close(os.open(os.ttyname(0), os.O_RDWR))
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""The first terminal that the leader of a session opens controls it: passwords are asked there.

A shell at a terminal lets Ctrl-C through, however the tests themselves were started."""


def at_terminal(
    *arguments: str | Path, prompt: str, typed: str, env: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Exit code, and all that the screen showed; `typed` is entered where the prompt has appeared."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _CONTROLLED, BINARY, *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**environ(), "COLUMNS": "200", **(env or {})},
        start_new_session=True,
    )
    os.close(theirs)
    try:
        screen = _read(ours, until=prompt.encode())
        _wait_for_input(process.pid)
        os.write(ours, typed.encode())
        screen += _read(ours)
        return process.wait(PATIENCE), screen.decode()
    finally:
        os.close(ours)
        if process.poll() is None:
            process.kill()
            process.wait()


def _wait_for_input(pid: int) -> None:
    """Until it sleeps in the prompt: a Ctrl-C just before that is noticed with the next key alone."""
    deadline = time.monotonic() + PATIENCE
    while psutil.Process(pid).status() != psutil.STATUS_SLEEPING:
        assert time.monotonic() < deadline


def _read(terminal: int, until: bytes | None = None) -> bytes:
    """What is shown until these words, or until nobody has the terminal open any more."""
    shown, deadline = b"", time.monotonic() + PATIENCE
    while until is None or until not in shown:
        ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
        assert ready, shown.decode()
        try:
            shown += os.read(terminal, 4096)
        except OSError:  # EIO: the last one has closed it
            assert until is None, shown.decode()
            break
    return shown
