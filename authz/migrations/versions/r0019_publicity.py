"""What the last count of each month said of decisions that were not public in time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Make the tables: counts by source and month, and breaches by department and day."""
    op.create_table(
        "publicity_count",
        sa.Column("source", sa.String(64), primary_key=True),
        sa.Column("record_type", sa.String(16), primary_key=True),
        sa.Column("month", sa.String(7), primary_key=True),
        sa.Column("counted_at", sa.BigInteger, nullable=False),
        sa.Column("decisions", sa.Integer, nullable=False),
        sa.Column("unread", sa.Integer, nullable=False),
    )
    op.create_table(
        "publicity_breach",
        sa.Column("source", sa.String(64), primary_key=True),
        sa.Column("record_type", sa.String(16), primary_key=True),
        sa.Column("month", sa.String(7), primary_key=True),
        sa.Column("department", sa.String(16), primary_key=True),
        sa.Column("determined_on", sa.Date, primary_key=True),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("late", sa.Integer, nullable=False),
        sa.Column("unpublished", sa.Integer, nullable=False),
    )
