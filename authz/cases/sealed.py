"""What a case holds of a person, encrypted at rest (AES-SIV, RFC 5297) and bound to the case.

Unlike an artefact of consent, which anybody must be able to verify as it was signed, this is read
by the few who handle it; a copy of the store alone tells neither who filed nor what was said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from authz.errors import AuditUnavailable
from authz.keys import KeyRing, Purpose
from catalogue.identifiers import KeyKind, SubjectKey


class Seal:
    """Seals and opens with the keys of this gateway; what is sealed carries the version of its key."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    def seal(self, text: str, binding: str) -> bytes:
        """A text that opens only with the same binding."""
        key = self._keys.current(Purpose.CASE_SEAL)
        return bytes([key.version]) + AESSIV(key.material).encrypt(text.encode(), [binding.encode()])

    def open(self, sealed: bytes, binding: str) -> str:
        """What was sealed; raises AuditUnavailable for what was altered or whose key is gone."""
        key = self._keys.find(Purpose.CASE_SEAL, sealed[0])
        try:
            if key is None:
                raise InvalidTag
            return AESSIV(key.material).decrypt(sealed[1:], [binding.encode()]).decode()
        except InvalidTag as error:
            raise AuditUnavailable from error


@dataclass(frozen=True, slots=True, repr=False)
class Content:
    """Whom and what a case is about, in the words of who filed it. Never a value of the record."""

    subject: SubjectKey
    text: str
    evidence: tuple[str, ...] = ()
    source: str = ""
    identity: str = ""
    """The row's key in its department's own system: how the steward finds it."""
    read: int | None = None
    """Of a complaint: the index of the intent in the audit log."""

    def sealed(self, seal: Seal, case_id: str) -> bytes:
        """As it is stored."""
        members: dict[str, Any] = {
            "kind": self.subject.kind,
            "value": self.subject.value,
            "text": self.text,
            "evidence": self.evidence,
            "source": self.source,
            "identity": self.identity,
            "read": self.read,
        }
        return seal.seal(orjson.dumps(members).decode(), case_id)


def opened(seal: Seal, sealed: bytes, case_id: str) -> Content:
    """What was stored; raises AuditUnavailable for what was altered."""
    members = orjson.loads(seal.open(sealed, case_id))
    return Content(
        SubjectKey(KeyKind(members["kind"]), members["value"]),
        members["text"],
        tuple(members["evidence"]),
        members["source"],
        members["identity"],
        members["read"],
    )
