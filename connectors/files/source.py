"""A folder of delivered files behind one manifest.

Reading happens in threads of its own, so that a share that hangs holds up nobody else. The index
is built once for each set of files, also when whoever asked first has gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from catalogue.model import Catalogue
from connectors.described import Described
from connectors.errors import (
    ManifestError,
    SourceBusy,
    SourceDrift,
    SourceError,
    SourceUnavailable,
)
from connectors.files import check
from connectors.files.drop import Changed, Delivered
from connectors.files.index import Index
from connectors.files.reader import Reader
from connectors.manifest import Manifest
from connectors.protocol import Answer, Ask, Finding, Reject
from connectors.row_plan import PLACE
from connectors.rules import mapped

_ATTEMPTS: Final = 3
"""How often a question starts again because a file was replaced under it."""

T = TypeVar("T")


class FileSource(Described):
    """Implements `connectors.protocol.Source`. Raises ManifestError when built, SourceError when asked."""

    def __init__(self, manifest: Manifest, catalogue: Catalogue, folder: Path) -> None:
        super().__init__(manifest)
        self.readers = {
            code: Reader(manifest, mapped(catalogue, code), record, folder)
            for code, record in manifest.mapped.items()
        }
        name = f"files-{manifest.source}"
        self._reading = ThreadPoolExecutor(manifest.pool, thread_name_prefix=name)
        self._indexing = ThreadPoolExecutor(1, thread_name_prefix=f"{name}-index")
        self._indexes: dict[str, Index] = {}
        self._building: dict[str, asyncio.Task[Index]] = {}

    async def fetch(self, ask: Ask) -> Answer:
        """Rows at the positions of the asked keys; starts again where a file was replaced meanwhile."""
        reader = self.readers[ask.record_type]
        if {key.kind for key in ask.keys} - reader.record.keys.keys():
            raise SourceDrift(self.name, "KEY_KIND")
        for _ in range(_ATTEMPTS):
            try:
                index = await self._index(ask.record_type)
                answer = await self._run(self._reading, partial(reader.answer, ask, index))
            except Changed:
                continue
            return answer if index.told else answer._replace(strays=_told(index))
        raise SourceBusy(self.name, "FILE_CHANGING")

    def explain(self, record_type: str, fields: frozenset[str]) -> str:
        """Which files are looked through, by which columns, and which cells are taken from their rows."""
        reader = self.readers[record_type]
        keys = [column for key in reader.record.keys.values() for column in key.columns]
        columns = reader.pipeline.columns(fields)
        return f"{reader.drop.files}\nby {', '.join(keys)}\ncells {', '.join(columns)}"

    def row_source(self, record_type: str, fields: frozenset[str]) -> str:
        """The Python text that reads the cells of a row and its place."""
        pipeline = self.readers[record_type].pipeline
        return pipeline.row_source(fields, (*pipeline.columns(fields), PLACE))

    async def check(self) -> list[Finding]:
        """Compare the manifest with every row of the files that stand."""
        findings: list[Finding] = []
        for code, reader in self.readers.items():
            where = f"{self.name}.records.{code}"
            try:
                index = await self._index(code)
                findings += await self._run(self._reading, partial(check.run, where, reader, index))
            except Changed:
                findings.append(check.refused(where, SourceBusy(self.name, "FILE_CHANGING")))
            except SourceError as error:
                findings.append(check.refused(where, error))
        return findings

    async def ping(self) -> None:
        """The files that should be there are there."""
        for reader in self.readers.values():
            await self._run(self._reading, reader.folder.standing)

    async def close(self) -> None:
        """Wait for nothing that a dead share might hold."""
        for building in self._building.values():
            building.cancel()
        for executor in (self._reading, self._indexing):
            executor.shutdown(wait=False, cancel_futures=True)

    async def _index(self, code: str) -> Index:
        """Positions in the files as they are now."""
        reader = self.readers[code]
        files = await self._run(self._reading, reader.folder.standing)
        index = self._indexes.get(code)
        if index is not None and index.files == files:
            return index
        building = self._building.get(code)
        if building is None:
            building = self._building[code] = asyncio.create_task(self._build(code, files))
            building.add_done_callback(_seen)
        # whoever gives up waiting leaves the work to those who come after
        return await asyncio.shield(building)

    async def _build(self, code: str, files: tuple[Delivered, ...]) -> Index:
        try:
            # the old one is of no use any more, and two of a huge file would be one too many
            self._indexes.pop(code, None)
            index = await self._run(self._indexing, partial(self.readers[code].index, files))
            self._indexes[code] = index
            return index
        finally:
            del self._building[code]

    async def _run(self, executor: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(executor, work)
        except FileNotFoundError:
            # between looking and opening: the file was replaced
            raise Changed from None
        except PermissionError as error:
            raise SourceUnavailable(self.name, "ACCESS") from error
        except OSError as error:
            raise SourceUnavailable(self.name, "READ") from error


def _told(index: Index) -> tuple[Reject, ...]:
    """The bad rows of a delivery, for its department."""
    index.told = True
    return tuple(Reject(row.reason, row.column, f"{row.file}:{row.line}") for row in index.bad)


def _seen(building: asyncio.Task[Index]) -> None:
    """A failure is told to whoever waits; nobody waiting is no failure of its own."""
    if not building.cancelled():
        building.exception()


def folder_of(url: str, base_dir: Path) -> Path:
    """The folder a URL means, relative ones from `base_dir`; raises ManifestError `MANIFEST_URL`."""
    scheme, separator, path = url.partition("://")
    if scheme != "file" or not separator or not path:
        raise ManifestError("MANIFEST_URL", "url", "a source of files needs file:// and a folder")
    return (base_dir / path).resolve()
