"""What the generator writes: the same county for the same seed, valid numbers, the cast at any size."""

from __future__ import annotations

import sqlite3
from datetime import date
from pathlib import Path

import pytest
import yaml

from catalogue.identifiers import SubjectKey, kind_of_uscc, normalize_citizen_id, normalize_uscc
from examples.county.generator.county import County, database_urls, generate
from examples.county.generator.departments import DEPARTMENTS
from examples.county.generator.dice import ENTITIES, PEOPLE, Dice
from examples.county.generator.entities import PUBLIC, SOCIAL, entity, head_of
from examples.county.generator.people import person
from tests.county.conftest import Written
from tests.support.county_sources import COUNTY

TODAY = date(2026, 11, 21)


def everything(folder: Path) -> dict[str, list[str]]:
    """Every row of every department, as SQL."""
    dumps = {}
    for department in DEPARTMENTS:
        opened = sqlite3.connect(folder / f"{department.NAME}.db")
        dumps[department.NAME] = list(opened.iterdump())
        opened.close()
    return dumps


async def small(folder: Path, **changes: int) -> dict[str, list[str]]:
    await generate(County(**{"persons": 60, "entities": 30, **changes}), database_urls(folder))
    return everything(folder)


async def test_the_same_seed_writes_the_same_county(tmp_path_factory: pytest.TempPathFactory) -> None:
    first = await small(tmp_path_factory.mktemp("first"), seed=7)
    assert await small(tmp_path_factory.mktemp("again"), seed=7) == first
    other = await small(tmp_path_factory.mktemp("other"), seed=8)
    assert [name for name in first if other[name] == first[name]] == []


async def test_a_second_run_replaces_the_first(tmp_path: Path) -> None:
    first = await small(tmp_path)
    await small(tmp_path, seed=8)
    assert await small(tmp_path) == first


def test_nobody_shares_a_number() -> None:
    people = [person(index, Dice(1, PEOPLE, index, TODAY)) for index in range(20_000)]
    assert len({one.citizen_id for one in people}) == len(people)
    for one in people:
        assert normalize_citizen_id(one.citizen_id) == one.citizen_id
        assert one.citizen_id[:4] == "9901"
        assert (int(one.citizen_id[16]) % 2 == 1) is one.male
    assert {one.adult for one in people} == {True, False}


def test_numbers_stay_unique_where_the_calendar_starts_over() -> None:
    far = range(5_000_000, 5_400_000, 20)
    numbers = {person(index, Dice(1, PEOPLE, index, TODAY)).citizen_id for index in far}
    near = {person(index, Dice(1, PEOPLE, index, TODAY)).citizen_id for index in range(20_000)}
    assert len(numbers) == len(far)
    assert not numbers & near


def test_entities_have_valid_codes_of_their_kind() -> None:
    found = []
    for index in range(2_000):
        dice = Dice(1, ENTITIES, index, TODAY)
        found.append(entity(index, dice, head_of(index, 50, dice)))
    assert len({one.uscc for one in found}) == len(found)
    for one in found:
        assert normalize_uscc(one.uscc) == one.uscc
        assert one.head.adult
        expected = {"5": one.form in SOCIAL, "1": one.form in PUBLIC}.get(one.uscc[0], one.market)
        assert expected, kind_of_uscc(one.uscc)


def test_the_head_of_an_entity_is_the_person_of_that_number() -> None:
    head = head_of(3, 50, Dice(1, ENTITIES, 3, TODAY))
    assert head == person(head.index, Dice(1, PEOPLE, head.index, TODAY))


async def test_the_cast_is_there_whatever_the_size(tmp_path: Path) -> None:
    await generate(County(persons=1, entities=0), database_urls(tmp_path))
    texts = "\n".join(line for dump in everything(tmp_path).values() for line in dump)
    cast = yaml.safe_load((COUNTY / "cast.yaml").read_text("utf-8"))
    for one in cast["persons"]:
        number = SubjectKey.person(one["id"]).value
        spellings = (number, number.lower(), number[:6] + number[8:17])
        assert any(spelling in texts for spelling in spellings), one["name"]
    for one in cast["entities"]:
        code = normalize_uscc(str(one["uscc"]))
        assert code in texts or code.lower() in texts, one["name"]


@pytest.mark.parametrize(
    ("department", "query"),
    [
        ("psb", "SELECT count(*) FROM T_CZRK_JBXX WHERE GMSFHM GLOB '*x'"),
        ("psb", "SELECT count(*) FROM T_CZRK_JBXX WHERE length(GMSFHM) = 18 AND GMSFHM LIKE '%   '"),
        ("psb", "SELECT count(*) FROM T_CZRK_JBXX WHERE JLBZ IS NULL"),
        ("psb", "SELECT count(*) FROM T_CZRK_JBXX WHERE XB IN ('男', '女')"),
        ("court", "SELECT count(*) FROM zx_sxbzxr WHERE zt = 9"),
        ("court", "SELECT count(*) FROM zx_sxbzxr WHERE xwqx LIKE '%，%'"),
        ("court", "SELECT count(*) FROM zx_sxbzxr WHERE zjhm LIKE '________-_'"),
        ("market", "SELECT count(*) FROM e_baseinfo WHERE regstate = 'K'"),
        ("market", "SELECT count(*) FROM e_baseinfo WHERE typeof(opscope) = 'blob'"),
        ("market", "SELECT count(*) FROM e_baseinfo WHERE regcap LIKE '%元'"),
        ("tax", "SELECT count(*) FROM nsxy WHERE length(nsrsbh) = 15"),
        ("tax", "SELECT count(*) FROM zdsx WHERE QSYE LIKE '%,%'"),
        ("housing", "SELECT count(*) FROM zyry WHERE zclb LIKE '%;%'"),
        ("sgs", "SELECT count(*) FROM t_xzcf_grr WHERE CF_XDR_SHXYM LIKE '9901______________'"),
        ("sgs", "SELECT count(*) FROM t_xzcf_grr WHERE CF_GSJZQ = '2099/12/31'"),
        ("sgs", "SELECT count(*) FROM t_xzcf_grr GROUP BY ID HAVING count(*) > 1"),
    ],
)
def test_the_defects_are_there(written: Written, department: str, query: str) -> None:
    opened = sqlite3.connect(written.folder / f"{department}.db")
    found = opened.execute(query).fetchone()
    opened.close()
    assert found
    assert found[0] > 0


def test_every_key_a_manifest_names_is_indexed(written: Written) -> None:
    for department in DEPARTMENTS:
        for table in department.metadata.sorted_tables:
            assert table.indexes, table.name
