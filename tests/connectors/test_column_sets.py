"""Few sets of columns for each record type, however many ways there are to ask (ruling 12)."""

from __future__ import annotations

from itertools import combinations

import pytest

from catalogue.identifiers import SubjectKey
from connectors.guard import guarded
from connectors.protocol import Ask
from connectors.sql import SqlSource
from connectors.sql.column_sets import COLUMN_SETS, REST, ColumnSets
from tests.support.databases import Database
from tests.support.small_catalogue import PENALTY_TABLE, PERSON, manifest_of, penalty_source, small_catalogue

ALL = frozenset(f"f{number}" for number in range(20))
SETS = [frozenset({f"f{number}"}) for number in range(20)]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_beyond_sixteen_sets_all_is_asked_that_the_grant_permits_and_nothing_else() -> None:
    sets = ColumnSets(Clock())
    for each in SETS[:COLUMN_SETS] * 2:
        assert sets.settled(each, ALL) == each
    assert sets.settled(SETS[16], ALL) == ALL
    assert sets.settled(SETS[17], frozenset({"f1"})) == {"f17", "f1"}
    assert sets.settled(SETS[0], ALL) == SETS[0]


def test_a_set_that_nobody_asks_for_any_more_gives_way() -> None:
    clock = Clock()
    sets = ColumnSets(clock)
    for each in SETS[:COLUMN_SETS]:
        sets.settled(each, ALL)
    clock.now = REST - 1
    assert sets.settled(SETS[0], ALL) == SETS[0]
    clock.now = REST
    assert sets.settled(SETS[16], ALL) == SETS[16]
    assert sets.settled(SETS[0], ALL) == SETS[0]
    # the second was the one unused the longest
    clock.now = 2 * REST - 1
    assert sets.settled(SETS[1], ALL) == SETS[1]


@pytest.mark.postgresql
async def test_a_client_that_asks_for_every_subset_has_few_statements_prepared(
    postgresql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.sql.column_sets.COLUMN_SETS", 4)
    await postgresql.execute(PENALTY_TABLE.replace("decided", "acts text, decided"))
    fields = {
        "documentNo": {"column": "document_no"},
        "reason": {"column": "reason"},
        "authority": {"column": "authority"},
        "behaviours": {"column": "acts", "decode": [{"split": ","}]},
    }
    subsets = [frozenset(chosen) for size in range(5) for chosen in combinations(fields, size)]
    manifest = manifest_of({"P-TT-01": penalty_source(fields=fields)}, pool=1)
    behind = SqlSource(manifest, small_catalogue(), postgresql.url)
    source, key = guarded(behind, manifest), SubjectKey.person(PERSON)
    for names in subsets:
        await source.fetch(Ask("P-TT-01", names, (key,), "t", permitted=frozenset(fields)))
    prepared = "SELECT count(*) FROM pg_prepared_statements WHERE parameter_types <> '{}'"
    (kept,) = await behind._pool.fetch(prepared, ())
    await source.close()
    assert (len(subsets), kept[0]) == (16, 5)
