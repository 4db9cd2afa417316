"""Ids that people read, copy and paste: letters only, so that none ever reads like somebody's number.

In hexadecimal one id in some hundreds holds what looks like a mobile number or a bank card, and
is refused in a document (PERSONAL_LITERAL) or scrubbed from a text.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

BITS: Final = 128
_LETTERS: Final = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


def letters(bits: int = BITS) -> str:
    """Random letters, four bits each."""
    return secrets.token_hex(bits // 8).translate(_LETTERS)


def new_id(prefix: str, bits: int = BITS) -> str:
    """`<prefix>_` and random letters."""
    return f"{prefix}_{letters(bits)}"


def id_of(prefix: str, text: str, bits: int = BITS) -> str:
    """`<prefix>_` and letters of the SHA-256 of the text: always the same for the same text."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{prefix}_{digest[: bits // 4].translate(_LETTERS)}"
