"""Signature headers, as each manifest declares them: what is signed, with what, and where it is sent.

MD5 (upper(md5(appid + ts + body + secret))) is what some services accept; it proves nothing to us.
HMAC is RFC 2104, over SHA-256 or over SM3 (GB/T 32905).
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives import hashes, hmac

from connectors.parts import Signing

_PLACE: Final = re.compile(r"\{(appId|secret|ts|nonce|method|path|body|bodyHash|sign)\}")

_MD5_TEXT: Final = "{appId}{ts}{body}{secret}"
_MD5_HEADERS: Final = {"appid": "{appId}", "ts": "{ts}", "sign": "{sign}"}
_HMAC_TEXT: Final = "{method}\n{path}\n{ts}\n{nonce}\n{bodyHash}"
_HMAC_HEADERS: Final = {
    "X-App-Id": "{appId}",
    "X-Timestamp": "{ts}",
    "X-Nonce": "{nonce}",
    "X-Signature": "{sign}",
}


@dataclass(frozen=True, slots=True)
class Signed:
    """What of a call may be signed; `path` has the query string as it is sent."""

    method: str
    path: str
    body: bytes


def signature(
    signing: Signing, call: Signed, now: float, nonce: Callable[[], str] = lambda: secrets.token_hex(16)
) -> dict[str, str]:
    """The headers for one call; `now` in epoch seconds."""
    plain = signing.kind == "md5"
    values = {
        "appId": signing.app_id,
        "secret": signing.secret,
        "ts": str(int(now * 1_000 if signing.clock == "milliseconds" else now)),
        "nonce": nonce(),
        "method": call.method,
        "path": call.path,
        "body": call.body.decode(),
        "bodyHash": _digest(signing.kind, call.body).hex(),
    }
    text = _fill(signing.text or (_MD5_TEXT if plain else _HMAC_TEXT), values).encode()
    mac = _digest("md5", text) if plain else _mac(signing.kind, signing.secret.encode(), text)
    values["sign"] = _written(mac, signing.encoding)
    headers = signing.headers or (_MD5_HEADERS if plain else _HMAC_HEADERS)
    return {name: _fill(template, values) for name, template in headers.items()}


def _fill(text: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda found: values[found[1]], text)


def _digest(kind: str, content: bytes) -> bytes:
    if kind == "md5":
        return hashlib.md5(content, usedforsecurity=False).digest()
    digest = hashes.Hash(_hash(kind))
    digest.update(content)
    return digest.finalize()


def _mac(kind: str, secret: bytes, content: bytes) -> bytes:
    mac = hmac.HMAC(secret, _hash(kind))
    mac.update(content)
    return mac.finalize()


def _hash(kind: str) -> hashes.HashAlgorithm:
    return hashes.SM3() if kind.endswith("sm3") else hashes.SHA256()


def _written(mac: bytes, encoding: str) -> str:
    if encoding == "base64":
        return base64.b64encode(mac).decode()
    return mac.hex().upper() if encoding == "HEX" else mac.hex()
