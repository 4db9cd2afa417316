"""Which delivered files count: the newest full one, and the increments that came after it."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from catalogue.values import CHINA_TIME
from connectors.errors import ManifestError, SourceDrift, SourceUnavailable
from connectors.parts import Drop

_AHEAD: Final = timedelta(days=1)
"""How far ahead a delivery may be dated."""
_PLACES: Final = {"date": r"(?P<date>\d{8})", "kind": r"(?P<kind>\w+?)"}


class Changed(Exception):
    """A file is no longer the one that was looked at."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What changes when a file is replaced, rewritten or appended to."""

    device: int
    inode: int
    size: int
    written: int
    """Nanoseconds since 1970."""
    changed: int
    """The same of its inode: who copies a file with its times cannot set this one."""

    @classmethod
    def of(cls, found: os.stat_result) -> Signature:
        """From what the file system says."""
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@dataclass(frozen=True, slots=True)
class Delivered:
    """One file as it was when it was looked at."""

    path: Path
    day: date | None
    full: bool
    signature: Signature

    @property
    def order(self) -> tuple[date, int]:
        """Later deliveries replace what earlier ones say; a file sent again keeps its day."""
        return self.day or date.min, self.signature.written


class Folder:
    """The files of one record type. Raises ManifestError for a pattern that cannot work."""

    def __init__(self, source: str, folder: Path, drop: Drop, where: str) -> None:
        self._source = source
        self._folder = folder
        self._drop = drop
        self._pattern = _compiled(drop.files, where)

    def standing(self) -> tuple[Delivered, ...]:
        """The files that say how things are now, oldest first; raises a SourceError."""
        try:
            found = sorted(self._found(), key=lambda file: file.order)
        except PermissionError as error:
            raise SourceUnavailable(self._source, "ACCESS") from error
        except OSError as error:
            raise SourceUnavailable(self._source, "NO_FILE") from error
        fulls = [at for at, file in enumerate(found) if file.full]
        if not fulls:
            raise SourceUnavailable(self._source, "NO_FILE")
        self._refuse_stale(found[-1])
        return tuple(file for file in found[fulls[-1] :] if not file.full or file is found[fulls[-1]])

    def _found(self) -> list[Delivered]:
        files = []
        with os.scandir(self._folder) as entries:
            for entry in entries:
                named = self._pattern.fullmatch(entry.name)
                if named and (delivered := self._delivered(entry, named.groupdict())):
                    files.append(delivered)
        return files

    def _delivered(self, entry: os.DirEntry[str], named: dict[str, str]) -> Delivered | None:
        try:
            # a link may lead to what is not the department's
            found = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return None
        kind = named.get("kind", self._drop.full)
        if not stat.S_ISREG(found.st_mode) or kind not in (self._drop.full, self._drop.incremental):
            return None
        try:
            day = datetime.strptime(named["date"], "%Y%m%d").replace(tzinfo=CHINA_TIME).date()
        except KeyError:
            day = None
        except ValueError as error:
            # which delivery is the newest cannot be told any more
            raise SourceDrift(self._source, "FILE_NAME") from error
        if day and day > datetime.now(CHINA_TIME).date() + _AHEAD:
            # it would stand, and be fresh, until its day has come
            raise SourceDrift(self._source, "FILE_NAME")
        return Delivered(Path(entry.path), day, kind == self._drop.full, Signature.of(found))

    def _refuse_stale(self, newest: Delivered) -> None:
        """A department that stopped delivering is down, however readable its last file is."""
        if self._drop.fresh_days is None:
            return
        written = datetime.fromtimestamp(newest.signature.written / 1e9, CHINA_TIME).date()
        day = newest.day or written
        if day < datetime.now(CHINA_TIME).date() - timedelta(days=self._drop.fresh_days):
            raise SourceUnavailable(self._source, "FILE_STALE")


def _compiled(pattern: str, where: str) -> re.Pattern[str]:
    if "/" in pattern or set(re.findall(r"\{(\w*)\}", pattern)) - _PLACES.keys():
        raise ManifestError("MANIFEST_FILE", where, "a file name with `{date}` and `{kind}` at most")
    parts = re.split(r"\{(\w+)\}", pattern)
    return re.compile("".join(_PLACES[part] if at % 2 else re.escape(part) for at, part in enumerate(parts)))
