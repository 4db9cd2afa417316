"""Triggers that let a table only grow, for revisions to call."""

from __future__ import annotations

from alembic import op


def forbid_changes(table: str, key: str, *, except_when: str | None = None) -> None:
    """Refuse every update, deletion and replacement of rows.

    `key` is an expression that is true of the row with the key of NEW; `except_when` one on OLD
    and NEW for the only update that is allowed, in the SQL of the engine.
    """
    condition = f"WHEN (({except_when}) IS NOT TRUE)" if except_when else ""
    if op.get_bind().dialect.name == "sqlite":
        refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {condition} {refuse}")
        op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}")
        # INSERT OR REPLACE deletes without firing the trigger above
        exists = f"EXISTS (SELECT 1 FROM {table} WHERE {key})"  # noqa: S608 - names of our own
        op.execute(f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {exists} {refuse}")
        return
    op.execute(
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} "
        f"FOR EACH ROW {condition} EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
