"""Who agreed for the subject of a consent: a guardian, or the legal representative of an enterprise."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the column; consents given before were given by their subjects."""
    op.add_column("consent", sa.Column("representative", sa.String(64)))
    op.create_index("ix_consent_representative", "consent", ["representative"])
