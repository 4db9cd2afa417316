"""Leaves of the log: canonical bytes, their hashes, and the table that only grows.

A leaf's hash is that of RFC 6962 §2.1, so a Merkle tree can stand on the same rows; the
chain hash binds each leaf to all before it. Neither needs the payload of another leaf, so
payloads can be erased one day while the proof stays.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final

import orjson
from sqlalchemy import DDL, BigInteger, Column, Integer, LargeBinary, String, Table, event, select

from authz.store import Store, metadata

GENESIS: Final = bytes(32)
"""The chain before the first leaf."""
_PAGE: Final = 500

audit_leaf: Final = Table(
    "audit_leaf",
    metadata,
    Column("leaf_index", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("subject", String(64), index=True),
    Column("payload", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary(32), nullable=False),
    Column("chain_hash", LargeBinary(32), nullable=False),
)

_APPEND_ONLY: Final = {
    "sqlite": (
        "CREATE TRIGGER audit_leaf_no_update BEFORE UPDATE ON audit_leaf "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
        "CREATE TRIGGER audit_leaf_no_delete BEFORE DELETE ON audit_leaf "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
        # INSERT OR REPLACE deletes without firing the trigger above
        "CREATE TRIGGER audit_leaf_no_replace BEFORE INSERT ON audit_leaf "
        "WHEN EXISTS (SELECT 1 FROM audit_leaf WHERE leaf_index = NEW.leaf_index) "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    ),
    "postgresql": (
        "CREATE OR REPLACE FUNCTION audit_leaf_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$",
        "CREATE TRIGGER audit_leaf_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_leaf "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_leaf_refuse()",
    ),
}
for _dialect, _statements in _APPEND_ONLY.items():
    for _statement in _statements:
        _ddl = DDL(_statement)  # type: ignore[no-untyped-call]
        event.listen(audit_leaf, "after_create", _ddl.execute_if(dialect=_dialect))


def canonical(members: Mapping[str, object]) -> bytes:
    """RFC 8785 bytes of a JSON object with ASCII names and no floats; raises TypeError for others."""
    return orjson.dumps(members, option=orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER)


def leaf_hash(payload: bytes) -> bytes:
    """RFC 6962 §2.1: SHA-256 over 0x00 and the leaf."""
    return hashlib.sha256(b"\x00" + payload).digest()


def chain_hash(previous: bytes, leaf: bytes) -> bytes:
    """The chain after a leaf: SHA-256 over the chain before it and the leaf's hash."""
    return hashlib.sha256(previous + leaf).digest()


@dataclass(frozen=True, slots=True)
class Leaf:
    """One row of the log."""

    index: int
    subject: str | None
    """The subject's audit reference, so that a person finds the readers."""
    payload: bytes
    leaf_hash: bytes
    chain_hash: bytes

    @property
    def event(self) -> dict[str, object]:
        """The event the leaf holds; raises ValueError when the payload is none."""
        decoded = orjson.loads(self.payload)
        if not isinstance(decoded, dict):
            raise ValueError("an event is a JSON object")
        return decoded


async def read_leaves(store: Store, start: int = 0, subject: str | None = None) -> AsyncIterator[Leaf]:
    """Leaves in order, page by page, so that no transaction stays open while they are used."""
    query = select(audit_leaf).order_by(audit_leaf.c.leaf_index).limit(_PAGE)
    if subject is not None:
        query = query.where(audit_leaf.c.subject == subject)
    following = start
    while True:
        async with store.reading() as connection:
            rows = (await connection.execute(query.where(audit_leaf.c.leaf_index >= following))).all()
        for row in rows:
            yield Leaf(row.leaf_index, row.subject, row.payload, row.leaf_hash, row.chain_hash)
        if len(rows) < _PAGE:
            return
        following = rows[-1].leaf_index + 1
