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
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, TextIO, cast

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

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
_REMEMBERED: Final = 256
_SHORTEST: Final = 9
"""Characters of a passport's number; no number with fewer leads to a person."""
REFUSED: Final = "[refused]"
"""Stands for a value that does not have its key's form."""
_STAMP: Final = structlog.processors.TimeStamper(fmt="iso", utc=True)
_CONSOLE: Final = structlog.dev.ConsoleRenderer()

request_id: Final[ContextVar[str]] = ContextVar("request_id")
"""Of the request that is being answered; stands in each of its lines."""


class _Output:
    """Where lines go, by what way, and from which level on."""

    threshold: int
    processors: Sequence[Processor] = ()
    write: Callable[[Any], None]


_output: Final = _Output()


def configure(level: str = "INFO", form: Format = "json", stream: TextIO | None = None) -> None:
    """Route everything to one stream, by default standard error: our events, other libraries, warnings."""
    writer = structlog.WriteLogger(stream or sys.stderr)
    _output.threshold = logging.getLevelNamesMapping()[level]
    _output.processors = [closed, _json] if form == "json" else [closed, _STAMP, _CONSOLE]
    _output.write = writer.msg
    structlog.configure(
        processors=_output.processors,
        wrapper_class=structlog.make_filtering_bound_logger(_output.threshold),
        logger_factory=lambda *_: writer,
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Libraries()]
    root.setLevel(max(_output.threshold, logging.WARNING))
    logging.captureWarnings(capture=True)


def line(level: int, event: EventDict) -> None:
    """Write what every request says, as a bound logger would; binding takes longer than writing."""
    if structlog.get_config()["processors"] is not _output.processors:
        log().log(level, **event)
    elif level >= _output.threshold:
        name, made = logging.getLevelName(level).lower(), cast("Any", event)
        with suppress(structlog.DropEvent):
            for process in _output.processors:
                made = process(None, name, made)
            _output.write(made)


def closed(_: WrappedLogger, level: str, event: EventDict) -> EventDict:
    """The processor that lets only known keys and values of their form pass, and says of which request."""
    if asked := request_id.get(""):
        event.setdefault("request_id", asked)
    event["level"] = level
    return {key: _SHOWN[key](value) for key, value in event.items() if key in _SHOWN}


class _Looked(dict[str, bool]):
    """Texts that fit, looked at once; it never holds many, nor one that was refused."""

    def __init__(self, fits: Callable[[str], bool]) -> None:
        super().__init__()
        self._fits = fits

    def __missing__(self, text: str) -> bool:
        if len(self) >= _REMEMBERED:
            self.clear()
        if found := self._fits(text):
            self[text] = found
        return found


def _shown(key: str) -> Callable[[object], object]:
    """What stands in a line for a value of the key."""
    form = _FORMS[key].fullmatch

    def looked_at(text: str) -> bool:
        return bool(form(text)) and scrub(text) == text and not (key in _CALLERS and holds_many_digits(text))

    fits = _Looked(looked_at).__getitem__ if key in _REPEATED else looked_at

    def shown(value: object) -> object:
        if value.__class__ is str:
            return value if fits(value) else REFUSED
        if isinstance(value, list | tuple):
            return [shown(item) for item in value]
        text = str(value)
        if not isinstance(value, int | float):
            return text if fits(text) else REFUSED
        harmless = form(text) if len(text) < _SHORTEST else fits(text)
        return value if harmless else REFUSED

    return shown


_SHOWN: Final = {key: _shown(key) for key in _FORMS}


def _json(_: WrappedLogger, __: str, event: EventDict) -> str:
    event["timestamp"] = datetime.now(UTC)
    return orjson.dumps(event, option=orjson.OPT_UTC_Z).decode()


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
    failed = report.outcome in (Outcome.FAILED, Outcome.TIMEOUT)
    facts = {
        "kind": report.kind,
        "operation": report.operation,
        "document": report.document,
        "client": report.client,
        "outcome": report.outcome.value,
        "status": report.status,
        "ms": round(report.seconds * 1000, 1),
        "codes": report.codes,
        "sources": [f"{source.source}={source.state}" for source in report.sources],
        "event": "operation",
    }
    line(logging.WARNING if failed else logging.INFO, facts)
