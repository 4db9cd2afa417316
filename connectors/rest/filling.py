"""Filling the places of a manifest's templates: `{key}`, `{keys}`, `{page}` and the like.

One pass, so that a value is never read as a template. Bodies are encoded after filling, so that
no key can leave the string that it stands in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

import orjson

from connectors.parts import Rest

_PLACE: Final = re.compile(r"\{(key|keys|page|offset|cursor|trace)\}")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9-]+")

JSON: Final = "application/json;charset=UTF-8"
FORM: Final = "application/x-www-form-urlencoded;charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Turn:
    """One call of one question: the physical keys, and which page of their rows."""

    keys: tuple[str, ...]
    page: int = 1
    cursor: str = ""
    trace: str = ""

    def values(self, rest: Rest) -> dict[str, str]:
        """The texts of the places."""
        separator = rest.batch.separator if rest.batch else ","
        return {
            "key": self.keys[0],
            "keys": separator.join(self.keys),
            "page": str(self.page - 1 + rest.first_page),
            "offset": str((self.page - 1) * (rest.page_size or 0)),
            "cursor": self.cursor,
            "trace": safe_trace(self.trace),
        }


def safe_trace(trace: str) -> str:
    """A request id as it may stand in a header."""
    return _UNSAFE.sub("", trace)


def places(rest: Rest) -> set[str]:
    """The places that the templates of a record type have."""
    return set(_PLACE.findall(repr((rest.path, rest.query, rest.body, rest.form))))


def path(rest: Rest, values: Mapping[str, str]) -> str:
    """The path of one call; no value can add a step to it."""
    return fill(rest.path, {name: quote(value, safe="") for name, value in values.items()}).lstrip("/")


def query(rest: Rest, values: Mapping[str, str]) -> dict[str, str]:
    """The query parameters of one call."""
    return {name: fill(text, values) for name, text in rest.query.items()}


def body(rest: Rest, turn: Turn, values: Mapping[str, str]) -> tuple[bytes, str]:
    """The body of one call and its media type; empty where the call has none."""
    if rest.form is not None:
        return urlencode({name: fill(text, values) for name, text in rest.form.items()}).encode(), FORM
    if rest.body is not None:
        return orjson.dumps(_filled(rest.body, values, turn.keys)), JSON
    return b"", ""


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its known places filled in."""
    return _PLACE.sub(lambda found: values[found[1]], text)


def _filled(part: object, values: Mapping[str, str], keys: tuple[str, ...]) -> object:
    if part == "{keys}":
        return list(keys)
    if isinstance(part, str):
        return fill(part, values)
    if isinstance(part, Mapping):
        return {name: _filled(inner, values, keys) for name, inner in part.items()}
    if isinstance(part, list | tuple):
        return [_filled(inner, values, keys) for inner in part]
    return part
