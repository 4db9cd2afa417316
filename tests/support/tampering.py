"""What somebody with all rights over the store could do to the log, and what an older gateway left."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from authz.audit import AuditLog, Checkpoint, Verification
from authz.audit.leaves import canonical
from authz.audit.merkle import Frontier, leaf_hash
from authz.store import Store
from tests.support.audit_logs import KEYS, ORIGIN, audit_log, intent, outcome
from tests.support.databases import Database

TABLES = ("audit_leaf", "audit_subtree", "audit_checkpoint")


async def fill(database: Database, events: int = 6) -> None:
    """An intent and its outcome, again and again; signed at the end."""
    async with audit_log(database.url) as log:
        for serial in range(1, events // 2 + 1):
            await log.outcome(await log.intent(intent(serial)), outcome())


async def verified(database: Database, kept: Sequence[Checkpoint] = ()) -> Verification:
    """As an auditor does it: nothing is written."""
    async with Store(database.url) as store:
        return await AuditLog(store, KEYS, ORIGIN).verify(kept=kept)


async def unlock(database: Database) -> None:
    """Without the triggers everything can be changed."""
    for table in TABLES:
        for trigger in ("update", "delete", *(["replace"] if database.engine == "sqlite" else [])):
            on = "" if database.engine == "sqlite" else f" ON {table}"
            await database.execute(f"DROP TRIGGER {table}_no_{trigger}{on}")


def literal(database: Database, value: bytes) -> str:
    return f"X'{value.hex()}'" if database.engine == "sqlite" else f"'\\x{value.hex()}'::bytea"


async def payload_of(database: Database, index: int) -> bytes:
    found = await database.fetch(f"SELECT payload FROM audit_leaf WHERE leaf_index = {index}")
    return bytes(found[0][0])


async def change(database: Database, index: int, **columns: bytes) -> None:
    changes = ", ".join(f"{name} = {literal(database, value)}" for name, value in columns.items())
    await database.execute(f"UPDATE audit_leaf SET {changes} WHERE leaf_index = {index}")


async def forge(database: Database, index: int, payload: bytes) -> None:
    """Replace an event and mend its hash."""
    await change(database, index, payload=payload, leaf_hash=leaf_hash(payload))


async def mend_roots(database: Database, *, only: int | None = None) -> None:
    """Recompute the tree heads, as the most careful forger would."""
    tree = Frontier()
    for index, leaf in await database.fetch(
        "SELECT leaf_index, leaf_hash FROM audit_leaf ORDER BY leaf_index"
    ):
        tree.append(bytes(leaf))
        if only in (None, index):
            await change(database, index, root=tree.root)


async def swap(database: Database, one: int, other: int) -> None:
    """Let two events change places."""
    for index, away in ((one, -1), (other, one), (-1, other)):
        await database.execute(f"UPDATE audit_leaf SET leaf_index = {away} WHERE leaf_index = {index}")


async def set_up_chain(database: Database, version: str | None) -> None:
    """As a gateway left it that stopped at a revision, or was made before there were any."""
    large = "INTEGER" if database.engine == "sqlite" else "BIGINT"
    blob = "BLOB" if database.engine == "sqlite" else "BYTEA"
    await database.execute(
        f"CREATE TABLE audit_leaf (leaf_index {large} NOT NULL PRIMARY KEY, subject VARCHAR(64), "
        f"payload {blob} NOT NULL, leaf_hash {blob} NOT NULL, chain_hash {blob} NOT NULL)",
        "CREATE INDEX ix_audit_leaf_subject ON audit_leaf (subject)",
    )
    if database.engine == "sqlite":
        for kind, change in (("update", "UPDATE"), ("delete", "DELETE"), ("replace", "INSERT")):
            condition = (
                "WHEN EXISTS (SELECT 1 FROM audit_leaf WHERE leaf_index = NEW.leaf_index)"
                if kind == "replace"
                else ""
            )
            await database.execute(
                f"CREATE TRIGGER audit_leaf_no_{kind} BEFORE {change} ON audit_leaf {condition} "
                "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
            )
    else:
        await database.execute(
            "CREATE FUNCTION audit_leaf_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$",
            "CREATE TRIGGER audit_leaf_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_leaf "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_leaf_refuse()",
        )
    if version:
        await database.execute(
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
            f"INSERT INTO alembic_version VALUES ('{version}')",
        )


async def chained(database: Database, events: int) -> None:
    """Events as the hash chain of revision 0001 held them."""
    rows, chain = [], bytes(32)
    for index in range(events):
        payload = canonical({"phase": "COUNTS", "counts": index, "retentionUntil": "2036-01-01"})
        leaf = leaf_hash(payload)
        chain = hashlib.sha256(chain + leaf).digest()
        rows.append((index, None, payload, leaf, chain))
    await database.insert("audit_leaf", rows)
