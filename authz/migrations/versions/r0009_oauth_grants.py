"""Requests that wait for a person at the authorization server, and what persons allowed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "oauth_request",
        sa.Column("handle", sa.LargeBinary(32), primary_key=True),
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("opened", sa.Boolean, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False, index=True),
    )
    op.create_table(
        "oauth_grant",
        sa.Column("id", sa.String(43), primary_key=True),
        sa.Column("code", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("code_until", sa.BigInteger, nullable=False),
        sa.Column("redeemed", sa.Boolean, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False, index=True),
    )
    op.create_table(
        "oauth_refresh",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column(
            "grant_id",
            sa.String(43),
            sa.ForeignKey("oauth_grant.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("spent", sa.Boolean, nullable=False),
    )
