"""Chunks of bulk checks: a digest and a place in the log each, neither ids nor results."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Make the table; its rows are forgotten after a week."""
    op.create_table(
        "check_chunk",
        sa.Column("client", sa.String(64), primary_key=True),
        sa.Column("job", sa.String(40), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("begun_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_check_chunk_begun_at", "check_chunk", ["begun_at"])
