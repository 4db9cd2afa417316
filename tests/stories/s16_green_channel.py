"""S16: the green channel, closed by a penalty of last summer, opens in the moment that it is repaired."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Final

from tests.checks.conftest import Checked
from tests.stories.county import TODAY, County
from tests.stories.parties import ApprovalSystem, Person, lookup, somebody

APPLICANT: Final = "样例乙"
PENALTY: Final = {
    "ID": "story-16",
    "CF_XDR_MC": APPLICANT,
    "CF_XDR_LB": "自然人",
    "CF_XDR_ZJLX": "身份证",
    "CF_XDR_ZJHM": "990101196307080059",
    "CF_WSH": "测城管罚〔2026〕116号",
    "CF_WFXW": "占道经营",
    "CF_CFLB": "罚款",
    "CF_JDRQ": f"{TODAY - timedelta(days=120):%Y/%m/%d}",
    "CF_WFRQ": f"{TODAY - timedelta(days=150):%Y/%m/%d}",
    "CF_CFJG": "样例县城市管理局",
    "CF_CX": "普通",
    "CF_SXDJ": "一般",
    "CF_ZT": "0",
    "SJC": f"{TODAY - timedelta(days=119)} 01:00:00",
}


async def play(county: County) -> None:
    """From an ordinary “no”, which is no worse than the ordinary way, to “yes” within one request."""
    await county.enter("sgs", "t_xzcf_grr", PENALTY)
    hall = ApprovalSystem(county, "service-hall", "S16", "LSTD-2026-16{:03d}", "绿色通道资格核验")
    await hall.log_in()
    async with somebody(county, APPLICANT) as she, she.listening() as her:
        first = await hall.check(lookup(APPLICANT))
        assert await her.next("RECORDS_READ") is None
        no_is_the_ordinary_way(county, first)
        assert (await hall.report(first, "NOT_PURSUED", "按普通通道办理"))["measures"] == []
        await she_applies_for_repair(she)
        still = await hall.check(lookup(APPLICANT), first.body["caseNo"])
        assert still.truths["NO_ADVERSE_36M"] == "FALSE", "an application changes nothing yet"
        await the_office_repairs(county)
        assert await her.next("RECORDS_READ") is None
        last = await hall.check(lookup(APPLICANT), first.body["caseNo"])
        yes_says_how_far_back_it_looked(county, last)
        granted = ("GRANTED", "三十六个月内无不良记录")
        taken = (await hall.report(last, *granted, measures=["I-01"]))["measures"]
        assert [(one["measureCode"], one["state"]) for one in taken] == [("I-01", "INITIATED")]


def no_is_the_ordinary_way(county: County, first: Checked) -> None:
    """Whether, and of which type; no record, no count, and nothing that follows from it."""
    unmet = first.predicate("NO_ADVERSE_36M")
    assert (unmet["value"], unmet["recordTypes"], unmet["recordIds"]) == ("FALSE", ["P-FG-03"], [])
    assert {item["count"] for item in first.body["items"]} == {None}
    assert (first.measures, first.body["completeness"]) == ([], "COMPLETE")
    county.tell("A penalty of last summer: not the green channel, and no more is said.")


async def she_applies_for_repair(she: Person) -> None:
    """On the page of her record, with evidence."""
    form = {"text": "罚款已缴纳，已整改。", "evidence": "缴款凭证 2026-116"}
    await she.file("repair", "administration", "P-FG-03", **form)
    she.county.tell("She applies for repair, with the receipt of the fine.")


async def the_office_repairs(county: County) -> None:
    """The credit office, at the command line."""
    (case,) = json.loads(await county.command("case", "list", "--json"))
    acts = ("--operator", "op-0203", "--no-conflict-of-interest")
    await county.command("case", "decide", case["id"], "REPAIRED", "--reasons", "已履行并整改。", *acts)
    county.tell("The credit office repairs the record.")


def yes_says_how_far_back_it_looked(county: County, last: Checked) -> None:
    """A boolean, with the months that were really covered for each type."""
    clean = last.predicate("NO_ADVERSE_36M")
    covered = {one["recordType"]: one["period"] for one in clean["covered"]}
    assert (clean["value"], covered["P-FG-03"], covered["P-FY-01"]) == ("TRUE", "P36M", "P0D")
    assert [code for code, _, _ in last.measures] == ["I-01", "I-02"]
    county.tell("The next check says yes, over the 36 months that penalties are kept: priority handling.")
