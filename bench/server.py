"""One contender, pinned to one core: `python -m bench.server <contender> --state … --persons … --core …`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer
import uvicorn
from starlette.applications import Starlette

from bench import npm, stock
from bench.contender import CHUNKED
from bench.floor.app import create_app
from gateway.cli.serve import server_of
from gateway.deployment import deploy
from gateway.settings import load_settings

Build: TypeAlias = Callable[[Path, int, int], uvicorn.Server]
"""From the run's state, persons and port."""


def gateway(config: str) -> Build:
    """The product, as `credit-gateway serve` runs it, with demo keys."""
    return lambda state, _persons, _port: server_of(deploy(load_settings(state / config), demo=True))


def floor(*, audit: bool = False, batching: bool = False) -> Build:
    """By hand; with `audit`, the two durable rows that the law asks for."""

    def build(state: Path, persons: int, port: int) -> uvicorn.Server:
        return _uvicorn(create_app(persons, state / "floor.db" if audit else None, batching=batching), port)

    return build


CONTENDERS: Final[dict[str, Build]] = {
    "gateway": gateway("gateway.yaml"),
    "gateway, unbatched": gateway("unbatched.yaml"),
    CHUNKED: gateway("gateway.yaml"),
    "strawberry": lambda _state, persons, port: _uvicorn(stock.create_app(persons), port),
    "floor": floor(),
    "floor+audit": floor(audit=True),
    "floor+batch": floor(batching=True),
    "floor+batch+audit": floor(audit=True, batching=True),
}


def _uvicorn(app: Starlette, port: int) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(app, port=port, lifespan="on", access_log=False, server_header=False)
    )


def main(
    contender: str,
    state: Annotated[Path, typer.Option()],
    persons: Annotated[int, typer.Option()],
    port: Annotated[int, typer.Option()],
    core: Annotated[int, typer.Option()],
) -> None:
    """Serve until told to stop."""
    os.sched_setaffinity(0, {core})
    if contender in npm.PEERS:
        command = npm.command(contender, state, port)
        os.execvpe(command[0], command, npm.ENVIRONMENT)
    CONTENDERS[contender](state, persons, port).run()


if __name__ == "__main__":
    typer.run(main)
