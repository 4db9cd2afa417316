"""S04: two hundred candidates, one of them listed by the court for a debt that was paid."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar

from tests.checks.conftest import Checked
from tests.stories.county import County, residents
from tests.stories.parties import DAY, ApprovalSystem, Inbox, Person, holds_offline, lookup, somebody

CANDIDATE: Final = "更号样例"
CANDIDATES: Final = 200
AT_ONCE: Final = 8
GRANTED: Final = ("GRANTED", "资格条件符合，无法定禁止情形")
T, R = TypeVar("T"), TypeVar("R")


async def play(county: County) -> None:
    """From two hundred checks to the correction of one record, of which whoever read it is told."""
    bureau = ApprovalSystem(county, "hr-approval", "S04", "RSKS-2026-{:04d}", "公务员招录资格审查")
    await bureau.log_in()
    async with somebody(county, CANDIDATE) as she, she.listening() as her, bureau.listening() as its:
        *others, first = await everybody_is_checked(county, bureau)
        await she_sees_who_looked(she, her)
        await the_others_are_admitted(bureau, others)
        measure = await the_bureau_intends_to_decline(bureau, first)
        assert [await her.next("MEASURE_MOVED") for _ in range(2)] == [measure] * 2
        await she_objects(she, her, its, measure)
        await the_record_counts_no_longer(county, bureau, first, measure)
        await the_court_corrects(county)
        (read,) = first.item("P-FY-01")["records"]
        assert await its.next("RECORD_CORRECTED") == read["recordId"], "by its own reference"
        county.tell("The bureau is told that what it read has been corrected.")
        await the_bureau_admits_her(county, bureau, she, first, measure)


async def everybody_is_checked(county: County, bureau: ApprovalSystem) -> list[Checked]:
    """The answers, hers the last; each with a receipt that holds for it and for nothing else."""
    others = [{"person": {"citizenId": key, "name": name}} for key, name in residents(CANDIDATES - 1)]
    found = await together(bureau.check, [*others, lookup(CANDIDATE)])
    assert len({one.body["checkId"] for one in found}) == CANDIDATES
    keys = await county.published("receipt-jwks.json")
    assert all(holds_offline(one, keys) for one in found)
    assert not holds_offline(found[0], keys, answer=found[1])
    assert (found[-1].results["P-FY-01"], found[-1].truths["NOT_LISTED_DEBTOR"]) == ("PRESENT", "FALSE")
    assert found[-1].measures == [("R-02", "NOT_LISTED_DEBTOR", False)]
    county.tell(f"{CANDIDATES} candidates are checked; {CANDIDATES} receipts hold offline. One is listed.")
    return found


async def she_sees_who_looked(she: Person, her: Inbox) -> None:
    """At once in the app, and in words on the page."""
    assert await her.next("RECORDS_READ") is None
    seen = await she.get("/looked")
    for word in ("样例县人力资源和社会保障局", "公务员招录资格审查", "失信被执行人信息"):
        assert word in seen.words
    assert "op-0087" not in seen.words
    she.county.tell("She is told at once, and reads who looked at what, and for what.")


async def the_others_are_admitted(bureau: ApprovalSystem, others: list[Checked]) -> None:
    """By somebody with a name; a check that is not whole is made whole by hand first."""

    async def admitted(checked: Checked) -> list[str]:
        unknown = [task["recordType"] for task in checked.body["tasks"]]
        assert bool(unknown) is checked.body["manualCheckRequired"]
        if unknown:
            assert (await bureau.report(checked, *GRANTED))["code"] == "OUTCOME_INCOMPLETE"
        for code in unknown:
            await bureau.by_hand(checked, code)
        assert (await bureau.report(checked, *GRANTED))["overridden"] == unknown
        return unknown

    open_ = [unknown for unknown in await together(admitted, others) if unknown]
    assert open_, "some rows of the departments cannot be read, as ever"
    bureau.county.tell(f"{len(others)} are admitted, {len(open_)} of them after a call to the court.")


async def the_bureau_intends_to_decline(bureau: ApprovalSystem, first: Checked) -> str:
    """Nothing without prior notice and a hearing; the measure."""
    said = ("DECLINED", "被列为失信被执行人，依法不得录用")
    assert (await bureau.report(first, *said, measures=["R-02"]))["code"] == "OUTCOME_NOTICE"
    noticed = {"measures": ["R-02"], "noticedOn": DAY, "hearing": "OFFERED"}
    (measure,) = (await bureau.report(first, *said, **noticed))["measures"]
    assert measure["state"] == "INITIATED"
    assert await bureau.step(first, measure["id"], "NOTIFIED") == "NOTIFIED"
    bureau.county.tell("The bureau tells her that it intends to decline, and offers to hear her.")
    return str(measure["id"])


async def she_objects(she: Person, her: Inbox, its: Inbox, measure: str) -> None:
    """In two clicks, and the measure is suspended in the same moment."""
    listed = await she.file("objection", "judicial", "P-FY-01", reason="FACT_WRONG", text="款项已经付清。")
    assert "处理期间" in listed.words
    assert await she.measures() == {"R-02": "SUSPENDED"}
    assert [await each.next("MEASURE_MOVED") for each in (her, its)] == [measure] * 2
    she.county.tell("She objects in two clicks. The measure is suspended, and both sides are told.")


async def the_record_counts_no_longer(
    county: County, bureau: ApprovalSystem, first: Checked, measure: str
) -> None:
    """For nobody: not for who took the measure, and not for another authority."""
    assert await bureau.step(first, measure, "RESPONDED") == "MEASURE_STEP"
    assert await bureau.step(first, measure, "NOTIFIED") == "MEASURE_DISPUTED"
    again = await bureau.check(lookup(CANDIDATE), first.body["caseNo"])
    assert again.results["P-FY-01"] == "DISPUTED"
    assert "DISPUTED_NOT_COUNTED" in again.predicate("NOT_LISTED_DEBTOR")["reasons"]
    assert (again.truths["NOT_LISTED_DEBTOR"], again.measures) == ("TRUE", [])
    hall = ApprovalSystem(county, "service-hall", "S16", "LSTD-2026-04{:03d}", "绿色通道资格核验")
    await hall.log_in()
    green = await hall.check(lookup(CANDIDATE))
    assert (green.results["P-FY-01"], green.truths["NO_ADVERSE_36M"]) == ("DISPUTED", "TRUE")
    county.tell("From now on the record is disputed everywhere, and counts nowhere.")


async def the_court_corrects(county: County) -> None:
    """Its steward, at the command line."""
    (case,) = json.loads(await county.command("case", "list", "--department", "FY", "--json"))
    shown = json.loads(await county.command("case", "show", case["id"], "--department", "FY", "--json"))
    assert (shown["text"], shown["sourceSystem"], shown["sourceKey"]) == ("款项已经付清。", "court", "7")
    acts = ("--department", "FY", "--operator", "op-0201", "--no-conflict-of-interest")
    await county.command("case", "take", case["id"], *acts)
    reasons = ("--reasons", "经核查，款项已于公布前付清。")
    assert "CORRECTED" in await county.command("case", "decide", case["id"], "CORRECTED", *acts, *reasons)
    county.tell("The court's steward finds the row in his own system, and corrects.")


async def the_bureau_admits_her(
    county: County, bureau: ApprovalSystem, she: Person, first: Checked, measure: str
) -> None:
    """The measure is revoked, and the bureau's rate is whole."""
    last = await bureau.check(lookup(CANDIDATE), first.body["caseNo"])
    assert (last.results["P-FY-01"], last.body["completeness"]) == ("NONE", "COMPLETE")
    assert await bureau.step(first, measure, "REVOKED") == "REVOKED"
    assert await she.measures() == {"R-02": "REVOKED"}
    assert (await bureau.report(last, *GRANTED))["overridden"] == []
    told = await county.command("review", "check-rate", "--since", DAY, "--until", DAY, "--json")
    (rate,) = [one for one in json.loads(told) if one["scenario"] == "S04"]
    assert (rate["reported"], rate["checked"], rate["rate"]) == (CANDIDATES + 1, CANDIDATES + 1, 1.0)
    county.tell(f"She is admitted. Of {rate['reported']} outcomes {rate['checked']} rest on a check.")


async def together(work: Callable[[T], Awaitable[R]], on: Iterable[T]) -> list[R]:
    """All of it, some at a time, in order."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(each: T) -> R:
        async with room:
            return await work(each)

    return list(await asyncio.gather(*map(one, on)))
