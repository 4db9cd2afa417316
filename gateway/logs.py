"""Structured logs that cannot hold personal data: a closed list of keys, each with its own form.

A key that is not listed is dropped, a value that does not have its key's form is replaced, and
whatever remains is scrubbed. Records of other libraries keep their logger, level and place,
not their text, for nobody knows what they may interpolate. Exceptions are logged by type
and place.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, TextIO

import orjson
import structlog
from structlog.typing import EventDict, WrappedLogger

from catalogue.personal_text import holds_many_digits, scrub
from gateway.reports import OperationReport, Outcome

Format = Literal["json", "console"]

_WORD: Final = r"[A-Za-z][A-Za-z0-9_.-]{0,63}"
_FORMS: Final[Mapping[str, re.Pattern[str]]] = {
    key: re.compile(form, re.ASCII)
    for key, form in {
        "event": r"[a-z][a-z0-9_ .-]{0,63}",
        "level": r"[a-z]{1,10}",
        "logger": _WORD,
        "where": r"[\w.]{1,120}:\d+",
        "fault": _WORD,
        "error": r"[A-Za-z_]{3,60}",
        "request_id": r"[A-Za-z0-9-]{8,64}",
        "method": r"[A-Z]{3,7}",
        "route": r"/[a-z_./-]{0,63}|other",
        "status": r"\d{3}",
        "ms": r"\d+(\.\d+)?",
        "bytes": r"\d+",
        "kind": r"[a-z]{0,12}",
        "operation": r"[A-Za-z_]\w{0,127}|",
        "document": r"[0-9a-f]{32}|",
        "outcome": r"[a-z]{2,8}",
        "client": r"[\w.:@/-]{0,128}",
        "codes": r"[A-Z][A-Z0-9_]{1,40}",
        "sources": r"[a-z][a-z0-9-]*=[A-Z_]+",
        "source": r"[a-z][a-z0-9-]*",
        "state": r"[A-Za-z_]{1,24}",
        "code": r"[A-Z][A-Z0-9_]{1,40}",
        "key": r"[A-Za-z_.]{1,80}",
        "host": r"[A-Za-z0-9.:-]{1,80}",
        "port": r"\d{1,5}",
        "version": r"[\w.+-]{1,40}",
        "count": r"\d+",
        "alarm": r"[A-Z_]{1,32}",
    }.items()
}
_CALLERS: Final = frozenset({"operation"})
"""Keys whose words a caller chooses: a number is one in pieces too."""
_REPEATED: Final = frozenset(
    {
        *("event", "level", "request_id", "method", "route", "client"),
        *("kind", "operation", "document", "outcome", "codes", "sources"),
    }
)
"""Keys whose values come again, most of them in every line: looked at once."""
_SHORTEST: Final = 9
"""Characters of a passport's number; no number with fewer leads to a person."""
REFUSED: Final = "[refused]"
"""Stands for a value that does not have its key's form."""


def configure(level: str = "INFO", form: Format = "json", stream: TextIO | None = None) -> None:
    """Route everything to one stream, by default standard error: our events, other libraries, warnings."""
    threshold = logging.getLevelNamesMapping()[level]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            closed,
            structlog.processors.TimeStamper(fmt="iso", utc=True),  # of ours: nothing to look at
            _json if form == "json" else structlog.dev.ConsoleRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Libraries()]
    root.setLevel(max(threshold, logging.WARNING))
    logging.captureWarnings(capture=True)


def closed(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The processor that lets only known keys and values of their form pass."""
    return {key: _chosen(key, _shown(key, value)) for key, value in event.items() if key in _FORMS}


def _chosen(key: str, value: object) -> object:
    return REFUSED if key in _CALLERS and holds_many_digits(str(value)) else value


def _shown(key: str, value: object) -> object:
    if isinstance(value, list | tuple):
        return [_shown(key, item) for item in value]
    text = str(value)
    if isinstance(value, int | float) and len(text) < _SHORTEST:
        return value if _FORMS[key].fullmatch(text) else REFUSED
    fits = _known_to_fit if key in _REPEATED else _fits
    if not fits(key, text):
        return REFUSED
    return value if isinstance(value, int | float) else text


def _fits(key: str, text: str) -> bool:
    return bool(_FORMS[key].fullmatch(text)) and scrub(text) == text


_known_to_fit: Final = lru_cache(1024)(_fits)


def _json(_: WrappedLogger, __: str, event: EventDict) -> str:
    return orjson.dumps(event).decode()


class _Libraries(logging.Handler):
    """Records of other libraries: who, where, which exception, and not a word of the text."""

    def emit(self, record: logging.LogRecord) -> None:
        fault = record.exc_info[1] if record.exc_info else None
        log().log(
            record.levelno,
            "library",
            logger=record.name,
            where=f"{record.module}:{record.lineno}",
            **({"fault": type(fault).__name__} if fault else {}),
        )


def log() -> structlog.typing.FilteringBoundLogger:
    """The logger; give events as lower-case words and facts under the listed keys."""
    found: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return found


def fault(error: BaseException) -> None:
    """Log an exception that nobody planned, by its type and the place that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{Path(frames[-1].filename).stem}:{frames[-1].lineno}" if frames else "unknown:0"
    log().error("unexpected fault", fault=type(error).__name__, where=where)


def observe(report: OperationReport) -> None:
    """Log one operation: name, hash, outcome, codes and the state of each source."""
    emit = log().warning if report.outcome in (Outcome.FAILED, Outcome.TIMEOUT) else log().info
    emit(
        "operation",
        kind=report.kind,
        operation=report.operation,
        document=report.document,
        client=report.client,
        outcome=report.outcome.value,
        status=report.status,
        ms=round(report.seconds * 1000, 1),
        codes=report.codes,
        sources=[f"{source.source}={source.state}" for source in report.sources],
    )
