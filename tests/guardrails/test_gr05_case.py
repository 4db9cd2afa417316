"""GR-05: time heals what an office reads in a case, and what a bank reads on a person's consent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from catalogue.identifiers import SubjectKey
from catalogue.model import FieldType
from tests.consent.conftest import GIVE, REQUEST, loan
from tests.support.ageing.gateway import BANK, OFFICE, Years, ageing, lookup, on_type, sections
from tests.support.ageing.oracle import Way, profiles
from tests.support.ageing.rows import (
    ADULT,
    BUSINESS,
    CHARITY,
    COMPANY,
    FIRST,
    INSTITUTE,
    LEAPLING,
    SUBJECTS,
    WHOLE,
    catalogue,
    flag_of,
    types_of,
)
from tests.support.ageing.seen import Looking, days_for

pytestmark = pytest.mark.asyncio(loop_scope="session")


def subject(key: SubjectKey, codes: frozenset[str]) -> str:
    selected = sections(entry for entry in types_of(key) if entry.code in codes)
    return f"""query($who: SubjectLookup!, $access: AccessContext!) {{
      subject(lookup: $who, access: $access) {{ ... on {on_type(key)} {{ {selected} }} }} }}"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def years(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Years]:
    async with ageing(tmp_path_factory.mktemp("gr05"), *profiles()) as running:
        yield running


CASES = [
    *((key, one) for key in (ADULT, COMPANY) for one in profiles()),
    *((key, "default") for key in (LEAPLING, BUSINESS, CHARITY, INSTITUTE)),
]


@pytest.mark.parametrize(("key", "locality"), CASES, ids=[f"{SUBJECTS[key]}-{one}" for key, one in CASES])
async def test_in_a_case_nothing_is_used_too_long_nor_lost(years: Years, key: SubjectKey, locality: str):
    looking, officer = Looking(years, key, Way(locality, "CHECK"), OFFICE), years.officer()
    query = subject(key, catalogue().scenarios[WHOLE].record_types)
    faults = []
    for day in days_for(key, looking.way):
        variables = {"who": lookup(key), "access": years.access(WHOLE)}
        answer = await years.ask(locality, day, query, variables, officer)
        assert answer.codes == ()
        faults += looking.faults(day, answer.data["subject"], answer.denied)
    assert faults == []


def opened(scenario: str, key: SubjectKey) -> list[dict[str, Any]]:
    """What a consent may open here: of each type a plain field, and the one that tells a breach."""
    items = []
    for one in catalogue().scenarios[scenario].relevance:
        entry = catalogue().record_types[one.record_type]
        if entry in types_of(key):
            may, flag = one.fields or tuple(entry.field_by_name), flag_of(entry)
            plain = [name for name in may if entry.field_by_name[name].type is FieldType.STRING][:1]
            named = {*(plain or may[:1]), *([flag.name] if flag and flag.name in may else [])}
            items.append({"recordType": entry.code, "fields": sorted(named), "level": "MASKED"})
    return items


async def agreed(years: Years, key: SubjectKey, scenario: str, reason: str, mode: str) -> dict[str, Any]:
    """The basis of a bank's reads, as one use of a consent that the person gave, for the company too."""
    terms = {"scenario": scenario, "reason": reason, "mode": mode, "items": opened(scenario, key)}
    wanted = loan(**terms) | {"subject": lookup(key)}
    bank = years.deployment.token(BANK)
    asked = (await years.ask("default", FIRST, REQUEST, {"input": wanted}, bank)).data["requestConsent"]
    agreement = {
        "id": asked["id"],
        "confirmations": asked["confirmationsNeeded"],
        "noticeSha256": asked["notice"]["sha256"],
    }
    given = await years.ask("default", FIRST, GIVE, {"input": agreement}, years.person(ADULT))
    assert given.data["giveConsent"]["state"] == "ACTIVE"
    basis = {"consentId": asked["id"], "scenario": scenario, "caseNo": wanted["caseNo"], "purpose": "审查"}
    return basis | {"idempotencyKey": f"the-one-use-of-{asked['id']}"[:40]}


@pytest.mark.parametrize(
    ("key", "scenario", "reason", "mode"),
    [
        (ADULT, "S17", "LOAN_APPROVAL", "CHECK"),
        (ADULT, "S18", "EMPLOYMENT", "REPORT"),
        (COMPANY, "S17", "LOAN_APPROVAL", "CHECK"),
    ],
    ids=["loan", "employment", "loan of a company"],
)
async def test_on_consent_nothing_is_used_too_long_nor_lost(
    years: Years, key: SubjectKey, scenario: str, reason: str, mode: str
):
    basis = await agreed(years, key, scenario, reason, mode)
    token = years.deployment.token(BANK, consent_id=basis["consentId"])
    codes = frozenset(item["recordType"] for item in opened(scenario, key))
    query = subject(key, codes)
    looking = Looking(years, key, Way("default", mode), BANK)
    faults = []
    for day in days_for(key, looking.way, codes):
        answer = await years.ask("default", day, query, {"who": lookup(key), "access": basis}, token)
        assert answer.codes == ()
        faults += looking.faults(day, answer.data["subject"], answer.denied)
    assert faults == []
