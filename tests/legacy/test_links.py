"""Corrected and linked numbers: by L1's corrections, L3's registration numbers, and in L2's rows."""

from datetime import date
from types import SimpleNamespace

import pytest

from authz.actors import ANONYMOUS
from authz.store import Store
from authz.tickets import Tickets
from catalogue.identifiers import KeyKind, SubjectKey, SubjectKind
from connectors.protocol import Ask, Links
from resolvers.context import Report
from resolvers.identity import Confirmed, Doubt, Lookup, Match, Moved, confirm, verify
from tests.legacy.asking import COMPANY, PERSON

pytestmark = pytest.mark.asyncio(loop_scope="session")
TODAY = SubjectKey.person("990101199001010094")
YESTERDAY = SubjectKey.person("990101199005160946")
WRONG = SubjectKey(KeyKind.CITIZEN_ID, "990101199005160947")  # its check digit was the mistake
SHARED = SubjectKey.person("990101196307080059")
MIGRATED = SubjectKey.entity("91990100MA9TE006XL")


async def links(source, code, key):
    answer = await source.fetch(Ask(code, frozenset(), (key,), follow=True))
    return answer.links.get(key)


def context(legacy):
    """As much of a request as a confirmation needs, over the real authorities."""
    authorities = {
        SubjectKind.NATURAL_PERSON: SimpleNamespace(source=legacy["psb"], record_type="P-GA-01"),
        SubjectKind.ENTERPRISE: SimpleNamespace(source=legacy["market"], record_type="E-SC-01"),
    }
    tickets = Tickets(Store("sqlite:///unused.db"), date.today)
    services = SimpleNamespace(identity=authorities, today=date.today, tickets=tickets)
    return SimpleNamespace(services=services, request_id="r", report=Report(), actor=ANONYMOUS)


async def confirmed(legacy, key, name=None):
    return (await confirm(context(legacy), [Lookup(key, name)]))[key]


async def test_a_chain_of_corrections_is_followed_both_ways(legacy):
    """The oldest number was wrong, so it is no valid one, and is kept as it was written."""
    assert await links(legacy["psb"], "P-GA-01", TODAY) == Links(None, (SHARED, YESTERDAY, WRONG))
    assert await links(legacy["psb"], "P-GA-01", YESTERDAY) == Links(TODAY, (WRONG,))
    assert await links(legacy["psb"], "P-GA-01", SubjectKey.person(PERSON)) is None


async def test_a_registration_number_leads_to_the_code(legacy):
    assert await links(legacy["market"], "E-SC-01", MIGRATED) == Links(numbers=("990100000000064",))
    assert await links(legacy["market"], "E-SC-01", SubjectKey.entity(COMPANY)) == Links(
        numbers=("990100000000013",)
    )


async def test_a_former_number_that_another_person_holds_today_is_not_asked_for(legacy):
    assert await confirmed(legacy, TODAY, "更号样例") == Confirmed(
        "更号样例", Links(None, (YESTERDAY, WRONG))
    )


async def test_who_asks_by_a_former_number_is_led_to_the_number_of_today(legacy):
    assert await confirmed(legacy, YESTERDAY, "更号样例") == Moved(TODAY)
    assert await confirmed(legacy, YESTERDAY, "样例乙") == Doubt(Match.NO_MATCH)
    assert await verify(context(legacy), Lookup(YESTERDAY, "更号样例")) is Match.UNSURE


async def test_of_a_shared_number_each_name_leads_to_its_own_person(legacy):
    """重号: one of the two was given another number, and the first number stays the other's."""
    assert await confirmed(legacy, SHARED, "更号样例") == Moved(TODAY)
    assert await confirmed(legacy, SHARED, "样例乙") == Doubt(Match.UNSURE)


@pytest.mark.parametrize(
    ("code", "key", "known", "case"),
    [
        ("P-FY-01", TODAY, Links(None, (YESTERDAY, WRONG)), "〔2024〕测0101执24号"),
        ("E-FY-01", MIGRATED, Links(numbers=("990100000000064",)), "〔2014〕测0101执25号"),
    ],
)
async def test_departments_are_asked_by_every_number_at_once(legacy, code, key, known, case):
    fields = frozenset({"caseNo"})
    bare = await legacy["court"].fetch(Ask(code, fields, (key,)))
    linked = await legacy["court"].fetch(Ask(code, fields, (key,), links={key: known}))
    assert bare.rows[key] == ()
    assert [row.values["caseNo"] for row in linked.rows[key]] == [case]


async def test_a_row_under_a_number_that_was_never_valid_is_rejected_and_not_lost(legacy):
    answer = await legacy["court"].fetch(
        Ask("P-FY-01", frozenset({"caseNo"}), (TODAY,), links={TODAY: Links(None, (WRONG,))})
    )
    assert answer.rows[TODAY] == ()
    told = [(reject.reason, reject.column) for reject in answer.rejects[TODAY]]
    assert told == [("CITIZEN_ID_CHECK_DIGIT", "zjhm")]


async def test_a_number_that_two_subjects_share_is_neither_s(legacy):
    firm = SubjectKey.entity(COMPANY)
    shared = Links(numbers=("990100000000064",))
    ask = Ask("E-FY-01", frozenset({"caseNo"}), (MIGRATED, firm), links={MIGRATED: shared, firm: shared})
    answer = await legacy["court"].fetch(ask)
    assert "〔2014〕测0101执25号" not in [
        row.values["caseNo"] for rows in answer.rows.values() for row in rows
    ]
