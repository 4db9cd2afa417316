"""What the review of use keeps; made by authz/migrations. Moments are milliseconds since the epoch.

No row holds an id, a name or a value: ids are keyed hashes that go after a day, subjects do not
occur, and what a reviewer sees of a read is the audit event that an index points to.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from authz.store import metadata

_LARGE: Final = BigInteger().with_variant(Integer, "sqlite")

client_use: Final = Table(
    "client_use",
    metadata,
    Column("client_id", String(64), primary_key=True),
    Column("person", String(64), primary_key=True),
    Column("what", String(16), primary_key=True),
    *(
        column
        for span in ("minute", "hour", "day")
        for column in (
            Column(f"{span}_start", _LARGE, nullable=False),
            Column(f"in_{span}", Integer, nullable=False),
        )
    ),
)
"""What was used of each quota; `person` is the audit reference of one who asks about themself."""

id_trace: Final = Table(
    "id_trace",
    metadata,
    Column("client_id", String(64), primary_key=True),
    Column("trace", String(64), primary_key=True),
    Column("run", String(64), nullable=False),
    Column("seen_at", _LARGE, nullable=False, index=True),
    Index("ix_id_trace_run", "client_id", "run"),
)
"""Keyed hashes of ids asked for, grouped in runs of neighbours."""

confirmation_failure: Final = Table(
    "confirmation_failure",
    metadata,
    Column("id", _LARGE, primary_key=True),
    Column("client_id", String(64), nullable=False, index=True),
    Column("operator", String(64), nullable=False),
    Column("failed_at", _LARGE, nullable=False),
    Column("leaf_index", _LARGE),
)
"""Subjects that could not be confirmed; the index is that of the intent."""

client_lock: Final = Table(
    "client_lock",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("client_id", String(64), nullable=False, index=True),
    Column("operator", String(64), nullable=False),
    Column("cause", String(32), nullable=False),
    Column("since", _LARGE, nullable=False),
    Column("until", _LARGE),
    Column("first_lifter", String(64)),
    Column("lifted_by", String(64)),
    Column("lifted_at", _LARGE),
)
"""Who may not read for now; an empty operator is the whole client, no `until` is until it is lifted."""

review_item: Final = Table(
    "review_item",
    metadata,
    Column("id", String(48), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("period", String(16), nullable=False),
    Column("client_id", String(64), nullable=False),
    Column("organization", String(18), nullable=False),
    Column("operator", String(64), nullable=False),
    Column("number", Integer, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("made_at", _LARGE, nullable=False),
    Column("due_at", _LARGE, nullable=False, index=True),
    Column("announced", Boolean, nullable=False),
)
"""What a reviewer has to look at: a sampled read or an alarm; `evidence` is a JSON list of leaf indexes."""

review_result: Final = Table(
    "review_result",
    metadata,
    Column("item_id", String(48), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("result", String(32), nullable=False),
    Column("reviewer", String(64), nullable=False),
    Column("note", Text, nullable=False),
    Column("recorded_at", _LARGE, nullable=False),
)
"""What reviewers found; rows only grow, and the newest of an item holds."""

review_draw: Final = Table(
    "review_draw",
    metadata,
    Column("month", String(7), primary_key=True),
    Column("size", _LARGE, nullable=False),
    Column("root", String(64), nullable=False),
    Column("drawn_at", _LARGE, nullable=False),
)
"""Months whose sample was drawn, and the tree head that it was drawn by."""

use_tally: Final = Table(
    "use_tally",
    metadata,
    Column("client_id", String(64), primary_key=True),
    Column("what", String(16), primary_key=True),
    Column("hour_start", _LARGE, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
    Column("evidence", Text, nullable=False),
)
"""What the watch has seen of each client in each hour."""

use_watch: Final = Table(
    "use_watch",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("following", _LARGE, nullable=False),
)
"""One row: the first event that the watch has not seen."""
