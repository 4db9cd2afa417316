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
import hmac
import unicodedata
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
        return self._hashed("rr", Purpose.RECORD_REF, client_id, source, record_type, identity)

    def audit_ref(self, key: SubjectKey) -> str:
        """`hm_…`: the subject as the audit log knows it, the same for every client."""
        return self._hashed("hm", Purpose.AUDIT_SUBJECT, key.kind, key.value)

    def audit_refs(self, key: SubjectKey) -> tuple[str, ...]:
        """Every reference the audit log may know the subject by: one for each version of the key."""
        return self._every("hm", Purpose.AUDIT_SUBJECT, key.kind, key.value)

    def record_hash(self, source: str, record_type: str, identity: str) -> str:
        """`rh_…`: the record as the audit log knows it, so that its past readers can be told (ruling 20)."""
        return self._hashed("rh", Purpose.AUDIT_RECORD, source, record_type, identity)

    def record_hashes(self, source: str, record_type: str, identity: str) -> tuple[str, ...]:
        """Every reference the audit log may know the record by: one for each version of the key."""
        return self._every("rh", Purpose.AUDIT_RECORD, source, record_type, identity)

    def document_hashes(self, document_no: str, authority: str, key: SubjectKey) -> tuple[str, ...]:
        """`dh_…`: one decision about a subject, in whatever source it stands; none without its number.

        By document number, authority and subject (ruling 31), for each version of the key.
        """
        named = (_plain(document_no), _plain(authority))
        return self._every("dh", Purpose.AUDIT_RECORD, *named, key.kind, key.value) if all(named) else ()

    def secret(self, *parts: str) -> bytes:
        """32 bytes that nobody else can make, the same for the same parts while the first key is kept."""
        return _begun(self._keys.kept(Purpose.AUDIT_SUBJECT)[0], *parts).digest()

    def trace(self, client_id: str, *position: str) -> str:
        """`tr_…`: a place in the order of ids as the sequence detector knows it, for one client."""
        # in hexadecimal, which is three times faster: a read looks for seven, and none leaves the store
        return f"tr_{_mac(self._keys.current(Purpose.REVIEW_TRACE), client_id, *position).hex()}"

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

    def _every(self, prefix: str, purpose: Purpose, *parts: str) -> tuple[str, ...]:
        return tuple(_hashed(prefix, held, *parts) for held in self._keys.kept(purpose))

    def _hashed(self, prefix: str, purpose: Purpose, *parts: str) -> str:
        return _hashed(prefix, self._keys.current(purpose), *parts)


def _hashed(prefix: str, key: Key, *parts: str) -> str:
    return _text(prefix, key, _mac(key, *parts))


def _mac(key: Key, *parts: str) -> bytes:
    return _begun(key, *parts).digest()[:_HASH_LENGTH]


def _begun(key: Key, *parts: str) -> hmac.HMAC:
    if not all(parts):
        raise ValueError("a reference needs every part")
    mac = key.mac.copy()
    # lengths first, so that ("a", "bc") and ("ab", "c") differ
    mac.update(b"".join([len(each).to_bytes(4, "big") + each for each in map(str.encode, parts)]))
    return mac


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
