"""Receipts of must-checks, and what was looked up by hand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Make the tables; they tell that somebody checked, never what was found."""
    op.create_table(
        "check_receipt",
        sa.Column("jti", sa.String(40), primary_key=True),
        sa.Column("scenario", sa.String(8), nullable=False),
        sa.Column("case_no", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("organization", sa.String(18), nullable=False),
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("basis", sa.String(64), nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("completeness", sa.String(16), nullable=False),
        sa.Column("unknown", sa.String(1024), nullable=False),
        sa.Column("related", sa.Integer, nullable=False),
        sa.Column("checked_at", sa.BigInteger, nullable=False),
        sa.Column("valid_until", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_check_receipt_who", "check_receipt", ["organization", "scenario", "checked_at"])
    op.create_index("ix_check_receipt_subject", "check_receipt", ["subject"])
    op.create_table(
        "manual_check",
        sa.Column("jti", sa.String(40), sa.ForeignKey("check_receipt.jti"), primary_key=True),
        sa.Column("record_type", sa.String(16), primary_key=True),
        sa.Column("operator", sa.String(64), nullable=False),
        sa.Column("method", sa.String(16), nullable=False),
        sa.Column("checked_on", sa.Date, nullable=False),
    )
