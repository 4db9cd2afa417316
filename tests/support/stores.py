"""A store that is set up, as a process of the gateway has it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from authz.store import Store
from tests.support.databases import Database


@asynccontextmanager
async def stored(database: Database) -> AsyncIterator[Store]:
    """The store in a database, with its tables."""
    async with Store(database.url) as store:
        await store.prepare()
        yield store
