"""Versioned secret keys, one set per purpose, from one file that only the gateway can read.

```yaml
demo: false
keys:
  subjectRef: {1: <base64url>, 2: <base64url>}
  …
```

The highest version makes new values; older versions stay until nothing they made is
in use. Version numbers are one byte, because references carry them.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import secrets
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Final

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey, KeySet

from authz.errors import ConfigurationError


class Purpose(StrEnum):
    """What a key is for; no key serves two purposes."""

    SUBJECT_REF = "subjectRef"
    RECORD_REF = "recordRef"
    CURSOR = "cursor"
    AUDIT_SUBJECT = "auditSubject"
    AUDIT_RECORD = "auditRecord"
    TOKEN_SIGNING = "tokenSigning"  # noqa: S105 - the name of a purpose
    CHECKPOINT_SIGNING = "checkpointSigning"
    CONSENT_SIGNING = "consentSigning"
    RECEIPT_SIGNING = "receiptSigning"
    DPOP_NONCE = "dpopNonce"
    REVIEW_TRACE = "reviewTrace"
    CASE_SEAL = "caseSeal"


LENGTH: Final[Mapping[Purpose, int]] = {
    Purpose.SUBJECT_REF: 64,
    Purpose.RECORD_REF: 32,
    Purpose.CURSOR: 64,
    Purpose.AUDIT_SUBJECT: 32,
    Purpose.AUDIT_RECORD: 32,
    Purpose.TOKEN_SIGNING: 32,
    Purpose.CHECKPOINT_SIGNING: 32,
    Purpose.CONSENT_SIGNING: 32,
    Purpose.RECEIPT_SIGNING: 32,
    Purpose.DPOP_NONCE: 32,
    Purpose.REVIEW_TRACE: 32,
    Purpose.CASE_SEAL: 64,
}
"""Bytes: AES-256-SIV takes two keys (RFC 5297), HMAC-SHA-256 one, ES256 a P-256 scalar."""

_SIGNING: Final = frozenset(
    {Purpose.TOKEN_SIGNING, Purpose.CHECKPOINT_SIGNING, Purpose.CONSENT_SIGNING, Purpose.RECEIPT_SIGNING}
)


@dataclass(frozen=True)
class Key:
    """One version of one purpose's key."""

    version: int
    material: bytes = field(repr=False)

    @cached_property
    def mac(self) -> Callable[[bytes], bytes]:
        """HMAC-SHA-256 of a message: begun with the key once, which costs twice as much as the rest."""
        begun = hmac.new(self.material, digestmod="sha256")

        def mac(message: bytes) -> bytes:
            own = begun.copy()
            own.update(message)
            return own.digest()

        return mac


class KeyRing:
    """All keys of a gateway. Prints as its purposes and versions, never as material."""

    def __init__(self, keys: Mapping[Purpose, Mapping[int, bytes]], *, demo: bool) -> None:
        for purpose in Purpose:
            if not keys.get(purpose):
                raise ConfigurationError("KEYS_INCOMPLETE", purpose, "Give every purpose at least one key.")
            for version, material in keys[purpose].items():
                _check(purpose, version, material)
        self._keys = keys
        self._kept = {
            purpose: tuple(Key(*each) for each in sorted(keys[purpose].items())) for purpose in Purpose
        }
        self.demo = demo

    def __repr__(self) -> str:
        versions = ", ".join(f"{purpose}={sorted(held)}" for purpose, held in self._keys.items())
        return f"KeyRing(demo={self.demo}, {versions})"

    def current(self, purpose: Purpose) -> Key:
        """The key that makes new values."""
        return self._kept[purpose][-1]

    def kept(self, purpose: Purpose) -> tuple[Key, ...]:
        """Every version that is still kept, oldest first."""
        return self._kept[purpose]

    def find(self, purpose: Purpose, version: int) -> Key | None:
        """The key that made an older value, if it is still kept."""
        return next((key for key in self._kept[purpose] if key.version == version), None)

    def refuse_demo(self) -> None:
        """Raise ConfigurationError for keys that everyone knows."""
        if self.demo:
            raise ConfigurationError(
                "KEYS_DEMO", "keys", "These are demo keys. Generate keys of your own before serving."
            )

    @cached_property
    def signing_key(self) -> ECKey:
        """The current private key for tokens (ES256), named by its RFC 7638 thumbprint."""
        return self._signer(Purpose.TOKEN_SIGNING)

    @cached_property
    def checkpoint_key(self) -> ECKey:
        """The current private key for checkpoints of the audit log (ES256), named as `signing_key` is."""
        return self._signer(Purpose.CHECKPOINT_SIGNING)

    @cached_property
    def consent_key(self) -> ECKey:
        """The current private key for consents and their receipts (ES256), named as `signing_key` is."""
        return self._signer(Purpose.CONSENT_SIGNING)

    @cached_property
    def receipt_key(self) -> ECKey:
        """The current private key for receipts of checks (ES256), named as `signing_key` is."""
        return self._signer(Purpose.RECEIPT_SIGNING)

    @cached_property
    def _published(self) -> Mapping[Purpose, KeySet]:
        return {purpose: self._public(purpose) for purpose in _SIGNING}

    def verification_keys(self) -> KeySet:
        """Public halves of all token keys: what `/.well-known/jwks.json` publishes."""
        return self._published[Purpose.TOKEN_SIGNING]

    def checkpoint_keys(self) -> KeySet:
        """Public halves of all checkpoint keys: what a third party checks a proof with."""
        return self._published[Purpose.CHECKPOINT_SIGNING]

    def consent_keys(self) -> KeySet:
        """Public halves of all consent keys: what anyone checks an artefact or a receipt with."""
        return self._published[Purpose.CONSENT_SIGNING]

    def receipt_keys(self) -> KeySet:
        """Public halves of all receipt keys: what anyone checks a receipt of a check with."""
        return self._published[Purpose.RECEIPT_SIGNING]

    def published(self, purpose: Purpose) -> KeySet:
        """Public halves of a purpose's keys, oldest first; none where its keys are secrets."""
        return self._published.get(purpose, KeySet([]))

    def _signer(self, purpose: Purpose) -> ECKey:
        return _signing_key(purpose, self.current(purpose).material)

    def _public(self, purpose: Purpose) -> KeySet:
        private = [_signing_key(purpose, key.material) for key in self.kept(purpose)]
        return KeySet([ECKey.import_key(key.as_dict(private=False)) for key in private])

    def write(self, path: Path) -> None:
        """Create the key file with mode 0600; raises FileExistsError rather than overwrite keys."""
        encoded = {
            purpose.value: {version: base64.urlsafe_b64encode(raw).decode() for version, raw in held.items()}
            for purpose, held in self._keys.items()
        }
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            yaml.safe_dump({"demo": self.demo, "keys": encoded}, file)


def generate_keys(*, demo: bool = False) -> KeyRing:
    """A fresh ring, every purpose at version 1."""
    return KeyRing({purpose: {1: _fresh(purpose)} for purpose in Purpose}, demo=demo)


def load_keys(path: Path) -> KeyRing:
    """Read a key file (YAML or JSON); raises ConfigurationError, never showing what it read."""
    keys, demo = _read(path)
    return KeyRing(keys, demo=demo)


def complete_keys(path: Path) -> None:
    """Give a key file of an older gateway the purposes it lacks; what it holds stays as it is."""
    keys, demo = _read(path)
    missing = [purpose for purpose in Purpose if not keys.get(purpose)]
    if missing:
        _rewrite(path, keys | {purpose: {1: _fresh(purpose)} for purpose in missing}, demo=demo)


def rotate_key(path: Path, purpose: Purpose) -> int:
    """Add a version of a key, which makes what is new from then on; returns it."""
    keys, demo = _read(path)
    version = max(keys.get(purpose, {0: b""})) + 1
    _rewrite(path, keys | {purpose: {**keys.get(purpose, {}), version: _fresh(purpose)}}, demo=demo)
    return version


def retire_key(path: Path, purpose: Purpose, version: int) -> None:
    """Remove a version that is not the newest; raises ConfigurationError KEYS_VERSION."""
    keys, demo = _read(path)
    held = keys.get(purpose, {})
    if version not in held or version == max(held):
        raise ConfigurationError("KEYS_VERSION", purpose, "Name an older version: the newest is in use.")
    _rewrite(path, keys | {purpose: {each: raw for each, raw in held.items() if each != version}}, demo=demo)


def _rewrite(path: Path, keys: Mapping[Purpose, Mapping[int, bytes]], *, demo: bool) -> None:
    """Whole or not at all."""
    renewed = path.with_name(f"{path.name}.new")
    KeyRing(keys, demo=demo).write(renewed)
    renewed.replace(path)


def _read(path: Path) -> tuple[dict[Purpose, dict[int, bytes]], bool]:
    try:
        with path.open(encoding="utf-8") as file:
            _refuse_shared(path, os.fstat(file.fileno()).st_mode)
            raw = yaml.safe_load(file)
    except OSError as error:
        raise ConfigurationError("KEYS_MISSING", str(path), "The key file cannot be opened.") from error
    except (yaml.YAMLError, UnicodeDecodeError):
        # `from None`: the parser's message quotes the line, which may be a key
        raise ConfigurationError("KEYS_SYNTAX", str(path), "The key file is not YAML.") from None
    try:
        if set(raw) != {"demo", "keys"} or not isinstance(raw["demo"], bool):
            raise ValueError
        keys = {
            Purpose(purpose): {int(version): _decoded(text) for version, text in held.items()}
            for purpose, held in raw["keys"].items()
        }
    except (AttributeError, TypeError, ValueError):
        raise ConfigurationError(
            "KEYS_SYNTAX", str(path), "Expected `demo` and, by purpose and version, base64url keys."
        ) from None
    return keys, raw["demo"]


def _fresh(purpose: Purpose) -> bytes:
    if purpose not in _SIGNING:
        return secrets.token_bytes(LENGTH[purpose])
    scalar = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return scalar.to_bytes(LENGTH[purpose], "big")


def _refuse_shared(path: Path, mode: int) -> None:
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise ConfigurationError("KEYS_MODE", str(path), "Others can read the key file: chmod 600 it.")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, altchars=b"-_", validate=True)
    except binascii.Error:
        raise ValueError from None


def _check(purpose: Purpose, version: int, material: bytes) -> None:
    if not 1 <= version <= 255:
        raise ConfigurationError("KEYS_VERSION", purpose, "Key versions run from 1 to 255.")
    if len(material) != LENGTH[purpose]:
        raise ConfigurationError("KEYS_LENGTH", purpose, f"The key must have {LENGTH[purpose]} bytes.")
    if purpose in _SIGNING:
        _signing_key(purpose, material)


def _signing_key(purpose: Purpose, material: bytes) -> ECKey:
    try:
        private = ec.derive_private_key(int.from_bytes(material, "big"), ec.SECP256R1())
    except ValueError:
        raise ConfigurationError("KEYS_RANGE", purpose, "Not a P-256 private key.") from None
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key = ECKey.import_key(pem, {"use": "sig", "alg": "ES256"})
    key.ensure_kid()
    return key
