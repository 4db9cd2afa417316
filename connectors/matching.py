"""Which asked subject a physical row belongs to.

Collations are wider than keys, so a row is handed out by its *normalized* key only
(ruling 10). A value that validates as a citizen id is personal whatever its column is
called: it never answers a USCC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from catalogue.identifiers import (
    IdentifierError,
    KeyKind,
    SubjectKey,
    clean,
    is_citizen_id,
    normalize_citizen_id,
    normalize_uscc,
)
from connectors.cells import Cells
from connectors.keys import key_variants
from connectors.protocol import Links
from connectors.shapes import Key, KeyForm

_SHORT_FORMS: Final = frozenset({KeyForm.ORGANIZATION_CODE, KeyForm.TAXPAYER_15})
_NORMALIZERS: Final[Mapping[KeyKind, Callable[[str], str]]] = {
    KeyKind.CITIZEN_ID: normalize_citizen_id,
    KeyKind.USCC: normalize_uscc,
}


class KeyConflict(ValueError):
    """The key columns of one row name different subjects."""

    def __init__(self, keys: list[SubjectKey]) -> None:
        super().__init__("KEY_CONFLICT")
        self.keys = keys


class Matcher:
    """Ties rows to the keys of one ask, by the key columns of one kind."""

    def __init__(
        self,
        kind: KeyKind,
        key: Key,
        asked: Iterable[SubjectKey],
        positions: tuple[int, ...],
        links: Mapping[SubjectKey, Links] = MappingProxyType({}),
    ) -> None:
        self._kind = kind
        self._positions = positions
        self._only = positions[0] if len(positions) == 1 else None
        self._normalize = _NORMALIZERS[kind]
        self._asked: dict[str, SubjectKey] = {one.value: one for one in asked if one.kind is kind}
        mine = self._asked.values()
        self._short = {} if _SHORT_FORMS.isdisjoint(key.forms) else _short_forms(mine, key.forms)
        self._linked = _linked(mine, links) if links and KeyForm.LINKED in key.forms else {}
        for one in tuple(mine) if links else ():
            for former in links[one].former if one in links else ():
                self._asked.setdefault(former.value, one)

    def subject(self, cells: Cells) -> SubjectKey | None:
        """The asked subject of a row, None if it is nobody's; raises KeyConflict."""
        if self._only is not None:
            text = cells[self._only]
            if text.__class__ is str and (exact := self._asked.get(text)):
                return exact
        texts = [str(cells[at]) for at in self._positions if cells[at] is not None]
        if len(texts) == 1:
            return self._tie(texts[0])
        tied = {key for text in texts if (key := self._tie(text))}
        if len(tied) > 1 or (tied and self._names_another(texts, next(iter(tied)))):
            raise KeyConflict(list(tied))
        return tied.pop() if tied else None

    def names_asked(self, cells: Cells) -> bool:
        """Whether the row is an asked subject's, or claims to be that of several."""
        try:
            return self.subject(cells) is not None
        except KeyConflict:
            return True

    def _tie(self, text: str) -> SubjectKey | None:
        exact = self._asked.get(text)
        return exact or self._asked.get(self._normal(text) or clean(text)) or self._by_short_form(text)

    def _normal(self, text: str) -> str | None:
        try:
            return self._normalize(text)
        except IdentifierError:
            return None

    def _by_short_form(self, text: str) -> SubjectKey | None:
        if not self._short and not self._linked:
            return None
        plain = clean(text)
        found = self._short.get(plain.replace("-", "")) or self._linked.get(plain)
        return None if found is None or is_citizen_id(text) else found

    def _names_another(self, texts: list[str], key: SubjectKey) -> bool:
        normal = (self._normal(text) for text in texts)
        return any(found is not None and self._asked.get(found) != key for found in normal)


def _short_forms(asked: Iterable[SubjectKey], forms: tuple[KeyForm, ...]) -> dict[str, SubjectKey]:
    """Declared short forms of the asked keys; one that two keys share names neither."""
    declared = Key.model_construct(columns=(), forms=tuple(_SHORT_FORMS.intersection(forms)))
    found: dict[str, SubjectKey] = {}
    shared = set()
    for key in asked:
        for text in {variant.replace("-", "") for variant in key_variants(key, declared)}:
            if found.setdefault(text, key) is not key:
                shared.add(text)
    return {text: key for text, key in found.items() if text not in shared}


def _linked(asked: Iterable[SubjectKey], links: Mapping[SubjectKey, Links]) -> dict[str, SubjectKey]:
    """Linked numbers of the asked keys; one that two share names neither."""
    found: dict[str, SubjectKey] = {}
    shared = set()
    for key in asked:
        for number in links[key].numbers if key in links else ():
            if found.setdefault(number, key) is not key:
                shared.add(number)
    return {number: key for number, key in found.items() if number not in shared}
