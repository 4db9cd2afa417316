"""How one record type is read from delivered files: found by position, read in place, decoded."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from catalogue.identifiers import SubjectKey
from catalogue.model import RecordType
from catalogue.values import CHINA_TIME
from connectors.conditions import holds
from connectors.errors import ManifestError
from connectors.files.drop import Changed, Delivered, Folder, Signature
from connectors.files.index import Index, build
from connectors.files.positions import Standing
from connectors.files.rows import Line, lines
from connectors.manifest import Manifest, RecordSource
from connectors.parts import Drop
from connectors.pipeline import Pipeline
from connectors.protocol import Answer, Ask, Links, Reject
from connectors.row_plan import PLACE

_ROWS_PER_RECORD = 10
"""So many times the row cap is read for one subject at most: versions and duplicates come off later."""


@dataclass(slots=True)
class _Found:
    """Rows of one question."""

    rows: list[Sequence[object]] = field(default_factory=list)
    rejects: dict[SubjectKey, list[Reject]] = field(default_factory=dict)
    cut: set[SubjectKey] = field(default_factory=set)


class Reader:
    """One record type. Raises ManifestError where it cannot be read from files."""

    def __init__(
        self, manifest: Manifest, record_type: RecordType, record: RecordSource, folder: Path
    ) -> None:
        where = f"records.{record_type.code}"
        if record.file is None:
            raise ManifestError("MANIFEST_CONNECTOR", where, "a source of files needs `file`")
        if record.joins or record.listed:
            raise ManifestError("MANIFEST_CONNECTOR", f"{where}.join", "files cannot be joined")
        if record.file.operation and not record.file.record:
            message = "name the columns that identify a record: operations replace it"
            raise ManifestError("MANIFEST_FILE", f"{where}.file.record", message)
        self.record = record
        self.drop: Drop = record.file
        self.pipeline = Pipeline(record_type, record, manifest.code_tables)
        self.folder = Folder(manifest.source, folder, self.drop, f"{where}.file.files")
        self._source = manifest.source
        self._cap = record.row_cap or manifest.row_cap

    @property
    def every_column(self) -> tuple[str, ...]:
        """All columns of the file that the manifest names, each once."""
        filters = [condition.column for condition in self.record.where]
        operation = [self.drop.operation] if self.drop.operation else []
        mapped = self.pipeline.columns(frozenset(self.record.fields))
        return tuple(dict.fromkeys([*mapped, *filters, *operation, *self.drop.record]))

    def index(self, files: tuple[Delivered, ...]) -> Index:
        """Read the files once; raises a SourceError, Changed, or OSError."""
        return build(self._source, self.record, self.drop, files, self.every_column)

    def answer(self, ask: Ask, index: Index) -> Answer:
        """Rows of the asked subjects, read where they stand; raises Changed, or OSError."""
        fetched_at = datetime.now(CHINA_TIME)
        columns = self.pipeline.columns(ask.fields)
        found = _Found()
        streams: dict[int, BinaryIO] = {}
        try:
            for key in ask.keys:
                self._read(key, ask.links.get(key), index, columns, found, streams)
            for file, stream in streams.items():
                _unchanged(index.files[file], stream)
        finally:
            for stream in streams.values():
                stream.close()
        answer = self.pipeline.answer(ask, (*columns, PLACE), found.rows, fetched_at, self._cap)
        rejects = {key: (*answer.rejects.get(key, ()), *faults) for key, faults in found.rejects.items()}
        return answer._replace(rejects={**answer.rejects, **rejects}, truncated=answer.truncated | found.cut)

    def _read(
        self,
        key: SubjectKey,
        links: Links | None,
        index: Index,
        columns: Sequence[str],
        found: _Found,
        streams: dict[int, BinaryIO],
    ) -> None:
        limit = self._cap * _ROWS_PER_RECORD
        for count, row in enumerate(index.rows_of(key, links)):
            if count == limit:
                found.cut.add(key)
                return
            file, _, _ = index.places.at(row)
            line = self._line(index, row, streams)
            if index.places.standing(row) is Standing.REPLACED:
                if index.lost(row, line.cells):
                    found.rejects.setdefault(key, []).append(Reject("SUCCESSOR_UNREADABLE"))
                continue
            if index.places.standing(row) is Standing.UNREADABLE:
                found.rejects.setdefault(key, []).append(Reject("OPERATION", self.drop.operation))
                continue
            if line.fault:
                found.rejects.setdefault(key, []).append(Reject(line.fault, mark=index.place(row)))
                continue
            cells = {name: line.cells[at] or None for name, at in index.headers[file].at.items()}
            if holds(self.record.where, cells):
                found.rows.append([*(cells[column] for column in columns), index.place(row)])

    def _line(self, index: Index, row: int, streams: dict[int, BinaryIO]) -> Line:
        file, offset, number = index.places.at(row)
        stream = streams.get(file)
        if stream is None:
            stream = streams[file] = index.files[file].path.open("rb")
            _unchanged(index.files[file], stream)
        line = next(lines(stream, self.drop, offset, number), None)
        if line is None or len(line.cells) != index.headers[file].width:
            raise Changed
        return line


def _unchanged(file: Delivered, stream: BinaryIO) -> None:
    """Raises Changed if the open file, or the one under its name now, is not the one indexed."""
    opened = Signature.of(os.fstat(stream.fileno()))
    if opened != file.signature or Signature.of(file.path.stat()) != file.signature:
        raise Changed
