"""Whether rows would be found by the key that they hold, for `source check`. Prints no value.

A row whose number stands in a form that nobody asks for would be lost in silence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from itertools import combinations
from typing import Final, TypeAlias

from catalogue.identifiers import IdentifierError, KeyKind, SubjectKey
from connectors.keys import key_variants
from connectors.protocol import Finding
from connectors.shapes import Key, KeyForm
from connectors.sql.reader import Reader
from connectors.sql.statement import Parameters, Rows

Fetch: TypeAlias = Callable[[str, Parameters], Awaitable[Rows]]
_WORDS: Final = {
    KeyForm.NORMAL: "of 18 characters",
    KeyForm.LOWER: "in lower case",
    KeyForm.DIGITS_15: "of 15 digits",
    KeyForm.TRAILING_SPACE: "with one blank or TAB behind",
    KeyForm.PADDED: "filled up with blanks",
    KeyForm.FULL_WIDTH: "in full width",
}
_MOST_FORMS: Final = 3
_MOST_SIGNS: Final = 64
_ASKED: Final = 3
"""Numbers of one form that the database is asked for: its collation may find them anyway."""
_ROWS: Final = 200


class Reach:
    """Compares the sampled keys of one record type with the questions that would be asked for them."""

    def __init__(self, where: str, reader: Reader, columns: Sequence[str], fetch: Fetch) -> None:
        self._where = where
        self._reader = reader
        self._columns = columns
        self._fetch = fetch

    async def findings(self, place: int, table: str, rows: Rows) -> list[Finding]:
        """Errors KEY_FORM_UNREACHABLE of one place. Raises SourceError."""
        found = []
        for kind, declared in self._reader.record.keys.items():
            for (column, said, advice), missed in self._missed(kind, declared, rows).items():
                if not await self._found_anyway(place, kind, column, missed):
                    message = f"`{table}.{column}` holds numbers {said}, which no question finds; {advice}"
                    where = f"{self._where}.keys.{kind.value}"
                    found.append(Finding("error", "KEY_FORM_UNREACHABLE", where, message))
        return found

    def _missed(
        self, kind: KeyKind, declared: Key, rows: Rows
    ) -> dict[tuple[str, str, str], dict[str, SubjectKey]]:
        """Numbers that are asked for in none of their row's forms, by column and what is wrong with them."""
        missed: dict[tuple[str, str, str], dict[str, SubjectKey]] = defaultdict(dict)
        for row in rows:
            keys: dict[str, tuple[str, SubjectKey]] = {}
            for column in declared.columns:
                text = str(row[self._columns.index(column)] or "")
                with suppress(IdentifierError):
                    keys[column] = (text, SubjectKey.read(kind, text))
            if any(text in key_variants(key, declared) for text, key in keys.values()):
                continue
            for column, (text, key) in keys.items():
                missed[column, *_cure(text, key, declared)][text] = key
        return missed

    async def _found_anyway(
        self, place: int, kind: KeyKind, column: str, missed: dict[str, SubjectKey]
    ) -> bool:
        """Whether the database finds them all the same: collations ignore case, or blanks behind."""
        declared = self._reader.record.keys[kind]
        for text, key in list(missed.items())[:_ASKED]:
            forms = key_variants(key, declared)
            if not forms:
                return False
            statements = self._reader.statements.by_key_columns(kind, len(forms))
            statement = statements[place * len(declared.columns) + declared.columns.index(column)]
            rows = await self._fetch(statement.sql, statement.bind(forms, _ROWS))
            if text not in {str(cell) for (cell,) in rows}:
                return False
        return True


def _cure(text: str, key: SubjectKey, declared: Key) -> tuple[str, str]:
    """What the number looks like, and the fewest forms to declare besides."""
    if len(text) <= _MOST_SIGNS:
        for size in range(1, _MOST_FORMS + 1):
            for forms in combinations(_WORDS, size):
                pads = KeyForm.PADDED in forms
                width = max(len(text), declared.pad_to) if pads else declared.pad_to
                wider = {"forms": (*declared.forms, *forms), "pad_to": width}
                if text in key_variants(key, declared.model_copy(update=wider)):
                    named = ", ".join(forms) + (f" and `padTo: {width}`" if pads else "")
                    return ", ".join(_WORDS[form] for form in forms), f"declare {named}"
    return "with signs in between that no form covers", "read them cleaned, by a fixed `query`"
