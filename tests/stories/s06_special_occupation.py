"""S06: a post with children, a department that is down, and a ban of the statute that is wrong."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Final

from tests.checks.conftest import Checked
from tests.stories.county import TODAY, County
from tests.stories.parties import ApprovalSystem, Inbox, Person, lookup, somebody

TEACHER: Final = "买买提·样例"
GRANTED: Final = ("GRANTED", "经查询，无法定禁止情形")
BAN: Final = {
    "CXBH": "MCN-STORY-1",
    "SFZH": "990101199209011053",
    "XM": TEACHER,
    "YRDW_TYDM": "12990100MB9TE0026G",
    "GWLB": "1",
    "CXJG": "2",
    "YXQZ": f"{TODAY + timedelta(days=300)}",
    "CXRQ": f"{TODAY - timedelta(days=20)}",
    "NDFC": "是",
    "CJJG": "样例县公安局",
    "ZT": "0",
    "GXSJ": f"{TODAY - timedelta(days=20):%Y%m%d}103000",
}
"""What the police hold of him, by mistake."""


async def play(county: County) -> None:
    """From a check that is not whole to a ban that stays, verified by humans, until the police correct it."""
    await county.enter("psb", "T_MCN_RZCX", BAN)
    school = ApprovalSystem(county, "education-approval", "S06", "JSRZ-2026-{:04d}", "教职员工入职查询")
    await school.log_in()
    async with somebody(county, TEACHER) as he, he.listening() as his, school.listening() as its:
        first = await a_department_is_down(county, school)
        assert await his.next("RECORDS_READ") is None
        await somebody_asks_by_telephone(school, first)
        await he_objects_and_the_ban_stays(school, he, first)
        await the_police_correct(county, its, first)
        last = await school.check(lookup(TEACHER), first.body["caseNo"])
        assert (last.truths["NO_CHILD_CONTACT_BAN"], last.measures) == ("TRUE", [])
        assert (await school.report(last, *GRANTED))["overridden"] == []
        county.tell("The same check is clear now, and he may take the post.")


async def a_department_is_down(county: County, school: ApprovalSystem) -> Checked:
    """What it did not answer is unknown, and nothing is concluded from that."""
    async with county.down("sgs", "t_xzcf_grr"):
        first = await school.check(lookup(TEACHER))
    assert (first.results["P-FG-03"], first.truths["NO_SERIOUS_PENALTY"]) == ("UNKNOWN", "UNKNOWN")
    assert (first.body["completeness"], first.body["manualCheckRequired"]) == ("INCOMPLETE", True)
    assert first.results["P-GA-03"] == "PRESENT"
    assert first.measures == [("R-02", "NO_CHILD_CONTACT_BAN", False)]
    assert (await school.report(first, *GRANTED))["code"] == "OUTCOME_INCOMPLETE"
    county.tell("Penalties cannot be asked: the check is incomplete, and nobody may conclude anything yet.")
    return first


async def somebody_asks_by_telephone(school: ApprovalSystem, first: Checked) -> None:
    """And says so; what they found stays with them."""
    (task,) = first.body["tasks"]
    assert (task["recordType"], bool(task["contact"])) == ("P-FG-03", True)
    assert (await school.by_hand(first, "P-FG-03"))["outstanding"] == []
    assert (await school.by_hand(first, "P-FG-03"))["code"] == "MANUAL_CHECK_DONE"
    school.county.tell(f"Somebody calls {task['departmentName']} and records that they did.")


async def he_objects_and_the_ban_stays(school: ApprovalSystem, he: Person, first: Checked) -> None:
    """An objection suspends what is discretionary; what a statute forbids goes to a human (ruling 29)."""
    form = {"reason": "FACT_WRONG", "text": "本人从无此类记录。"}
    await he.file("objection", "publicSecurity", "P-GA-03", **form)
    disputed = await school.check(lookup(TEACHER), first.body["caseNo"])
    assert disputed.results["P-GA-03"] == "DISPUTED"
    assert disputed.truths["NO_CHILD_CONTACT_BAN"] == "UNKNOWN"
    assert disputed.measures == [("R-02", "NO_CHILD_CONTACT_BAN", True)]
    school.county.tell("He objects. The ban of the statute stays, for a human to verify.")


async def the_police_correct(county: County, its: Inbox, first: Checked) -> None:
    """In their own system; then the steward says so, and whoever read it is told."""
    await county.departments["psb"].execute(
        f"""UPDATE "T_MCN_RZCX" SET "CXJG" = '1' WHERE "CXBH" = '{BAN["CXBH"]}'"""
    )
    (case,) = json.loads(await county.command("case", "list", "--department", "GA", "--json"))
    acts = ("--department", "GA", "--operator", "op-0202", "--no-conflict-of-interest")
    amended = ("CORRECTED", "--remedy", "AMENDED", "--reasons", "系同名误录，已更正。")
    await county.command("case", "decide", case["id"], *amended, *acts)
    (read,) = first.item("P-GA-03")["records"]
    assert await its.next("RECORD_CORRECTED") == read["recordId"]
    county.tell("The police put their own row right, and the school authority is told.")
