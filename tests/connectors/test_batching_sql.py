"""Questions of many requests over real databases: what goes together, what it costs, whom a fault hurts."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.persons import person
from catalogue.identifiers import SubjectKey
from catalogue.model import Catalogue, DataClass
from connectors.errors import ManifestError, SourceDrift, SourceError, SourceRubbish
from connectors.guard import Guarded
from connectors.protocol import Answer, Ask
from connectors.rules import verify
from connectors.sql import SqlSource
from tests.support.databases import Database, throwaway
from tests.support.small_catalogue import PENALTY_TABLE, manifest_of, penalty_source, small_catalogue

KEYS = [SubjectKey.person(person(index).number) for index in range(300)]
NARROW, WIDE = frozenset({"documentNo"}), frozenset({"documentNo", "reason"})
SLEEPING = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
    " AND state = 'active' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()",
    "mariadb": "SELECT id FROM information_schema.processlist WHERE db = database()"
    " AND info LIKE '%sleep(%' AND id <> connection_id()",
}


@asynccontextmanager
async def source_of(
    database: Database, record: dict[str, Any] | None = None, **changes: Any
) -> AsyncIterator[Guarded]:
    manifest = manifest_of({"P-TT-01": record or penalty_source()}, **changes)
    source = SqlSource(manifest, small_catalogue(), database.url)
    try:
        yield Guarded(source, manifest, lambda: 0.0)
    finally:
        await source.close()


async def filled(database: Database, keys: list[SubjectKey] = KEYS) -> None:
    """Two rows a person."""
    await database.execute(PENALTY_TABLE)
    rows = [
        (key.value, f"罚{key.value}-{number}", f"因{key.value}", "局", "2025-01-02")
        for key in keys
        for number in (1, 2)
    ]
    await database.insert("penalty", rows)


def ask(*keys: SubjectKey, fields: frozenset[str] = NARROW, **more: Any) -> Ask:
    return Ask("P-TT-01", fields, keys, more.pop("trace", "r-1"), **more)


def holds_only(answer: Answer, asked: Ask) -> bool:
    """Whether an answer tells what was asked, wholly, and nothing else."""
    if answer.rows.keys() != set(asked.keys) or answer.rejects or answer.truncated or answer.links:
        return False
    for key, rows in answer.rows.items():
        numbers = {row.values["documentNo"] for row in rows}
        if numbers != {f"罚{key.value}-1", f"罚{key.value}-2"}:
            return False
        if any(row.values.keys() != asked.fields for row in rows):
            return False
    return True


async def test_two_grants_interleaved_by_the_thousand_get_their_own_columns_and_subjects(
    database: Database,
) -> None:
    await filled(database)
    dice = random.Random(5)
    async with source_of(database, inFlight=1000) as source:
        for _ in range(4):
            asks = [
                ask(
                    *dice.sample(KEYS, dice.choice((1, 1, 1, 3))),
                    fields=dice.choice((NARROW, WIDE)),
                    asker=str(n % 7),
                )
                for n in range(500)
            ]
            answers = await asyncio.gather(*map(source.fetch, asks))
            assert all(map(holds_only, answers, asks))


async def test_a_column_that_one_grant_denies_is_not_named_for_its_questions(database: Database) -> None:
    """Only questions of the wide grant notice that the column is gone, however they are mixed."""
    await filled(database)
    await database.execute("ALTER TABLE penalty RENAME COLUMN reason TO motive")
    async with source_of(database, inFlight=1000) as source:
        asks = [ask(KEYS[n % 300], fields=WIDE if n % 2 else NARROW) for n in range(1000)]
        said = await asyncio.gather(*map(source.fetch, asks), return_exceptions=True)
    assert all(
        isinstance(each, Answer) and holds_only(each, one)
        for each, one in zip(said[::2], asks[::2], strict=True)
    )
    assert all(isinstance(each, SourceDrift) for each in said[1::2])


async def test_a_hundred_questions_at_once_are_one_statement(database: Database) -> None:
    await filled(database)
    async with source_of(database, quotaPerHour=2, batchKeys=100) as source:
        answers = await asyncio.gather(*(source.fetch(ask(key)) for key in KEYS[:100]))
        assert all(map(holds_only, answers, [ask(key) for key in KEYS[:100]]))
        assert len({answer.batch for answer in answers}) == 1
        # the second statement of the hour; a third there is not
        assert holds_only(await source.fetch(ask(KEYS[0])), ask(KEYS[0]))
        with pytest.raises(SourceError, match="QUOTA_HOUR"):
            await source.fetch(ask(KEYS[0]))


@pytest.mark.parametrize(
    ("record", "changes"),
    [({"batching": "off"}, {}), ({}, {"batching": "off"}), ({"batching": "off"}, {"batching": "on"})],
)
async def test_where_batching_is_off_each_question_is_a_statement(
    sqlite: Database, record: dict[str, Any], changes: dict[str, Any]
) -> None:
    await filled(sqlite)
    async with source_of(sqlite, penalty_source(**record), quotaPerHour=5, **changes) as source:
        said = await asyncio.gather(*(source.fetch(ask(key)) for key in KEYS[:8]), return_exceptions=True)
    assert sum(isinstance(each, Answer) for each in said) == 5
    assert {each.batch for each in said if isinstance(each, Answer)} == {""}


async def test_restricted_types_travel_alone_unless_the_department_allows_it(sqlite: Database) -> None:
    await filled(sqlite)
    catalogue = small_catalogue()
    entry = catalogue.record_types["P-TT-01"].model_copy(update={"data_class": DataClass.RESTRICTED})
    restricted = catalogue.model_copy(update={"record_types": {**catalogue.record_types, "P-TT-01": entry}})

    def lane(catalogue: Catalogue, one: Ask, **changes: Any) -> object:
        manifest = manifest_of({"P-TT-01": penalty_source(**changes)})
        return SqlSource(manifest, catalogue, sqlite.url).lane(one)

    assert lane(catalogue, ask(KEYS[0])) == lane(catalogue, ask(KEYS[1])) is not None
    assert lane(restricted, ask(KEYS[0])) is None
    assert lane(restricted, ask(KEYS[0], follow=True)) is None
    assert lane(restricted, ask(KEYS[0], fields=frozenset(), follow=True)) is not None
    assert lane(restricted, ask(KEYS[0]), batching="on") is not None
    assert lane(restricted, ask(KEYS[0], fields=frozenset(), follow=True), batching="off") is None


def test_only_sql_sources_can_be_told_to_batch() -> None:
    manifest = manifest_of(
        {"P-TT-01": penalty_source(table=None, rest={"path": "/q"})},
        connector="rest",
        url="http://x",
        batching="on",
    )
    with pytest.raises(ManifestError, match="MANIFEST_BATCHING"):
        verify(manifest, small_catalogue())


_SEVERAL = "(SELECT o.reason FROM penalty o WHERE o.id_no <> s.id_no)"
STUMBLES = {"postgresql": _SEVERAL, "mariadb": _SEVERAL, "sqlite": "abs(-9223372036854775807 - 1)"}
"""What no engine can compute: several rows where one may be, and a number that is too large."""


async def test_a_row_that_a_view_stumbles_over_hurts_only_who_asks_for_it(database: Database) -> None:
    await filled(database, KEYS[:60])
    reason = f"CASE WHEN s.id_no = '{KEYS[7].value}' THEN {STUMBLES[database.engine]} ELSE s.reason END"
    columns = f"s.id_no, s.document_no, s.authority, s.decided, {reason} AS reason"
    query = f"SELECT {{columns}} FROM (SELECT {columns} FROM penalty s) v"
    record = penalty_source(table=None, query=query)
    async with source_of(database, record, breaker={"failures": 1}, inFlight=1000) as source:
        asks = [ask(key, fields=WIDE) for key in KEYS[:60]]
        said = await asyncio.gather(*map(source.fetch, asks), return_exceptions=True)
        assert [at for at, each in enumerate(said) if isinstance(each, Exception)] == [7]
        assert isinstance(said[7], SourceRubbish)
        assert str(said[7]) == "tt-test: STATEMENT"
        assert all(
            isinstance(each, Answer) and holds_only(each, one)
            for each, one in zip(said, asks, strict=True)
            if one is not asks[7]
        )
        # neither the statement nor its parts have opened the breaker
        assert holds_only(await source.fetch(asks[0]), asks[0])


async def test_a_shared_statement_ends_on_the_server_when_its_last_waiter_leaves(server: Database) -> None:
    await filled(server, KEYS[39:40])  # the first goes alone, and finds nothing
    slow = "pg_sleep(60)::text" if server.engine == "postgresql" else "sleep(60)"
    columns = f"id_no, document_no, {slow} AS reason, authority, decided"
    query = f"SELECT {{columns}} FROM (SELECT {columns} FROM penalty) s"
    async with source_of(server, penalty_source(table=None, query=query), deadlineMs=60_000) as source:
        tasks = [asyncio.create_task(source.fetch(ask(key, fields=WIDE))) for key in KEYS[:40]]
        await until(server, running=True)
        for each in tasks[:-1]:
            each.cancel()
        await asyncio.gather(*tasks[:-1], return_exceptions=True)
        assert len(await server.fetch(SLEEPING[server.engine])) == 1
        tasks[-1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[-1]
        await until(server, running=False)


async def until(server: Database, *, running: bool) -> None:
    async with asyncio.timeout(60):
        while bool(await server.fetch(SLEEPING[server.engine])) is not running:  # noqa: ASYNC110 -- on a server
            await asyncio.sleep(0.01)  # the server is asked again until it says so


@pytest.fixture(params=[pytest.param(name, marks=getattr(pytest.mark, name)) for name in SLEEPING])
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with throwaway(request.param, tmp_path) as found:
        yield found


async def test_a_storm_of_cancels_over_a_real_database_harms_nobody_else(database: Database) -> None:
    await filled(database)
    dice = random.Random(7)
    async with source_of(database, inFlight=1000, pool=2) as source:
        for _ in range(15):
            asks = [ask(dice.choice(KEYS), fields=dice.choice((NARROW, WIDE))) for _ in range(100)]
            tasks = [asyncio.create_task(source.fetch(one)) for one in asks]
            for _ in range(dice.randrange(40)):
                await asyncio.sleep(0)
            for each in tasks[: dice.randrange(100)]:
                each.cancel()
            said = await asyncio.gather(*tasks, return_exceptions=True)
            for each, one in zip(said, asks, strict=True):
                assert isinstance(each, asyncio.CancelledError) or holds_only(each, one)
        assert holds_only(await source.fetch(ask(KEYS[0])), ask(KEYS[0]))


async def test_row_caps_hold_for_each_subject_of_a_batch(database: Database) -> None:
    await database.execute(PENALTY_TABLE)
    rows = [(KEYS[0].value, f"罚{number}", "", "", "2025-01-02") for number in range(300)]
    await database.insert(
        "penalty", [*rows, *((key.value, f"罚{key.value}", "", "", "2025-01-02") for key in KEYS[1:20])]
    )
    async with source_of(database, rowCap=5) as source:
        first, *others = await asyncio.gather(*(source.fetch(ask(key)) for key in KEYS[:20]))
    assert (len(first.rows[KEYS[0]]), first.truncated) == (5, {KEYS[0]})
    assert all(
        len(each.rows[key]) == 1 and not each.truncated for key, each in zip(KEYS[1:20], others, strict=True)
    )


async def test_confirmations_travel_together_and_a_corrected_number_is_told_to_its_own_asker(
    database: Database,
) -> None:
    await filled(database, KEYS[:30])
    await database.execute("CREATE TABLE corrected (old_no varchar(40), new_no varchar(40))")
    await database.insert("corrected", [(KEYS[100].value, KEYS[3].value)])
    record = penalty_source(aliases=[{"table": "corrected", "former": "old_no", "current": "new_no"}])
    async with source_of(database, record, identity={"NATURAL_PERSON": "P-TT-01"}, quotaPerHour=4) as source:
        keys = [*KEYS[:30], KEYS[100]]
        answers = await asyncio.gather(
            *(source.fetch(ask(key, fields=frozenset(), follow=True)) for key in keys)
        )
    for key, answer in zip(keys, answers, strict=True):
        linked = {3: {KEYS[100]}, 30: {KEYS[3]}}.get(keys.index(key), set())
        assert answer.rows.keys() == {key, *linked}
        assert set(answer.links) == ({key} if linked else set())
    assert answers[30].links[KEYS[100]].current == KEYS[3]
    assert answers[3].links[KEYS[3]].former == (KEYS[100],)


async def test_a_subject_with_many_old_numbers_takes_nobody_s_links_away(sqlite: Database) -> None:
    await filled(sqlite, KEYS[:3])
    await sqlite.execute("CREATE TABLE corrected (old_no varchar(40), new_no varchar(40))")
    many = [(KEYS[100 + number].value, KEYS[0].value) for number in range(60)]
    await sqlite.insert("corrected", [*many, (KEYS[200].value, KEYS[1].value)])
    record = penalty_source(aliases=[{"table": "corrected", "former": "old_no", "current": "new_no"}])
    async with source_of(sqlite, record) as source:
        _, second = await asyncio.gather(
            *(source.fetch(ask(key, fields=frozenset(), follow=True)) for key in KEYS[:2])
        )
    assert second.links[KEYS[1]].former == (KEYS[200],)
