"""The mark by which a department finds a row of its own that the gateway had to leave out.

The first 16 hexadecimal digits of SHA-256 over the columns that the manifest's `identity` declares,
joined by U+001F: the department computes the same in its own database, and nobody reads a value.
"""

from __future__ import annotations

import hashlib
from typing import Final

from catalogue.personal_text import scrub
from connectors.manifest import RecordSource

SEPARATOR: Final = "\x1f"
LENGTH: Final = 16


def markable(record: RecordSource) -> bool:
    """Whether its identity says nothing of the subject: a mark over a number of a person can be guessed."""
    keys = {name for key in record.keys.values() for name in key.columns}
    return bool(record.identity) and not keys & set(record.identity)


def mark(identity: str) -> str | None:
    """The mark of a row, None where its identity holds a personal number or nothing."""
    if not identity.strip(SEPARATOR) or scrub(identity) != identity:
        return None
    return hashlib.sha256(identity.encode()).hexdigest()[:LENGTH]
