"""On which records a check's predicates and a measure rest, as keyed hashes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Make the tables; a measure from before rests on every record of its types, as it did."""
    op.create_table(
        "check_ground",
        sa.Column("jti", sa.String(40), sa.ForeignKey("check_receipt.jti"), primary_key=True),
        sa.Column("predicate", sa.String(64), primary_key=True),
        sa.Column("record", sa.String(64), primary_key=True),
    )
    op.create_table(
        "measure_ground",
        sa.Column("measure", sa.String(40), sa.ForeignKey("taken_measure.id"), primary_key=True),
        sa.Column("record", sa.String(64), primary_key=True),
    )
