"""The audit log as a hash chain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from authz.migrations import FIRST_TABLE

revision = "0001"
down_revision = None

_APPEND_ONLY = {
    "sqlite": (
        "CREATE TRIGGER audit_leaf_no_update BEFORE UPDATE ON audit_leaf "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
        "CREATE TRIGGER audit_leaf_no_delete BEFORE DELETE ON audit_leaf "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
        "CREATE TRIGGER audit_leaf_no_replace BEFORE INSERT ON audit_leaf "
        "WHEN EXISTS (SELECT 1 FROM audit_leaf WHERE leaf_index = NEW.leaf_index) "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION audit_leaf_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$",
        "CREATE TRIGGER audit_leaf_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_leaf "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_leaf_refuse()",
    ),
}


def upgrade() -> None:
    """Make the table, unless a gateway from before the revisions has made it."""
    connection = op.get_bind()
    if sa.inspect(connection).has_table(FIRST_TABLE):
        return
    large = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        FIRST_TABLE,
        sa.Column("leaf_index", large, primary_key=True, autoincrement=False),
        sa.Column("subject", sa.String(64), index=True),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("chain_hash", sa.LargeBinary(32), nullable=False),
    )
    for statement in _APPEND_ONLY[connection.dialect.name]:
        op.execute(statement)
