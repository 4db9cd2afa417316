"""An index over runs of ids: without it, each one that touches a run is counted over all the client's day."""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Make the index."""
    op.create_index("ix_id_trace_run", "id_trace", ["client_id", "run"])
