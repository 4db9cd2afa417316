"""What people concluded after a check, and the measures they took."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Make the tables; reasons are kept as a digest only, and nothing of what was found."""
    op.create_table(
        "check_outcome",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("jti", sa.String(40), sa.ForeignKey("check_receipt.jti")),
        sa.Column("organization", sa.String(18), nullable=False),
        sa.Column("scenario", sa.String(8), nullable=False),
        sa.Column("case_no", sa.String(64), nullable=False),
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("operator", sa.String(64), nullable=False),
        sa.Column("officer", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("concluded_on", sa.Date, nullable=False),
        sa.Column("noticed_on", sa.Date),
        sa.Column("hearing", sa.String(16), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("reported_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_check_outcome_who", "check_outcome", ["organization", "scenario", "reported_at"])
    op.create_table(
        "taken_measure",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("outcome", sa.String(40), sa.ForeignKey("check_outcome.id"), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("organization", sa.String(18), nullable=False),
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("scenario", sa.String(8), nullable=False),
        sa.Column("case_no", sa.String(64), nullable=False),
        sa.Column("code", sa.String(8), nullable=False),
        sa.Column("record_types", sa.String(1024), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("resumes", sa.String(16)),
    )
    op.create_index("ix_taken_measure_outcome", "taken_measure", ["outcome"])
    op.create_index("ix_taken_measure_subject", "taken_measure", ["subject"])
    op.create_table(
        "measure_step",
        sa.Column("measure", sa.String(40), sa.ForeignKey("taken_measure.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("officer", sa.String(64), nullable=False),
        sa.Column("operator", sa.String(64), nullable=False),
        sa.Column("on_day", sa.Date, nullable=False),
        sa.Column("done", sa.Boolean),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
