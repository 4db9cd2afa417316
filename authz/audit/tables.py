"""The three tables of the log. All of them only grow: the triggers are in authz/migrations."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table, Text

from authz.store import metadata

_LARGE: Final = BigInteger().with_variant(Integer, "sqlite")

audit_leaf: Final = Table(
    "audit_leaf",
    metadata,
    Column("leaf_index", _LARGE, primary_key=True, autoincrement=False),
    Column("subject", String(64), index=True),
    Column("payload", LargeBinary),
    Column("leaf_hash", LargeBinary(32), nullable=False),
    Column("root", LargeBinary(32), nullable=False),
)
"""One event a row; `root` is the tree head up to and including it. Erasure empties subject and payload."""

audit_subtree: Final = Table(
    "audit_subtree",
    metadata,
    Column("height", Integer, primary_key=True, autoincrement=False),
    Column("position", _LARGE, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
)
"""Complete subtrees of every eighth height, so that no proof hashes the whole log again."""

audit_checkpoint: Final = Table(
    "audit_checkpoint",
    metadata,
    Column("size", _LARGE, primary_key=True, autoincrement=False),
    Column("statement", Text, nullable=False),
)
"""Signed tree heads."""
