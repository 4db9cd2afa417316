"""Why a source could not answer. Drivers' exceptions are translated once, at the edge of each connector.

SourceError                 base; `code`, `state`, `retryable`
├── SourceTimeout           deadline passed, or the server cancelled the statement
├── SourceUnavailable       no connection, refused, breaker open, server gone
│   └── ConnectionDied      died before the first byte: the one case retried
├── SourceBusy              bulkhead or quota full: asked to come back, not queued without end
├── SourceDenied            a source that decides for itself does not let us read
├── SourceDrift             a table or column of the manifest is gone
└── SourceRubbish           an answer that cannot be read (half a JSON, wrong shape)

ManifestError               a manifest that cannot be used; raised at start-up only

No message ever holds a value, a key, SQL or a driver's text; those stay in `__cause__`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Final


class SectionState(StrEnum):
    """What became of asking for one section."""

    OK = "OK"
    PARTIAL = "PARTIAL"
    TIMEOUT = "TIMEOUT"
    UNAVAILABLE = "UNAVAILABLE"
    BUSY = "BUSY"
    NOT_CONNECTED = "NOT_CONNECTED"
    DENIED = "DENIED"

    @property
    def answered(self) -> bool:
        """Whether records may be shown at all (OK or PARTIAL)."""
        return self in _ANSWERED


_ANSWERED: Final = frozenset({SectionState.OK, SectionState.PARTIAL})


class SourceError(Exception):
    """A source did not answer. `reason` is a word of a closed list, never a driver's text."""

    code: ClassVar[str] = "SOURCE_ERROR"
    state: ClassVar[SectionState] = SectionState.UNAVAILABLE
    retryable: ClassVar[bool] = True

    def __init__(self, source: str, reason: str | None = None) -> None:
        super().__init__(f"{source}: {reason or self.code}")
        self.source = source
        self.reason = reason or self.code


class SourceTimeout(SourceError):
    """The deadline passed; the query was cancelled at the source."""

    code = "SOURCE_TIMEOUT"
    state = SectionState.TIMEOUT


class SourceUnavailable(SourceError):
    """No connection to the source, or its breaker is open."""

    code = "SOURCE_UNAVAILABLE"


class ConnectionDied(SourceUnavailable):
    """A pooled connection turned out dead before the first byte of an answer."""


class SourceBusy(SourceError):
    """Too much in flight at this source, or its quota is used up."""

    code = "SOURCE_BUSY"
    state = SectionState.BUSY


class SourceDenied(SourceError):
    """Another gateway decided that this case may not read there: never "no record"."""

    code = "SOURCE_DENIED"
    state = SectionState.DENIED
    retryable = False


class SourceDrift(SourceError):
    """The source no longer has a table or column that its manifest names."""

    code = "SOURCE_DRIFT"
    retryable = False


class SourceRubbish(SourceError):
    """The source answered something that is not an answer."""

    code = "SOURCE_RUBBISH"


class ManifestError(Exception):
    """A manifest that cannot be used: `code`, where it is, and what to do."""

    def __init__(self, code: str, where: str, message: str) -> None:
        super().__init__(f"{code} {where}: {message}")
        self.code = code
        self.where = where
        self.message = message
