"""One contender, pinned to one core: `python -m bench.server <contender> --state … --persons … --core …`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import typer
import uvicorn

from bench.floor.app import create_app
from gateway.cli.serve import server_of
from gateway.deployment import deploy
from gateway.settings import load_settings


def gateway(state: Path, persons: int, port: int) -> uvicorn.Server:
    """The product, as `credit-gateway serve` runs it, with demo keys."""
    return server_of(deploy(load_settings(state / "gateway.yaml"), demo=True))


def floor(state: Path, persons: int, port: int) -> uvicorn.Server:
    """By hand, without a trace of who asked."""
    return _uvicorn(persons, port, None)


def floor_with_audit(state: Path, persons: int, port: int) -> uvicorn.Server:
    """By hand, with the two durable audit rows that the law asks for."""
    return _uvicorn(persons, port, state / "floor.db")


CONTENDERS: Final[dict[str, Callable[[Path, int, int], uvicorn.Server]]] = {
    "gateway": gateway,
    "floor": floor,
    "floor+audit": floor_with_audit,
}


def _uvicorn(persons: int, port: int, audit: Path | None) -> uvicorn.Server:
    app = create_app(persons, audit)
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
    CONTENDERS[contender](state, persons, port).run()


if __name__ == "__main__":
    typer.run(main)
