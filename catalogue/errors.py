"""Why the catalogue cannot be loaded. A gateway without a whole catalogue does not start.

CatalogueError
├── BrokenYaml        CATALOGUE_YAML       the file is not readable YAML, or repeats a key
├── BrokenEntry       CATALOGUE_ENTRY      an entry does not follow the model
└── DuplicateEntry    CATALOGUE_DUPLICATE  two entries share one code
"""

from __future__ import annotations

from typing import ClassVar


class CatalogueError(Exception):
    """A fault in a catalogue file: `where` is `file:line`, the message says what to do."""

    code: ClassVar[str]

    def __init__(self, where: str, message: str) -> None:
        super().__init__(f"{where}: {message} [{self.code}]")
        self.where = where
        self.message = message


class BrokenYaml(CatalogueError):
    """The file is not readable YAML, or one mapping holds a key twice."""

    code = "CATALOGUE_YAML"


class BrokenEntry(CatalogueError):
    """An entry misses something, holds something unknown, or holds a wrong value."""

    code = "CATALOGUE_ENTRY"


class DuplicateEntry(CatalogueError):
    """Two entries of one kind share a code."""

    code = "CATALOGUE_DUPLICATE"
