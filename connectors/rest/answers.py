"""From the bytes of an HTTP 200 to rows, however the service wraps, encodes or labels them.

Raises SourceRubbish for what is not an answer, SourceBusy and SourceUnavailable for what the
service says in a code of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias
from xml.etree import ElementTree

from connectors.errors import SourceBusy, SourceRubbish, SourceUnavailable
from connectors.json_text import parse
from connectors.parts import Rest

Cellular: TypeAlias = Mapping[str, object]
"""One row as the service names its columns."""


class TokenExpired(SourceUnavailable):
    """The service refuses the token: get another, ask once more."""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: its rows, and what it says of the pages to come."""

    rows: list[Cellular]
    next: str = ""
    """Cursor of the next page."""
    total: int | None = None
    """Rows on all pages."""


MAX_ROWS: Final = 10_000
"""On one page, as many as one subject may have: more would only keep the other sections waiting."""
_MAX_PARTS: Final = 200_000
"""Tags of an XML answer, objects of a JSON one: more of them hold up the process, nested ones for seconds."""
_NAMESPACE: Final = re.compile(r"\{[^}]*\}")


def page_of(source: str, rest: Rest, body: bytes, charset: str | None) -> Page:
    """What one answer holds; no rows where the service says that it has nothing."""
    text = _text(source, body, charset)
    if text.count("<" if rest.format == "xml" else "{") > _MAX_PARTS:
        raise SourceRubbish(source, "BODY_TOO_LARGE")
    try:
        if rest.format == "xml":
            return Page(_xml_rows(source, rest, text))
        return _json_page(source, rest, text)
    except (ValueError, RecursionError, ElementTree.ParseError) as fault:
        raise SourceRubbish(source, "UNREADABLE") from fault


def _text(source: str, body: bytes, declared: str | None) -> str:
    """UTF-8 if it is, whatever the header says: other text hardly ever passes for it."""
    for charset in ("utf-8-sig", declared or "gb18030", "gb18030"):
        try:
            return body.decode(charset)
        except (ValueError, LookupError):
            # a charset that is none of text, or that is never decoded, fails in ways of its own
            continue
    raise SourceRubbish(source, "CHARSET")


def _json_page(source: str, rest: Rest, text: str) -> Page:
    document = parse(text)
    if rest.code and _code_is_empty(source, rest, at(source, document, rest.code)):
        return Page([])
    rows = at(source, document, rest.rows)
    if rows is None or rows == "":
        return Page([])
    listed: list[object] = rows if isinstance(rows, list) else [rows]
    if len(listed) > MAX_ROWS:
        raise SourceRubbish(source, "BODY_TOO_LARGE")
    found: list[Cellular] = [row for row in listed if isinstance(row, dict)]
    if len(found) < len(listed):
        raise SourceRubbish(source, "SHAPE")
    cursor = at(source, document, rest.next, missing=True) if rest.next else None
    total = int(str(at(source, document, rest.total))) if rest.total else None
    return Page(found, "" if cursor is None else str(cursor), total)


def document_of(source: str, body: bytes, charset: str | None) -> object:
    """A JSON document that is no page of rows, such as a token."""
    try:
        return parse(_text(source, body, charset))
    except (ValueError, RecursionError) as fault:
        raise SourceRubbish(source, "UNREADABLE") from fault


def at(source: str, document: object, path: str, *, missing: bool = False) -> object:
    """What a dotted path leads to, null if it ends early; a JSON string on the way is parsed.

    Raises SourceRubbish (SHAPE) for a step that is not there, unless it may be `missing`.
    """
    found = document
    for step in path.split("."):
        if isinstance(found, str):
            found = _inner(source, found)
        if found is None:
            return None
        if missing and isinstance(found, dict) and step not in found:
            return None
        if not isinstance(found, dict) or step not in found:
            raise SourceRubbish(source, "SHAPE")
        found = found[step]
    return _inner(source, found) if isinstance(found, str) and found.lstrip()[:1] in ("[", "{") else found


def _inner(source: str, text: str) -> object:
    try:
        return parse(text)
    except (ValueError, RecursionError) as fault:
        raise SourceRubbish(source, "UNREADABLE") from fault


def _code_is_empty(source: str, rest: Rest, code: object) -> bool:
    """Whether the service's own code says "nothing found"; False for success, raises for the rest."""
    word = str(code)
    if word in rest.busy:
        raise SourceBusy(source, "CODE_BUSY")
    if word in rest.expired:
        raise TokenExpired(source, "TOKEN_REFUSED")
    if word in rest.empty:
        return True
    if word not in rest.ok:
        raise SourceUnavailable(source, "CODE_REFUSED")
    return False


def _xml_rows(source: str, rest: Rest, text: str) -> list[Cellular]:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        # No answer needs one, and entities are how XML reads files and eats memory.
        raise SourceRubbish(source, "XML_DOCTYPE")
    # Given text, the parser disregards the declared encoding, which lies as the header does.
    document = ElementTree.fromstring(text)  # noqa: S314 -- see above
    for element in document.iter():
        element.tag = _NAMESPACE.sub("", element.tag)
    if rest.code:
        code = document.findtext(rest.code.replace(".", "/"))
        if code is None:
            raise SourceRubbish(source, "SHAPE")
        if _code_is_empty(source, rest, code.strip()):
            return []
    root = document if rest.root in (None, document.tag) else document.find(f".//{rest.root}")
    if root is None:
        raise SourceRubbish(source, "SHAPE")
    return [_cells(row) for row in root]


def _cells(row: Iterable[ElementTree.Element]) -> Cellular:
    return {cell.tag: cell.text for cell in row}
