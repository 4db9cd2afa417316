"""Processes of a run: none outlives it, not even one that is killed."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

STOP_SECONDS: Final = 30
_LIBC: Final = ctypes.CDLL(None)
_PR_SET_PDEATHSIG: Final = 1


def die_with_parent() -> None:
    """Have the kernel end this process once the one that started it has gone."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def leave_on_sigterm() -> None:
    """Let SIGTERM unwind as an exit does, so that everything started is stopped and undone."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


@contextmanager
def started(
    command: Sequence[str | Path],
    *,
    cores: Collection[int] = (),
    log: IO[bytes] | int | None = None,
    pipes: bool = False,
    environment: dict[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process on these cores, stopped behind the block; `pipes` are its standard input and output."""
    channel = subprocess.PIPE if pipes else log
    process = subprocess.Popen(
        command,
        stdin=channel if pipes else subprocess.DEVNULL,
        stdout=channel,
        stderr=log,
        env=environment,
        preexec_fn=die_with_parent,
    )
    with process:
        try:
            if cores:
                os.sched_setaffinity(process.pid, cores)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
