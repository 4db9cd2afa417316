"""Monthly figures that were told; what was withheld is not kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Make the tables: closed months, and their cells."""
    op.create_table(
        "statistics_month",
        sa.Column("month", sa.String(7), primary_key=True),
        sa.Column("closed_at", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    op.create_table(
        "statistics_cell",
        sa.Column("month", sa.String(7), sa.ForeignKey("statistics_month.month"), primary_key=True),
        sa.Column("figure", sa.String(16), primary_key=True),
        sa.Column("row_key", sa.String(64), primary_key=True),
        sa.Column("column_key", sa.String(64), primary_key=True),
        sa.Column("value", sa.Integer),
    )
