"""The audit log as a Merkle tree: heads instead of the chain, kept subtrees, checkpoints, erasure.

What is there is checked against its chain on the way, for a tree over altered leaves would
hide what the chain still shows.
"""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

from authz.audit.merkle import Frontier, leaf_hash
from authz.errors import ConfigurationError
from authz.migrations.append_only import forbid_changes

revision = "0002"
down_revision = "0001"

_PAGE = 1_000
_LARGE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_leaf = sa.table("audit_leaf", *map(sa.column, ("leaf_index", "payload", "leaf_hash", "chain_hash", "root")))
_subtree = sa.table("audit_subtree", *map(sa.column, ("height", "position", "hash")))
_NOTHING_ELSE = (
    "NEW.payload IS NULL AND NEW.subject IS NULL AND NEW.leaf_index = OLD.leaf_index "
    "AND NEW.leaf_hash = OLD.leaf_hash AND NEW.root = OLD.root"
)
_RETENTION_IS_OVER = {
    "sqlite": "json_extract(CAST(OLD.payload AS TEXT), '$.retentionUntil') < date('now', '+8 hours')",
    "postgresql": "CAST(convert_from(OLD.payload, 'UTF8') AS json) ->> 'retentionUntil' "
    "< to_char(now() AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD')",
}


def upgrade() -> None:
    """Grow the tree over the leaves that exist, and let payloads go at the end of their retention."""
    connection = op.get_bind()
    _drop_triggers(connection.dialect.name)
    op.create_table(
        "audit_subtree",
        sa.Column("height", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("position", _LARGE, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
    )
    op.create_table(
        "audit_checkpoint",
        sa.Column("size", _LARGE, primary_key=True, autoincrement=False),
        sa.Column("statement", sa.Text, nullable=False),
    )
    op.add_column("audit_leaf", sa.Column("root", sa.LargeBinary(32)))
    _grow(connection)
    with op.batch_alter_table("audit_leaf") as table:
        table.alter_column("root", existing_type=sa.LargeBinary(32), nullable=False)
        table.alter_column("payload", existing_type=sa.LargeBinary(), nullable=True)
        table.drop_column("chain_hash")
    over = _RETENTION_IS_OVER[connection.dialect.name]
    forbid_changes("audit_leaf", "leaf_index = NEW.leaf_index", except_when=f"{_NOTHING_ELSE} AND {over}")
    forbid_changes("audit_subtree", "height = NEW.height AND position = NEW.position")
    forbid_changes("audit_checkpoint", "size = NEW.size")


def _drop_triggers(dialect: str) -> None:
    if dialect == "sqlite":
        for name in ("update", "delete", "replace"):
            op.execute(f"DROP TRIGGER audit_leaf_no_{name}")
    else:
        op.execute("DROP TRIGGER audit_leaf_append_only ON audit_leaf")
        op.execute("DROP FUNCTION audit_leaf_refuse()")


def _grow(connection: sa.Connection) -> None:
    tree, chain = Frontier(), bytes(32)
    page = sa.select(_leaf).order_by(_leaf.c.leaf_index).limit(_PAGE)
    set_root = (
        _leaf.update().where(_leaf.c.leaf_index == sa.bindparam("at")).values(root=sa.bindparam("head"))
    )
    while rows := connection.execute(page.where(_leaf.c.leaf_index >= tree.size)).all():
        heads, subtrees = [], []
        for row in rows:
            chain = hashlib.sha256(chain + row.leaf_hash).digest()
            if (row.leaf_index, row.leaf_hash, row.chain_hash) != (tree.size, leaf_hash(row.payload), chain):
                raise ConfigurationError(
                    "STORE_DAMAGED", "store", f"Event {tree.size} of the audit log is not what was written."
                )
            subtrees += tree.append(row.leaf_hash)
            heads.append({"at": row.leaf_index, "head": tree.root})
        connection.execute(set_root, heads)
        if subtrees:
            found = [
                {"height": each.height, "position": each.position, "hash": each.hash} for each in subtrees
            ]
            connection.execute(_subtree.insert(), found)
