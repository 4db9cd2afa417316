"""GR-05: time heals what a person sees of themself, in `me`, in the export and in the report."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import orjson
import pytest
import pytest_asyncio
from graphql import GraphQLObjectType, build_schema

from catalogue.identifiers import SubjectKey
from tests.support.ageing.gateway import Years, ageing, lookup, sections
from tests.support.ageing.oracle import Way, profiles
from tests.support.ageing.rows import ADULT, COMPANY, LEAPLING, SUBJECTS, types_of
from tests.support.ageing.seen import Looking, days_for
from tests.support.deployment import PERSON_CLIENT

pytestmark = pytest.mark.asyncio(loop_scope="session")
ME = f"{{ me {{ person {{ {sections(types_of(ADULT))} }} }} }}"
SHIPPED = Path(__file__).parents[2] / "schema.graphql"
REPRESENTED = f"""query($of: SubjectLookup!) {{
  represented(lookup: $of) {{ ... on Enterprise {{ {sections(types_of(COMPANY))} }} }} }}"""
EXPORT = "{ me { export { jws } } }"
REPORT = '{ me { report(addressee: "样例银行住房贷款部") { jws } } }'


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def years(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Years]:
    async with ageing(tmp_path_factory.mktemp("gr05"), *profiles()) as running:
        yield running


WHOSE = [*((ADULT, one) for one in profiles()), (LEAPLING, "default")]


@pytest.mark.parametrize(("key", "locality"), WHOSE, ids=[f"{SUBJECTS[key]}-{one}" for key, one in WHOSE])
async def test_of_oneself_nothing_is_seen_too_long_nor_lost(years: Years, key: SubjectKey, locality: str):
    looking, token = Looking(years, key, Way(locality, "SELF"), PERSON_CLIENT), years.person(key)
    faults = []
    for day in days_for(key, looking.way):
        answer = await years.ask(locality, day, ME, token=token)
        assert answer.codes == ()
        faults += looking.faults(day, answer.data["me"]["person"], answer.denied)
    assert faults == []


async def test_of_the_company_that_one_represents_neither(years: Years):
    looking, token = Looking(years, COMPANY, Way("default", "SELF"), PERSON_CLIENT), years.person(ADULT)
    faults = []
    for day in days_for(COMPANY, looking.way):
        answer = await years.ask("default", day, REPRESENTED, {"of": lookup(COMPANY)}, token)
        assert answer.codes == ()
        faults += looking.faults(day, answer.data["represented"], answer.denied)
    assert faults == []


async def test_a_notice_holds_nothing_that_could_grow_old():
    notice = build_schema(SHIPPED.read_text("utf-8"), assume_valid_sdl=True).type_map["Notice"]
    assert isinstance(notice, GraphQLObjectType)
    assert set(notice.fields) == {"kind", "pointer", "at", "cursor"}


@pytest.mark.parametrize("root", [EXPORT, REPORT], ids=["export", "report"])
async def test_what_one_takes_along_holds_no_more(years: Years, root: str):
    """The longest answers there are, so on fewer days: about each end of the commonest record."""
    looking, token = Looking(years, ADULT, Way("default", "SELF"), PERSON_CLIENT), years.person(ADULT)
    faults = []
    for day in (date(2018, 5, 15), date(2020, 2, 29), date(2023, 5, 16), date(2023, 5, 17), date(2028, 1, 1)):
        await years.a_minute_passes()
        answer = await years.ask("default", day, root, token=token)
        assert answer.codes == ()
        ((signed,),) = (each.values() for each in answer.data["me"].values())
        content = orjson.loads(urlsafe_b64decode(signed.split(".")[1] + "=="))
        faults += looking.faults(day, content["person"], content["authorization"]["denied"])
    assert faults == []
