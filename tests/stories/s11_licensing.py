"""S11: a licence for a food trade, its professional is banned, objects, and the ban is upheld."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.checks.conftest import Checked
from tests.stories.county import County
from tests.stories.parties import DAY, ApprovalSystem, Person, lookup, somebody

APPLICANT: Final = "测试农民专业合作社"
REPRESENTATIVE, PROFESSIONAL = "欧阳样例", "异议样例"
RELATED: Final = [
    {"role": "LEGAL_REPRESENTATIVE", **lookup(REPRESENTATIVE)},
    {"role": "PROFESSIONAL", **lookup(PROFESSIONAL)},
]


async def play(county: County) -> None:
    """From a check of an applicant with its persons to a measure that goes its whole way."""
    hall = ApprovalSystem(county, "service-hall", "S11", "XZXK-2026-{:05d}", "食品经营许可审批")
    await hall.log_in()
    async with somebody(county, PROFESSIONAL) as he, he.listening() as his, hall.listening() as its:
        first = await the_applicant_and_its_persons(hall)
        assert await his.next("RECORDS_READ") is None
        measure = await the_hall_declines(hall, first)
        await he_objects(hall, he, first, measure)
        assert await its.next("MEASURE_MOVED") == measure
        await the_steward_upholds(county)
        assert await he.measures() == {"R-01": "NOTIFIED"}, "the objection came to nothing"
        for state in ("RESPONDED", "EXECUTED"):
            assert await hall.step(first, measure, state) == state
        assert await hall.step(first, measure, "FED_BACK", executed=True) == "FED_BACK"
        assert await hall.step(first, measure, "CLOSED") == "CLOSED"
        assert await he.measures() == {"R-01": "CLOSED"}
        county.tell("The measure goes on from where it stood, step by step, each by a named officer.")


def of_professional(checked: Checked) -> Any:
    """What the check says of the professional alone."""
    (found,) = [one for one in checked.body["related"] if one["role"] == "PROFESSIONAL"]
    return found


async def the_applicant_and_its_persons(hall: ApprovalSystem) -> Checked:
    """Each confirmed, each with their own results; who was not named is not asked about."""
    first = await hall.check(lookup(APPLICANT), related=RELATED)
    assert (first.results["E-SC-01"], first.truths["REGISTERED"]) == ("PRESENT", "TRUE")
    assert first.results["E-XF-01"] == "NOT_PERMITTED"
    found = of_professional(first)
    assert {one["recordType"]: one["result"] for one in found["items"]}["P-YP-01"] == "PRESENT"
    assert {one["code"]: one["value"] for one in found["predicates"]}["NO_FOOD_DRUG_BAN"] == "FALSE"
    assert [one["measure"]["code"] for one in found["measures"]] == ["R-01"]
    hall.county.tell("The applicant is registered; its professional is banned from the trade for five years.")
    return first


async def the_hall_declines(hall: ApprovalSystem, first: Checked) -> str:
    """By a named officer, after notice and a hearing; the measure."""
    heard = {"measures": ["R-01"], "noticedOn": DAY, "hearing": "HELD"}
    told = await hall.report(first, "DECLINED", "从业人员被禁止从事食品药品行业", **heard)
    (measure,) = told["measures"]
    assert await hall.step(first, measure["id"], "NOTIFIED") == "NOTIFIED"
    hall.county.tell("After notice and a hearing a named officer declines, by the measure of the law.")
    return str(measure["id"])


async def he_objects(hall: ApprovalSystem, he: Person, first: Checked, measure: str) -> None:
    """Though he is not the applicant: the measure rests on his record."""
    assert await he.measures() == {"R-01": "NOTIFIED"}
    await he.file("objection", "qualifications", "P-YP-01", reason="OUT_OF_TIME", text="禁止期限已满。")
    assert await he.measures() == {"R-01": "SUSPENDED"}
    assert await hall.step(first, measure, "RESPONDED") == "MEASURE_STEP"
    again = await hall.check(lookup(APPLICANT), first.body["caseNo"], related=RELATED)
    found = of_professional(again)
    assert {one["recordType"]: one["result"] for one in found["items"]}["P-YP-01"] == "DISPUTED"
    assert {one["code"]: one["value"] for one in found["predicates"]}["NO_FOOD_DRUG_BAN"] == "TRUE"
    assert found["measures"] == []
    hall.county.tell("He objects, and the measure against the applicant waits.")


async def the_steward_upholds(county: County) -> None:
    """The market bureau looks into its own register: the ban runs until 2030."""
    (case,) = json.loads(await county.command("case", "list", "--department", "SC", "--json"))
    acts = ("--department", "SC", "--operator", "op-0204", "--no-conflict-of-interest")
    upheld = ("UPHELD", "--reasons", "经核查，禁止期限至二〇三〇年五月，记录无误。")
    await county.command("case", "decide", case["id"], *upheld, *acts)
    county.tell("The market bureau upholds the record, with reasons.")
