"""The register of mandates and the switches of scenarios: one row for each act."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from authz.migrations.append_only import forbid_changes

revision = "0004"
down_revision = "0003"

_LARGE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table; it only grows, for what may be read follows from all of its rows."""
    op.create_table(
        "register_event",
        sa.Column("number", _LARGE, primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(64), nullable=False, index=True),
        sa.Column("act", sa.String(16), nullable=False),
        sa.Column("party", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("entry", sa.LargeBinary),
        sa.Column("at", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    forbid_changes("register_event", "number = NEW.number")
