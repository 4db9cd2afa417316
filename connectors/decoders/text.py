"""Text: blanks, widths, empty words, charsets, lists in one cell, personal numbers."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Final

from catalogue import personal_text
from connectors.decoders.registry import CodeTables, DecodeError, StepFunction, configured, plain

BLANKS: Final = " \t\r\n\v\f\0\u3000\u00a0\u200b\ufeff"
BEFORE: Final = BLANKS + "='"
_EXCEL: Final = re.compile(r"=\"(.*)\"|'(.*)", re.DOTALL)
_HALF_WIDTH: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_SEPARATORS: Final = "、,;"


def text_of(cell: object) -> str:
    """The cell as text; whole numbers are written out, anything else raises DecodeError."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int) and not isinstance(cell, bool):
        return str(cell)
    raise DecodeError("NOT_TEXT")


def token(cell: object) -> str:
    """The form in which codes and words are compared: half-width, no blanks around."""
    text = cell if isinstance(cell, str) else str(cell)
    return unicodedata.normalize("NFKC", text).strip(BLANKS)


@plain("trim")
def trim(cell: object) -> object:
    """Blanks of every kind around a text, and Excel's `="…"` or leading apostrophe."""
    if not isinstance(cell, str):
        return cell
    if cell and cell[0] not in BEFORE and cell[-1] not in BLANKS:
        return cell
    text = cell.strip(BLANKS)
    wrapped = _EXCEL.fullmatch(text) if text.startswith(("=", "'")) else None
    return (wrapped[1] or wrapped[2] or "").strip(BLANKS) if wrapped else text


@plain("upper")
def upper(cell: object) -> object:
    """Upper case."""
    return text_of(cell).upper()


@plain("fullwidth")
def fullwidth(cell: object) -> object:
    """Full-width digits, letters, signs and blanks (U+FF01–FF5E, U+3000) to ASCII."""
    return text_of(cell).translate(_HALF_WIDTH)


@configured("nullIf")
def null_if(argument: object, _tables: CodeTables) -> StepFunction:
    """None for the words by which a source says that it has nothing."""
    words = argument if isinstance(argument, list | tuple) else [argument]
    if argument is None or not words:
        raise ValueError("list the texts that mean nothing, such as `nullIf: [无, '-']`")
    nothing = frozenset(token(word) for word in words)
    return lambda cell: None if token(cell) in nothing else cell


@configured("charset", gives=str)
def charset(argument: object, _tables: CodeTables) -> StepFunction:
    """Bytes in a charset; also text that a driver read as latin1 (MySQL: cp1252) by mistake."""
    if not isinstance(argument, str):
        raise ValueError("name a charset, such as `charset: gb18030`")
    try:
        codecs.lookup(argument)
    except LookupError:
        raise ValueError(f"there is no charset {argument!r}") from None

    def decode(cell: object) -> object:
        raw = bytes(cell) if isinstance(cell, bytes | bytearray | memoryview) else _misread(text_of(cell))
        if raw is None:
            return cell
        try:
            return raw.decode(argument)
        except UnicodeError:
            raise DecodeError("CHARSET") from None

    return decode


def _single_bytes() -> dict[int, int]:
    latin1 = {code: code for code in range(256)}
    # MySQL's latin1 is cp1252, whose five undefined bytes fall through to latin1.
    cp1252 = {ord(bytes([code]).decode("cp1252", "replace")): code for code in range(0x80, 0xA0)}
    return latin1 | {char: code for char, code in cp1252.items() if char != 0xFFFD}


_BYTE_OF: Final = _single_bytes()


def _misread(text: str) -> bytes | None:
    """The bytes behind a misread text; None where it was read rightly."""
    codes = [_BYTE_OF.get(ord(char)) for char in text]
    return None if text.isascii() or None in codes else bytes(code for code in codes if code is not None)


def any_of(separators: str) -> re.Pattern[str]:
    """One of these signs, each also in full width."""
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in separators if "!" <= sign <= "~")
    return re.compile(f"[{re.escape(separators + wide)}]")


@configured("split", gives=tuple)
def split(argument: object, _tables: CodeTables) -> StepFunction:
    """The parts of a cell that holds several values, by separators or, as `{width: 2}`, by their width."""
    cut = _cut(argument)

    def decode(cell: object) -> tuple[str, ...]:
        cells = cell if isinstance(cell, list) else cut(text_of(cell))
        parts = (text_of(part).strip(BLANKS) for part in cells if part is not None)
        return tuple(part for part in parts if part)

    return decode


def _cut(argument: object) -> Callable[[str], list[str]]:
    if isinstance(argument, Mapping):
        width = argument.get("width")
        if set(argument) != {"width"} or type(width) is not int or width < 1:
            raise ValueError("give the width of a part in characters, such as `split: {width: 2}`")
        return lambda text: _pieces(text.strip(BLANKS), width)
    separators = _SEPARATORS if argument is None else argument
    if not isinstance(separators, str) or not separators:
        raise ValueError("give the separators as one text, such as `split: '、,;'`")
    return any_of(separators).split


def _pieces(text: str, width: int) -> list[str]:
    if len(text) % width:
        raise DecodeError("SPLIT_WIDTH")
    return [text[at : at + width] for at in range(0, len(text), width)]


@plain("scrub")
def scrub(cell: object) -> object:
    """Personal numbers in free text replaced by what they were."""
    return personal_text.scrub(text_of(cell))
