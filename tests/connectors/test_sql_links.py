"""Former and linked numbers in tables of their authority: all of them, or said to be cut."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from catalogue.identifiers import SubjectKey
from connectors.protocol import Ask, Links
from connectors.sql import SqlSource
from connectors.sql.links import LINKS_PER_KEY
from tests.support.authz_parties import person
from tests.support.databases import Database
from tests.support.small_catalogue import OTHER, PERSON, manifest_of, penalty_source, small_catalogue

ME, YOU = SubjectKey.person(PERSON), SubjectKey.person(OTHER)
FORMER = "CREATE TABLE corrected (old varchar(18), new varchar(18))"
PEOPLE = "CREATE TABLE penalty (id_no varchar(18), document_no varchar(60), decided varchar(20))"
OLD = [person(number).value for number in range(2 * LINKS_PER_KEY + 2)]


@pytest.fixture
async def source(database: Database) -> AsyncIterator[SqlSource]:
    await database.execute(FORMER, PEOPLE)
    fields = {"documentNo": {"column": "document_no"}}
    aliases = [{"table": "corrected", "former": "old", "current": "new"}]
    manifest = manifest_of({"P-TT-01": penalty_source(fields=fields, aliases=aliases)})
    opened = SqlSource(manifest, small_catalogue(), database.url)
    yield opened
    await opened.close()


async def links(source: SqlSource, *keys: SubjectKey) -> dict[SubjectKey, Links]:
    return dict((await source.fetch(Ask("P-TT-01", frozenset(), keys, follow=True))).links)


async def test_as_many_as_are_read_are_all(database: Database, source: SqlSource) -> None:
    await database.insert("corrected", [(old, PERSON) for old in OLD[:LINKS_PER_KEY]])
    found = (await links(source, ME))[ME]
    assert (len(found.former), found.cut) == (LINKS_PER_KEY, False)


async def test_one_more_is_said_and_cuts_nobody_else_off(database: Database, source: SqlSource) -> None:
    await database.insert("corrected", [*((old, PERSON) for old in OLD[:-1]), (OLD[-1], OTHER)])
    found = await links(source, ME, YOU)
    assert (len(found[ME].former), found[ME].cut) == (LINKS_PER_KEY, True)
    assert found[YOU] == Links(None, (SubjectKey.person(OLD[-1]),))


async def test_among_numbers_that_were_not_read_no_correction_is_followed(
    database: Database, source: SqlSource
) -> None:
    await database.insert("corrected", [(old, PERSON) for old in OLD[: LINKS_PER_KEY + 1]])
    asked = SubjectKey.person(OLD[0])
    found = (await links(source, asked))[asked]
    assert (found.current, found.cut) == (None, True)


async def test_a_chain_longer_than_is_followed_is_cut_too(database: Database, source: SqlSource) -> None:
    chain = [PERSON, *OLD[:6]]
    await database.insert("corrected", list(zip(chain[1:], chain, strict=False)))
    assert (await links(source, ME))[ME].cut
    await database.execute(f"DELETE FROM corrected WHERE old IN ('{OLD[3]}', '{OLD[4]}', '{OLD[5]}')")
    found = (await links(source, ME))[ME]
    assert (len(found.former), found.cut) == (3, False)
