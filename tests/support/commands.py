"""`credit-gateway` run as people run it: a process, its exit code, and what it prints where."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tests.support.processes import BINARY, PATIENCE, environ


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return orjson.loads(self.out)

    def refused(self, code: str, *parts: str) -> None:
        """It failed with one line on standard error that says what is wrong, and nothing else."""
        assert (self.code, self.out) == (1, ""), self
        assert self.err.startswith(f"{code} "), self.err
        assert self.err.count("\n") == 1, self.err
        for part in parts:
            assert part in self.err


async def command(
    *arguments: str | Path,
    stdin: str = "",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Result:
    """Run one command to its end."""
    process = await asyncio.create_subprocess_exec(
        BINARY,
        *map(str, arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=cwd,
        env={**environ(), **(env or {})},
    )
    try:
        async with asyncio.timeout(PATIENCE):
            out, err = await process.communicate(stdin.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Result(process.returncode or 0, out.decode(), err.decode())


async def commands(*lines: tuple[str | Path, ...]) -> list[Result]:
    """Several commands, four at a time, in order."""
    room = asyncio.Semaphore(4)

    async def one(line: tuple[str | Path, ...]) -> Result:
        async with room:
            return await command(*line)

    return list(await asyncio.gather(*(one(line) for line in lines)))
