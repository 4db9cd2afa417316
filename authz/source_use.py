"""How often sources were asked, by the minute: what keeps the processes of a gateway within one quota.

No department and no person is named in it, and a minute is forgotten after an hour.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Integer, String, Table, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.store import Store, metadata

_MINUTES: Final = 60

source_use: Final = Table(
    "source_use",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("minute", BigInteger, primary_key=True, autoincrement=False),
    Column("taken", Integer, nullable=False),
)
_of: Final = source_use.c


class SourceUse:
    """The count that all processes share; implements `connectors.quota.Counter`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def lease(
        self, source: str, minute: int, limit: int, wanted: int, unused: tuple[int, int]
    ) -> int | None:
        """Count what is free of `wanted` in the hour up to `minute`; None where the store does not answer."""
        since, back = unused
        here = _of.source == source
        used = update(source_use).where(here, _of.minute == since).values(taken=_of.taken - back)
        try:
            async with self._store.writing() as connection:
                await connection.execute(used)
                await connection.execute(delete(source_use).where(here, _of.minute < minute - _MINUTES))
                taken = await connection.scalar(select(func.sum(_of.taken)).where(here))
                granted = max(0, min(wanted, limit - (taken or 0)))
                await _count(connection, source, minute, granted)
        except (SQLAlchemyError, OSError):
            return None
        return granted


async def _count(connection: AsyncConnection, source: str, minute: int, granted: int) -> None:
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(source_use).values(source=source, minute=minute, taken=granted)
    more = _of.taken + insert.excluded.taken
    await connection.execute(
        insert.on_conflict_do_update(index_elements=["source", "minute"], set_={"taken": more})
    )
