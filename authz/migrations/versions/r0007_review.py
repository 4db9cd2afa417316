"""The review of use: quotas, lock-outs, alarms, samples and what reviewers found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from authz.migrations.append_only import forbid_changes

revision = "0007"
down_revision = "0006"

_LARGE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables; results and draws only grow."""
    _make_counters()
    _make_locks()
    _make_reviews()
    forbid_changes("review_result", "item_id = NEW.item_id AND number = NEW.number")
    forbid_changes("review_draw", "month = NEW.month")


def _make_counters() -> None:
    op.create_table(
        "client_use",
        sa.Column("client_id", sa.String(64), primary_key=True),
        sa.Column("person", sa.String(64), primary_key=True),
        sa.Column("what", sa.String(16), primary_key=True),
        sa.Column("minute_start", _LARGE, nullable=False),
        sa.Column("in_minute", sa.Integer, nullable=False),
        sa.Column("hour_start", _LARGE, nullable=False),
        sa.Column("in_hour", sa.Integer, nullable=False),
        sa.Column("day_start", _LARGE, nullable=False),
        sa.Column("in_day", sa.Integer, nullable=False),
    )
    op.create_table(
        "use_tally",
        sa.Column("client_id", sa.String(64), primary_key=True),
        sa.Column("what", sa.String(16), primary_key=True),
        sa.Column("hour_start", _LARGE, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
    )
    op.create_table(
        "use_watch",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("following", _LARGE, nullable=False),
    )


def _make_locks() -> None:
    op.create_table(
        "id_trace",
        sa.Column("client_id", sa.String(64), primary_key=True),
        sa.Column("trace", sa.String(64), primary_key=True),
        sa.Column("run", sa.String(64), nullable=False),
        sa.Column("seen_at", _LARGE, nullable=False, index=True),
    )
    op.create_table(
        "confirmation_failure",
        sa.Column("id", _LARGE, primary_key=True),
        sa.Column("client_id", sa.String(64), nullable=False, index=True),
        sa.Column("operator", sa.String(64), nullable=False),
        sa.Column("failed_at", _LARGE, nullable=False),
        sa.Column("leaf_index", _LARGE),
    )
    op.create_table(
        "client_lock",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("client_id", sa.String(64), nullable=False, index=True),
        sa.Column("operator", sa.String(64), nullable=False),
        sa.Column("cause", sa.String(32), nullable=False),
        sa.Column("since", _LARGE, nullable=False),
        sa.Column("until", _LARGE),
        sa.Column("first_lifter", sa.String(64)),
        sa.Column("lifted_by", sa.String(64)),
        sa.Column("lifted_at", _LARGE),
    )


def _make_reviews() -> None:
    op.create_table(
        "review_item",
        sa.Column("id", sa.String(48), primary_key=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("period", sa.String(16), nullable=False),
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("organization", sa.String(18), nullable=False),
        sa.Column("operator", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("made_at", _LARGE, nullable=False),
        sa.Column("due_at", _LARGE, nullable=False, index=True),
        sa.Column("announced", sa.Boolean, nullable=False),
    )
    op.create_table(
        "review_result",
        sa.Column("item_id", sa.String(48), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("result", sa.String(32), nullable=False),
        sa.Column("reviewer", sa.String(64), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("recorded_at", _LARGE, nullable=False),
    )
    op.create_table(
        "review_draw",
        sa.Column("month", sa.String(7), primary_key=True),
        sa.Column("size", _LARGE, nullable=False),
        sa.Column("root", sa.String(64), nullable=False),
        sa.Column("drawn_at", _LARGE, nullable=False),
    )
