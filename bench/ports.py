"""Ports of this machine: a free one, and one somebody has begun to listen on."""

from __future__ import annotations

import socket
from collections.abc import Callable
from time import monotonic, sleep


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def opens(port: int, seconds: float, alive: Callable[[], bool]) -> bool:
    """Whether somebody listens within the time, while `alive` says that it may yet come."""
    deadline = monotonic() + seconds
    while monotonic() < deadline and alive():
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        sleep(0.05)
    return False
