"""The subjects of each case, and which officer asked about whom in the last thirty days."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_LARGE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables; rows go when their mandate or their thirty days have ended."""
    op.create_table(
        "case_subject",
        sa.Column("mandate", sa.String(64), primary_key=True),
        sa.Column("case_no", sa.String(64), primary_key=True),
        sa.Column("subject", sa.String(64), primary_key=True),
        sa.Column("until", sa.Date, nullable=False, index=True),
    )
    op.create_table(
        "officer_query",
        sa.Column("number", _LARGE, primary_key=True),
        sa.Column("organization", sa.String(18), nullable=False),
        sa.Column("operator", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("mandate", sa.String(64), nullable=False),
        sa.Column("case_no", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False, index=True),
    )
    op.create_index("ix_officer_query_who", "officer_query", ["subject", "organization", "operator"])
