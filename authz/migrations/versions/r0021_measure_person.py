"""Persons who were checked with the subject of a measure, so that their objections suspend it too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Make the table; it holds keyed hashes."""
    op.create_table(
        "measure_person",
        sa.Column("measure", sa.String(40), sa.ForeignKey("taken_measure.id"), primary_key=True),
        sa.Column("subject", sa.String(64), primary_key=True),
    )
    op.create_index("ix_measure_person_subject", "measure_person", ["subject"])
