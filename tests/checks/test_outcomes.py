"""Five scenarios played through HTTP: what is found of a record type, and what never is."""

from __future__ import annotations

import pytest

from tests.checks.conftest import Office

pytestmark = pytest.mark.asyncio(loop_scope="session")

# scenario, about, record type, result, why
FOUND = [
    ("S04", "测试甲", "P-FY-01", "PRESENT", "a debtor on the court's list"),
    ("S04", "样例乙", "P-FY-01", "NONE", "only the court's own test row"),
    ("S04", "异议样例", "P-FY-01", "DISPUTED", "under objection"),
    ("S04", "往事样例", "P-FY-01", "NONE", "expired"),
    ("S04", "修复样例", "P-FY-01", "NONE", "repaired"),
    ("S04", "测试甲", "P-RW-01", "NOT_PERMITTED", "the mandate does not name it"),
    ("S06", "测试甲", "P-FG-03", "PRESENT", "a penalty"),
    ("S06", "异议样例", "P-FG-03", "DISPUTED", "under objection"),
    ("S06", "往事样例", "P-FG-03", "NONE", "expired"),
    ("S06", "样例丙", "P-FG-03", "NONE", "under 18 at the act"),
    ("S06", "测试甲", "P-GA-02", "NOT_PERMITTED", "not for posts with children"),
    ("S11", "测试有限公司", "E-FG-03", "PRESENT", "a penalty"),
    ("S11", "往事有限公司", "E-FG-03", "NONE", "expired or annulled"),
    ("S11", "测试有限公司", "E-XF-01", "NOT_PERMITTED", "the mandate does not name it"),
    ("S11", "异议样例", "P-FG-03", "DISPUTED", "a personal applicant's penalty under objection"),
    ("S11", "样例丙", "P-FG-03", "NONE", "under 18 at the act"),
    ("S16", "测试甲", "P-GA-02", "PRESENT", "a traffic violation"),
    ("S16", "样例乙", "P-GA-02", "NONE", "nothing"),
    ("S16", "异议样例", "P-GA-02", "DISPUTED", "under objection"),
    ("S16", "往事样例", "P-FG-03", "NONE", "past its retention too"),
    ("S16", "样例丙", "P-FG-03", "NONE", "under 18 at the act"),
    ("S16", "测试甲", "P-MZ-02", "NOT_PERMITTED", "volunteering needs consent"),
]


@pytest.mark.parametrize(("scenario", "about", "code", "result", "why"), FOUND)
async def test_what_is_found(office: Office, scenario: str, about: str, code: str, result: str, why: str):
    checked = await office.check(scenario, about)
    assert checked.results[code] == result, why


@pytest.mark.parametrize(
    ("about", "result"),
    [("测试甲", "PRESENT"), ("样例乙", "NONE"), ("异议样例", "DISPUTED"), ("往事样例", "NONE")],
)
async def test_a_bank_finds_what_the_person_opened_and_nothing_else(office: Office, about: str, result: str):
    checked = await office.on_consent(about)
    opened = {"P-FY-01": result, "P-SW-01": checked.results["P-SW-01"]}
    closed = dict.fromkeys(("E-RS-01", "P-FY-02", "P-JY-03", "P-RH-01"), "NOT_PERMITTED")
    assert checked.results == opened | closed
    assert checked.body["scenario"] == "S17"
    # of P-SW-01 the person showed only whether there is a record
    presence = checked.item("P-SW-01")
    assert (presence["count"], presence["recordIds"], presence["records"]) == (None, [], None)
    if about == "测试甲":
        assert checked.measures == [("R-12", "NOT_LISTED_DEBTOR", False)]
        assert checked.body["measures"][0]["obligation"] == "OPTIONAL"
    else:
        assert checked.measures == []


async def test_a_pointer_says_where_the_person_gets_the_report_and_no_source_is_asked(office: Office):
    pointer = (await office.on_consent("样例乙")).item("P-RH-01")
    assert (pointer["result"], pointer["reason"], pointer["count"]) == ("NOT_PERMITTED", "POINTER", None)
    assert [record["__typename"] for record in pointer["records"]] == ["BankCreditReportPointer"]


async def test_a_minor_record_never_counts_and_does_not_leave(office: Office):
    with office.penalty("样例乙", CF_SXDJ="轻微", CF_JDRQ="2026/11/01"):
        for scenario in ("S06", "S11", "S16"):
            assert (await office.check(scenario, "样例乙")).results["P-FG-03"] == "NONE", scenario
    with office.penalty("样例乙", CF_SXDJ="一般", CF_JDRQ="2026/11/01"):
        for scenario in ("S06", "S11", "S16"):
            assert (await office.check(scenario, "样例乙")).results["P-FG-03"] == "PRESENT", scenario


async def test_the_green_channel_looks_back_on_the_retention_clock_and_licensing_does_not(office: Office):
    """GENERAL is published one year; the green channel asks about 36 months (ruling 30)."""
    with office.penalty("样例乙", CF_JDRQ="2024/06/01", CF_WFRQ="2024/05/01"):
        green, licence = await office.check("S16", "样例乙"), await office.check("S11", "样例乙")
    assert (green.results["P-FG-03"], licence.results["P-FG-03"]) == ("PRESENT", "NONE")
    assert (green.truths["NO_ADVERSE_36M"], green.measures) == ("FALSE", [])
    with office.penalty("样例乙", CF_JDRQ="2023/06/01", CF_WFRQ="2023/05/01"):
        older = await office.check("S16", "样例乙")
    assert older.truths["NO_ADVERSE_36M"] == "TRUE"
    assert older.measures == [("I-01", "NO_ADVERSE_36M", False), ("I-02", "NO_ADVERSE_36M", False)]


async def test_the_green_channel_tells_presence_and_how_far_back_it_reaches(office: Office):
    checked = await office.check("S16", "测试甲")
    assert {item["count"] for item in checked.body["items"]} == {None}
    assert not any(item["records"] or item["recordIds"] for item in checked.body["items"])
    unmet = checked.predicate("NO_ADVERSE_36M")
    assert (unmet["value"], unmet["recordIds"]) == ("FALSE", [])
    assert "P-GA-02" in unmet["recordTypes"]
    covered = {one["recordType"]: one["period"] for one in unmet["covered"]}
    assert covered["P-FG-03"] == "P36M"
    assert covered["P-FY-01"] == "P0D"  # a list knows only what stands on it today
    young = (await office.check("S16", "成年样例")).predicate("NO_ADVERSE_36M")
    assert {one["recordType"]: one["period"] for one in young["covered"]}["P-FG-03"] == "P17M"


async def test_a_statutory_statement_that_nobody_made_is_not_a_clearance(office: Office):
    cleared, unasked = await office.check("S06", "测试甲"), await office.check("S06", "样例乙")
    assert cleared.truths["NO_CHILD_CONTACT_BAN"] == "TRUE"
    assert unasked.results["P-GA-03"] == "NONE"
    assert unasked.predicate("NO_CHILD_CONTACT_BAN")["reasons"] == ["VALUE_UNKNOWN"]
    assert unasked.truths["NO_CHILD_CONTACT_BAN"] == "UNKNOWN"


@pytest.mark.parametrize(
    ("answer", "truth", "measures"),
    [
        ("1", "TRUE", []),
        ("2", "FALSE", [("R-02", "NO_CHILD_CONTACT_BAN", False)]),
        ("3", "UNKNOWN", []),
    ],
)
async def test_the_statute_s_ban_follows_from_its_own_words_alone(
    office: Office, answer: str, truth: str, measures: list[tuple[str, str, bool]]
):
    with office.writing("psb") as psb:
        psb.execute("UPDATE T_MCN_RZCX SET CXJG = ? WHERE CXBH = 'MCN202608200001'", (answer,))
    checked = await office.check("S06", "测试甲")
    with office.writing("psb") as psb:
        psb.execute("UPDATE T_MCN_RZCX SET CXJG = '1' WHERE CXBH = 'MCN202608200001'")
    assert (checked.truths["NO_CHILD_CONTACT_BAN"], checked.measures) == (truth, measures)


async def test_measures_name_the_law_that_attaches_them(office: Office):
    checked = await office.check("S04", "测试甲")
    (measure,) = checked.body["measures"]
    assert measure == {
        "measure": {"code": "R-02"},
        "predicate": "NOT_LISTED_DEBTOR",
        "obligation": "MANDATORY",
        "basis": ["公务员法第26条第4项"],
        "humanVerification": False,
    }


async def test_a_disputed_record_attaches_nothing(office: Office):
    checked = await office.check("S04", "异议样例")
    listed = checked.predicate("NOT_LISTED_DEBTOR")
    assert (listed["value"], listed["reasons"]) == ("TRUE", ["NO_RECORD", "DISPUTED_NOT_COUNTED"])
    assert checked.measures == []
    (shown,) = checked.item("P-FY-01")["records"]
    assert shown["status"] == "DISPUTED"


async def test_a_court_s_order_stays_under_objection_and_a_person_verifies_it(office: Office):
    """Ruling 29."""
    with office.writing("court") as court:
        before = court.execute("SELECT rowid, zt FROM zx_xgl").fetchall()
        court.execute("UPDATE zx_xgl SET zt = '4' WHERE zt = '1'")
    checked = await office.check("S20", "测试甲")
    with office.writing("court") as court:
        court.executemany("UPDATE zx_xgl SET zt = ? WHERE rowid = ?", [(zt, row) for row, zt in before])
    assert checked.results == {"P-FY-02": "DISPUTED"}
    assert checked.truths["NO_CONSUMPTION_ORDER"] == "UNKNOWN"
    assert ("R-03", "NO_CONSUMPTION_ORDER", True) in checked.measures
    undisputed = await office.check("S20", "测试甲")
    assert ("R-03", "NO_CONSUMPTION_ORDER", False) in undisputed.measures


async def test_records_leave_as_the_grant_permits_and_no_further(office: Office):
    checked = await office.check("S04", "测试甲")
    (debt,) = [one for one in checked.item("P-FY-01")["records"] if one["status"] == "ACTIVE"]
    assert debt["caseNo"]
    assert debt["citizenId"] is None
    denied = checked.reply.body["extensions"]["authorization"]["denied"]
    assert "mustCheck.items.records.citizenId" in denied
    court = next(each for each in checked.reply.questions if each.record_type == "P-FY-01")
    assert "obligation" not in court.fields


async def test_nothing_is_read_of_records_that_nobody_selects(office: Office):
    query = """mutation C($lookup: SubjectLookup!, $access: AccessContext!) {
      mustCheck(lookup: $lookup, access: $access) { items { recordType result } receipt { jws } } }"""
    checked = await office.check("S04", "测试甲", query)
    asked = next(each for each in checked.reply.questions if each.record_type == "P-FY-01")
    assert "caseNo" not in asked.fields
    assert checked.results["P-FY-01"] == "PRESENT"
