"""A database's URL as a person gives it: its password is kept apart and never shown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from connectors.errors import ManifestError

_NOT_IN_NAME: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a database is. Its `repr` and `str` hide the password."""

    url: URL

    @classmethod
    def of(cls, text: str) -> Address:
        """Raises ManifestError MANIFEST_URL, also for a SQLite file that is not there; repeats no URL."""
        try:
            url = make_url(text)
        except ArgumentError:
            raise ManifestError("MANIFEST_URL", "url", "that is no URL; it is not repeated here") from None
        if url.get_backend_name() != "sqlite":
            return cls(url)
        path = Path(url.database or "")
        if not path.is_file():
            raise ManifestError("MANIFEST_URL", "url", f"there is no file {path}")
        return cls(url.set(database=str(path.resolve())))

    @property
    def has_password(self) -> bool:
        """Whether the text itself held one."""
        return self.url.password is not None

    def with_password(self, password: str) -> Address:
        """The same database, logged in."""
        return Address(self.url.set(password=password))

    @property
    def secret(self) -> str:
        """The whole URL, for drivers."""
        return self.url.render_as_string(hide_password=False)

    @property
    def name(self) -> str:
        """A name for the source, made from the database's."""
        stem = Path(self.url.database or "source").stem.casefold()
        found = _NOT_IN_NAME.sub("-", stem).strip("-")
        return found if re.match(r"[a-z]", found) else f"source-{found}".strip("-")

    def __str__(self) -> str:
        return self.url.render_as_string(hide_password=True)
