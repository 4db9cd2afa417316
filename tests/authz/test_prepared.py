"""Statements handed to SQLite's driver as they are: the same rows as by SQLAlchemy, and its errors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Date,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    create_engine,
    insert,
    select,
)
from sqlalchemy.exc import SQLAlchemyError

from authz.given import given
from authz.prepared import Prepared
from authz.store import Store

metadata = MetaData()
thing = Table(
    "thing",
    metadata,
    Column("name", String(8), primary_key=True),
    Column("day", Date),
    Column("raw", LargeBinary),
    Column("number", Integer),
)
ROWS = [
    {"name": "a", "day": date(2026, 2, 1), "raw": b"\0x", "number": 1},
    {"name": "b", "day": None, "raw": None, "number": None},
]
SOME = select(thing).where(thing.c.name.in_(given("names")), thing.c.name < bindparam("end")).order_by("name")


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.begin() as found:
        metadata.create_all(found)
        yield found
    engine.dispose()


def test_rows_are_those_of_sqlalchemy_with_their_types(connection: Connection) -> None:
    Prepared(insert(thing)).run(connection, ROWS)
    asked = {"names": [("a",), ("b",), ("z",)], "end": "c"}
    found = Prepared(SOME).all(connection, **asked)
    assert [row._asdict() for row in found] == ROWS
    assert [tuple(row) for row in found] == [tuple(row) for row in connection.execute(SOME, asked)]


async def test_a_fault_of_the_driver_is_one_of_the_store(tmp_path: Path) -> None:
    async with Store(f"sqlite:///{tmp_path}/store.db") as store:
        await store.prepare()
        with pytest.raises(Exception, match="thing") as caught:
            await store.write(lambda connection: Prepared(insert(thing)).run(connection, ROWS))
    assert isinstance(caught.value, SQLAlchemyError)
