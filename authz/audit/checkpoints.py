"""Signed tree heads: what nobody can take back, and what cut tails and rewritten history are found by.

A checkpoint is a compact JWS (RFC 7515, ES256) over `{"iat", "iss", "root", "size"}`, signed with
a key that signs nothing else. One is due whenever the log grows past a multiple of `EVERY`,
from time to time, and when a process stops.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from sqlalchemy import Connection, insert, select

from authz.audit.leaves import canonical
from authz.audit.tables import audit_checkpoint
from authz.audit.tree import TreeDamaged, head_of, span_hash
from authz.keys import KeyRing
from catalogue.values import CHINA_TIME

EVERY: Final = 1_024
"""Leaves; at most this many are not signed for yet."""
_TYPE: Final = "audit-checkpoint+jws"
_NEWEST: Final = select(audit_checkpoint).order_by(audit_checkpoint.c.size.desc()).limit(1)


class CheckpointInvalid(Exception):
    """Not a checkpoint that this gateway's keys signed."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head that was signed."""

    size: int
    root: bytes
    at: datetime
    key_id: str
    """RFC 7638 thumbprint of the public key."""
    statement: str
    """The JWS itself."""


class Notary:
    """Signs tree heads for a log, and opens what was signed with this key or an older one."""

    def __init__(self, keys: KeyRing, log: str) -> None:
        self._keys = keys
        self._log = log

    def sign(self, size: int, root: bytes, at: datetime) -> str:
        """The statement that the log had this head at this size."""
        key = self._keys.checkpoint_key
        head = {"iat": int(at.timestamp()), "iss": self._log, "root": root.hex(), "size": size}
        return jws.serialize_compact({"alg": "ES256", "kid": key.kid, "typ": _TYPE}, canonical(head), key)

    def open(self, statement: str) -> Checkpoint:
        """What a statement says; raises CheckpointInvalid."""
        try:
            signed = jws.deserialize_compact(statement, self._keys.checkpoint_keys(), algorithms=["ES256"])
            header, head = signed.headers(), orjson.loads(signed.payload or b"")
            if header.get("typ") != _TYPE:
                raise ValueError
            return Checkpoint(
                int(head["size"]),
                bytes.fromhex(head["root"]),
                datetime.fromtimestamp(head["iat"], CHINA_TIME),
                str(header["kid"]),
                statement,
            )
        except (JoseError, ValueError, KeyError, TypeError):
            raise CheckpointInvalid from None

    def write(self, connection: Connection, size: int, root: bytes, at: datetime) -> None:
        """Sign a head and keep it."""
        row = {"size": size, "statement": self.sign(size, root, at)}
        connection.execute(insert(audit_checkpoint), row)

    def catch_up(self, connection: Connection, at: datetime) -> None:
        """Sign the log as it is, unless that has been done; raises TreeDamaged rather than sign nonsense."""
        size, root = head_of(connection)
        newest = connection.execute(_NEWEST).first()
        if size > (newest.size if newest else 0):
            if span_hash(connection, (0, size)) != root:
                raise TreeDamaged
            self.write(connection, size, root, at)

    def newest(self, connection: Connection) -> Checkpoint | None:
        """The newest checkpoint, if there is one; raises CheckpointInvalid."""
        row = connection.execute(_NEWEST).first()
        return self.open(row.statement) if row else None
