"""Tickets name rows of delivered files by file and line."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """A file name of 255 characters and a line fit."""
    with op.batch_alter_table("quality_ticket") as table:
        table.alter_column(
            "row_mark", existing_type=sa.String(16), existing_nullable=False, type_=sa.String(272)
        )
