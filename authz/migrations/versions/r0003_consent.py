"""Consents: what was asked for and agreed to, each use, and each act."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from authz.migrations.append_only import forbid_changes

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables; uses and events only grow, for the count of the next use stands on them."""
    op.create_table(
        "consent",
        sa.Column("id", sa.String(35), primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False, index=True),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("artefact", sa.LargeBinary),
        sa.Column("signature", sa.Text),
        sa.Column("receipt", sa.Text),
        sa.Column("uses", sa.Integer, nullable=False),
        sa.Column("requested_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "consent_use",
        sa.Column("consent_id", sa.String(35), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("use_key", sa.String(64), nullable=False),
        sa.Column("used_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "consent_event",
        sa.Column("consent_id", sa.String(35), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("act", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("party", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    for table in ("consent_use", "consent_event"):
        forbid_changes(table, "consent_id = NEW.consent_id AND number = NEW.number")
