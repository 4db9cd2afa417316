"""Codes of a source to the catalogue's words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from connectors.decoders.registry import CodeTables, DecodeError, StepFunction, configured
from connectors.decoders.text import token
from connectors.shapes import Step

_TRUE: Final = ("1", "Y", "YES", "T", "TRUE", "是", "有")
_FALSE: Final = ("0", "N", "NO", "F", "FALSE", "否", "无")


@configured("codes", gives=str)
def codes(argument: object, tables: CodeTables) -> StepFunction:
    """A code table: written out, named, or `{table: name, else: word}`; an unknown code is rejected.

    `else` gives unknown codes a word; a code mapped to null decodes to nothing.
    """
    table = dict(_table(argument, tables))
    lenient = "else" in table
    otherwise = table.pop("else", None)
    words = {token(code): word for code, word in table.items()}
    if not words:
        raise ValueError("the table is empty")

    def decode(cell: object) -> str | None:
        if isinstance(cell, str) and cell in words:
            return words[cell]
        code = token(cell)
        if code in words:
            return words[code]
        if lenient:
            return otherwise
        raise DecodeError("CODE_UNKNOWN")

    return decode


def known_codes(steps: tuple[Step, ...], tables: CodeTables) -> list[str]:
    """The codes that a chain looks up at its end, as they are written."""
    last = steps[-1] if steps else ""
    if not isinstance(last, Mapping) or "codes" not in last:
        return []
    return [str(code) for code in _table(last["codes"], tables)]


def _table(argument: object, tables: CodeTables) -> Mapping[object, str | None]:
    if isinstance(argument, Mapping) and "table" not in argument:
        return {code: None if word is None else str(word) for code, word in argument.items()}
    name, rest = (argument["table"], argument) if isinstance(argument, Mapping) else (argument, {})
    if not isinstance(name, str) or name not in tables:
        raise ValueError(f"there is no table {name!r} in `codeTables`")
    if set(rest) - {"table", "else"}:
        raise ValueError("beside `table` only `else` may stand")
    return dict[object, str | None](tables[name]) | {key: rest[key] for key in rest if key == "else"}


@configured("match", gives=str)
def match(argument: object, _tables: CodeTables) -> StepFunction:
    """The word of the first pattern that is found anywhere in a remark; `else` where none is."""
    if not isinstance(argument, Mapping) or not set(argument) - {"else"}:
        raise ValueError("write `match: {'撤销|作废': REVOKED, else: ACTIVE}`")
    patterns = [(_pattern(text), word) for text, word in argument.items() if text != "else"]
    otherwise = argument.get("else")

    def decode(cell: object) -> str | None:
        remark = token(cell)
        return next((word for pattern, word in patterns if pattern.search(remark)), otherwise)

    return decode


def _pattern(text: object) -> re.Pattern[str]:
    try:
        return re.compile(str(text))
    except re.error:
        raise ValueError(f"{text!r} is no regular expression") from None


@configured("boolean", gives=bool)
def boolean(argument: object, _tables: CodeTables) -> StepFunction:
    """A yes or no: native, or one of the words of `{true: […], false: […]}`."""
    yes, no = _words(argument)
    if yes & no:
        raise ValueError("a word cannot mean both true and false")

    def decode(cell: object) -> bool:
        if isinstance(cell, bool):
            return cell
        # BIT columns of MySQL arrive as one byte.
        word = str(cell[-1]) if isinstance(cell, bytes) else token(cell).upper()
        if word in yes:
            return True
        if word in no:
            return False
        raise DecodeError("BOOLEAN")

    return decode


def _words(argument: object) -> tuple[frozenset[str], frozenset[str]]:
    if argument is None:
        return frozenset(_TRUE), frozenset(_FALSE)
    if not isinstance(argument, Mapping):
        raise ValueError("write `boolean: {true: [...], false: [...]}`")
    # YAML reads the bare keys as booleans.
    given = {str(key).lower(): words for key, words in argument.items()}
    if set(given) != {"true", "false"}:
        raise ValueError("write both `true` and `false`, and nothing else")
    return _tokens(given["true"]), _tokens(given["false"])


def _tokens(words: object) -> frozenset[str]:
    listed = words if isinstance(words, Iterable) and not isinstance(words, str) else [words]
    return frozenset(token(word).upper() for word in listed)
