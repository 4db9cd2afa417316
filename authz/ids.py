"""Ids that people read, copy and paste: letters only, so that none ever reads like somebody's number.

In hexadecimal one id in some hundreds holds what looks like a mobile number or a bank card, and
is refused in a document (PERSONAL_LITERAL) or scrubbed from a text.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections import deque
from typing import Final

BITS: Final = 128
_LETTERS: Final = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
_AT_ONCE: Final = 256
_SIZE: Final = BITS // 4
_waiting: Final[deque[str]] = deque()
"""Ids that nobody has had yet. Asking the system for each lets other threads take the interpreter's lock."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_waiting.clear)


def letters(bits: int = BITS) -> str:
    """Random letters of the system's source, four bits each."""
    if bits != BITS:
        return _random(bits)
    try:
        return _waiting.pop()
    except IndexError:
        many = _random(BITS * _AT_ONCE)
        _waiting.extend(many[at : at + _SIZE] for at in range(_SIZE, len(many), _SIZE))
        return many[:_SIZE]


def _random(bits: int) -> str:
    return secrets.token_hex(bits // 8).translate(_LETTERS)


def new_id(prefix: str, bits: int = BITS) -> str:
    """`<prefix>_` and random letters."""
    return f"{prefix}_{letters(bits)}"


def id_of(prefix: str, text: str, bits: int = BITS) -> str:
    """`<prefix>_` and letters of the SHA-256 of the text: always the same for the same text."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{prefix}_{digest[: bits // 4].translate(_LETTERS)}"
