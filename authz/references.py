"""Outward references that reveal nothing and join nothing.

A subject reference is pairwise: the packed identifier under AES-SIV (RFC 5297) with the
client id as associated data, so the gateway can look a person up without storing ids and
two clients cannot join what they hold. Record references are keyed hashes, also pairwise.
The audit's references do not depend on the client: a person must find every reader.
Each text is `<prefix>_` + lower-case base32 of a key version byte and the body.
"""

from __future__ import annotations

import base64
import binascii
import unicodedata
from collections.abc import Callable, Iterable
from itertools import product
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from stdnum.cn import uscc as gb32100
from stdnum.iso7064 import mod_11_2

from authz.errors import AuthzError, SubjectNotConfirmed
from authz.keys import Key, KeyRing, Purpose
from catalogue.identifiers import IdentifierError, KeyKind, SubjectKey

_BASE31: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""The alphabet of GB 32100-2015; 17 of its characters fit in 85 bits."""
_PACKED_NUMBER: Final = 11
_KINDS: Final = (KeyKind.CITIZEN_ID, KeyKind.USCC)
_HASH_LENGTH: Final = 20
_PAIRS: Final = ["".join(pair) for pair in product("abcdefghijklmnopqrstuvwxyz234567", repeat=2)]


class References:
    """Makes and resolves references with the keys of this gateway."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys
        self._audit_refs = [_hashing("hm", key) for key in keys.kept(Purpose.AUDIT_SUBJECT)]
        self._record_refs = _hashing("rr", keys.current(Purpose.RECORD_REF))
        self._record_hashes = [_hashing("rh", key) for key in keys.kept(Purpose.AUDIT_RECORD)]
        self._document_hashes = [_hashing("dh", key) for key in keys.kept(Purpose.AUDIT_RECORD)]
        self._trace = keys.current(Purpose.REVIEW_TRACE).mac

    def subject_ref(self, key: SubjectKey, client_id: str) -> str:
        """`sr_…`, always 50 characters: this client's reference of the subject."""
        current = self._keys.current(Purpose.SUBJECT_REF)
        return _text("sr", current, AESSIV(current.material).encrypt(_pack(key), [_client(client_id)]))

    def resolve(self, reference: str, client_id: str) -> SubjectKey:
        """The subject behind this client's reference; raises SubjectNotConfirmed for anything else."""
        raw = _raw("sr", reference)
        held = self._keys.find(Purpose.SUBJECT_REF, raw[0]) if raw else None
        if held is None:
            raise SubjectNotConfirmed
        try:
            return _unpack(AESSIV(held.material).decrypt(raw[1:], [_client(client_id)]))
        except (InvalidTag, IdentifierError, ValueError):
            raise SubjectNotConfirmed from None

    def record_ref(self, source: str, record_type: str, identity: str, client_id: str) -> str:
        """`rr_…`: this client's reference of one record of one source."""
        return self._record_refs(client_id, source, record_type, identity)

    def audit_ref(self, key: SubjectKey) -> str:
        """`hm_…`: the subject as the audit log knows it, the same for every client."""
        return self._audit_refs[-1](key.kind, key.value)

    def audit_refs(self, key: SubjectKey) -> tuple[str, ...]:
        """Every reference the audit log may know the subject by: one for each version of the key."""
        return tuple([hashed(key.kind, key.value) for hashed in self._audit_refs])

    def record_hash(self, source: str, record_type: str, identity: str) -> str:
        """`rh_…`: the record as the audit log knows it, so that its past readers can be told (ruling 20)."""
        return self._record_hashes[-1](source, record_type, identity)

    def record_hashes(self, source: str, record_type: str, identity: str) -> tuple[str, ...]:
        """Every reference the audit log may know the record by: one for each version of the key."""
        return tuple([hashed(source, record_type, identity) for hashed in self._record_hashes])

    def document_hashes(self, document_no: str, authority: str, key: SubjectKey) -> tuple[str, ...]:
        """`dh_…`: one decision about a subject, in whatever source it stands; none without its number.

        By document number, authority and subject (ruling 31), for each version of the key.
        """
        named = (_plain(document_no), _plain(authority))
        if not all(named):
            return ()
        return tuple([hashed(*named, key.kind, key.value) for hashed in self._document_hashes])

    def secret(self, *parts: str) -> bytes:
        """32 bytes that nobody else can make, the same for the same parts while the first key is kept."""
        return self._keys.kept(Purpose.AUDIT_SUBJECT)[0].mac(_framed(parts))

    def trace(self, client_id: str, *position: str) -> str:
        """`tr_…`: a place in the order of ids as the sequence detector knows it, for one client."""
        # in hexadecimal, which is three times faster: a read looks for seven, and none leaves the store
        return f"tr_{self._trace(_framed((client_id, *position)))[:_HASH_LENGTH].hex()}"

    def seal_cursor(self, payload: bytes, binding: bytes) -> str:
        """An encrypted cursor that opens only with the same binding: the grant and the use (ruling 6)."""
        current = self._keys.current(Purpose.CURSOR)
        return _text("cu", current, AESSIV(current.material).encrypt(payload, [binding]))

    def open_cursor(self, cursor: str, binding: bytes) -> bytes:
        """What was sealed; raises AuthzError CURSOR_INVALID for a foreign or altered cursor."""
        raw = _raw("cu", cursor)
        held = self._keys.find(Purpose.CURSOR, raw[0]) if raw else None
        try:
            if held is None:
                raise InvalidTag
            return AESSIV(held.material).decrypt(raw[1:], [binding])
        except (InvalidTag, ValueError):
            raise AuthzError(
                "CURSOR_INVALID", "The cursor does not belong to this query. Start again without `after`."
            ) from None


def _hashing(prefix: str, key: Key) -> Callable[..., str]:
    """What makes the references of one kind, of any number of parts, under one version of its key."""
    mac, version = key.mac, bytes([key.version])

    def hashed(*parts: str) -> str:
        return f"{prefix}_{_base32(version + mac(_framed(parts))[:_HASH_LENGTH])}"

    return hashed


def _framed(parts: Iterable[str]) -> bytes:
    """Every part after its length, so that ("a", "bc") and ("ab", "c") differ."""
    framed = []
    for part in parts:
        if not part:
            raise ValueError("a reference needs every part")
        raw = part.encode()
        framed.append(len(raw).to_bytes(4, "big"))
        framed.append(raw)
    return b"".join(framed)


def _plain(text: str) -> str:
    """A document number or an authority without its spaces, widths and kinds of brackets."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text))).casefold()


def _client(client_id: str) -> bytes:
    if not client_id:
        raise ValueError("a pairwise reference needs a client")
    return client_id.encode()


def _text(prefix: str, key: Key, body: bytes) -> str:
    return f"{prefix}_{_base32(bytes([key.version]) + body)}"


def _base32(raw: bytes) -> str:
    """Lower case without padding, as `base64.b32encode` would have it, in a third of its time."""
    length = -(-len(raw) * 8 // 5)
    pairs = -(-length // 2)
    number = int.from_bytes(raw, "big") << (pairs * 10 - len(raw) * 8)
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(pairs * 10 - 10, -1, -10)])[:length]


def _raw(prefix: str, text: str) -> bytes:
    """The bytes of a text that `_text` printed; empty for anything else."""
    head, _, encoded = text.partition("_")
    padded = encoded.upper() + "=" * (-len(encoded) % 8)
    try:
        raw = base64.b32decode(padded)
    except (binascii.Error, ValueError):
        return b""
    return raw if head == prefix and _base32(raw) == encoded else b""


def _pack(key: SubjectKey) -> bytes:
    """Kind and number without the check digit, in a fixed 12 bytes: length tells nothing."""
    body = key.value[:-1]
    if key.kind is KeyKind.CITIZEN_ID:
        number = int(body)
    else:
        number = 0
        for character in body:
            number = number * len(_BASE31) + _BASE31.index(character)
    return bytes([_KINDS.index(key.kind)]) + number.to_bytes(_PACKED_NUMBER, "big")


def _unpack(packed: bytes) -> SubjectKey:
    kind, number = _KINDS[packed[0]], int.from_bytes(packed[1:], "big")
    if kind is KeyKind.CITIZEN_ID:
        body = f"{number:017d}"
        return SubjectKey.person(body + mod_11_2.calc_check_digit(body))
    characters = []
    for _ in range(17):
        number, digit = divmod(number, len(_BASE31))
        characters.append(_BASE31[digit])
    body = "".join(reversed(characters))
    return SubjectKey.entity(body + gb32100.calc_check_digit(body))
