"""Every form in which a source may hold one key, for push-down in a single query.

Sources keep 15-digit ids, lower-case x, blanks behind, organization codes (domain.md §6).
The query asks for all declared forms at once; rows are handed out by normalized key only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from catalogue.identifiers import KeyKind, SubjectKey, citizen_id_15
from connectors.protocol import Links
from connectors.shapes import Key, KeyForm

_AS_THEY_ARE: Final = (KeyForm.NORMAL,)
_TO_FULL_WIDTH: Final = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


def key_variants(key: SubjectKey, declared: Key) -> tuple[str, ...]:
    """The physical forms of a normalized key, without repeats, in the order the forms are declared.

    Empty when no declared form exists for the key: a person born after 1999 has no 15-digit number.
    `PADDED`, `LOWER` and `TRAILING_SPACE` also apply to every other declared form.
    """
    forms = declared.forms
    if forms == _AS_THEY_ARE:
        return (key.value,)
    found = [text for form in forms if form in _FORMS for text in _FORMS[form](key)]
    if KeyForm.PADDED in forms:
        bare = (key.value, *_digits_15(key), *found)
        found += [text.ljust(declared.pad_to) for text in bare if len(text) < declared.pad_to]
    if KeyForm.LOWER in forms:
        found += [text.lower() for text in (key.value, *found)]
    if KeyForm.TRAILING_SPACE in forms:
        ended = [key.value] if forms == (KeyForm.TRAILING_SPACE,) else found
        found += [text + blank for text in ended for blank in " \t"]
    return tuple(dict.fromkeys(found))


def all_asked_forms(
    keys: Iterable[SubjectKey], links: Mapping[SubjectKey, Links], declared: Key
) -> list[str]:
    """The forms of all keys of one question, with those of the numbers linked to each."""
    if not links and declared.forms == _AS_THEY_ARE:
        return [key.value for key in keys]
    return [text for key in keys for text in asked_forms(key, links.get(key), declared)]


def asked_forms(key: SubjectKey, links: Links | None, declared: Key) -> tuple[str, ...]:
    """The forms of a key and of the other numbers that its identity authority links to it."""
    own = key_variants(key, declared)
    if not links:
        return own
    found = [*own, *(text for former in links.former for text in key_variants(former, declared))]
    found += links.numbers if KeyForm.LINKED in declared.forms else ()
    return tuple(dict.fromkeys(found))


def _normal(key: SubjectKey) -> tuple[str, ...]:
    return (key.value,)


def _digits_15(key: SubjectKey) -> tuple[str, ...]:
    digits = citizen_id_15(key.value) if key.kind is KeyKind.CITIZEN_ID else None
    return (digits,) if digits else ()


def _full_width(key: SubjectKey) -> tuple[str, ...]:
    return (key.value.translate(_TO_FULL_WIDTH),)


def _organization_code(key: SubjectKey) -> tuple[str, ...]:
    code = key.value[8:17]
    return (code, f"{code[:8]}-{code[8]}") if key.kind is KeyKind.USCC else ()


def _taxpayer_15(key: SubjectKey) -> tuple[str, ...]:
    return (key.value[2:17],) if key.kind is KeyKind.USCC else ()


_FORMS: Final[Mapping[KeyForm, Callable[[SubjectKey], tuple[str, ...]]]] = {
    KeyForm.NORMAL: _normal,
    KeyForm.DIGITS_15: _digits_15,
    KeyForm.FULL_WIDTH: _full_width,
    KeyForm.ORGANIZATION_CODE: _organization_code,
    KeyForm.TAXPAYER_15: _taxpayer_15,
}
