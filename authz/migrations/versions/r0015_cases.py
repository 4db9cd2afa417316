"""Cases of the person's rights, and what they make of records."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from authz.migrations.append_only import forbid_changes

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Make the tables; what happened to a case only grows."""
    op.create_table(
        "rights_case",
        sa.Column("id", sa.String(35), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False, index=True),
        sa.Column("representative", sa.String(64), index=True),
        sa.Column("record", sa.String(64), index=True),
        sa.Column("document", sa.String(64), index=True),
        sa.Column("record_type", sa.String(16)),
        sa.Column("department", sa.String(16), index=True),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("suspends", sa.Boolean, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("taken_by", sa.String(64)),
        sa.Column("filed_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "rights_case_event",
        sa.Column("case_id", sa.String(35), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("act", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("party", sa.String(16), nullable=False),
        sa.Column("operator", sa.String(64), nullable=False),
        sa.Column("note", sa.LargeBinary),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "record_mark",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("case_id", sa.String(35), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("record", sa.String(64), nullable=False),
        sa.Column("document", sa.String(64)),
        sa.Column("effect", sa.String(16), nullable=False),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("words", sa.LargeBinary),
        sqlite_autoincrement=True,
    )
    forbid_changes("rights_case_event", "case_id = NEW.case_id AND number = NEW.number")
