"""The contract of a source, over every kind: what comes back, to whom, and what never looks clean."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress

import pytest

from catalogue.identifiers import KeyKind, SubjectKey
from catalogue.model import Role
from catalogue.values import PartialDate
from connectors.errors import (
    SourceBusy,
    SourceDrift,
    SourceError,
    SourceTimeout,
    SourceUnavailable,
)
from connectors.protocol import Answer, Ask, Case
from tests.contract.kinds import FILTERING, HANGING, KINDS, Kind, kind_of, row
from tests.support.small_catalogue import MINOR, OTHER, PERSON

FIELDS = frozenset({"documentNo", "reason", "authority"})
CASE = Case({"scenario": "S04", "caseNo": "C-1", "purpose": "契约"}, {})
MARKS = {"postgresql": [pytest.mark.postgresql], "mariadb": [pytest.mark.mariadb]}
EVIL = (
    "' OR '1'='1",
    '"; DROP TABLE penalty; --',
    "x') OR ('1'='1",
    "\\' OR 1=1 -- ",
    "%",
    "{key}",
    "a\x00b",
    "١",
)


def over(names: Iterable[str]) -> pytest.MarkDecorator:
    """The test over some of the kinds."""
    marked = [pytest.param(name, marks=MARKS.get(name, ())) for name in names]
    return pytest.mark.parametrize("kind", marked, indirect=True)


@pytest.fixture(params=[pytest.param(name, marks=MARKS.get(name, ())) for name in KINDS])
async def kind(request: pytest.FixtureRequest, tmp_path: object) -> AsyncIterator[Kind]:
    async with kind_of(request.param, tmp_path) as found:
        yield found


def ask(*people: str, **more: object) -> Ask:
    keys = tuple(SubjectKey.person(one) for one in people or (PERSON,))
    return Ask("P-TT-01", FIELDS, keys, case=CASE, **more)


async def test_the_text_that_is_told_is_of_what_reads_the_rows(kind: Kind):
    await kind.store([row(PERSON, "〔2025〕1")])
    source = kind.source()
    assert documents(await source.fetch(ask())) == ["〔2025〕1"]
    behind = vars(source.behind)
    plans = (behind.get("readers") or behind["_readers"])["P-TT-01"].pipeline._plan
    made = plans.cache_info().misses
    text = source.row_source("P-TT-01", FIELDS)
    ast.parse(text)
    assert all(f"{name!r}: " in text for name in FIELDS)
    assert plans.cache_info().misses == made


def documents(answer: Answer, person: str = PERSON) -> list[object]:
    return sorted(str(found.values["documentNo"]) for found in answer.rows[SubjectKey.person(person)])


async def test_every_writing_of_a_key_is_the_same_subject(kind: Kind) -> None:
    full_width = OTHER.translate({code: code + 0xFEE0 for code in range(0x30, 0x5B)})
    short = "990101751231002"
    forms = (OTHER, OTHER + " ", short, short.ljust(18), full_width)
    await kind.store([*(row(form, f"{n}") for n, form in enumerate(forms)), row(MINOR.lower(), "x")])
    answer = await kind.source().fetch(ask(OTHER, MINOR, PERSON))
    assert documents(answer, OTHER) == ["0", "1", "2", "3", "4"]
    assert documents(answer, MINOR) == ["x"]
    assert documents(answer, PERSON) == []


async def test_nothing_is_an_answer_for_every_key_asked(kind: Kind) -> None:
    await kind.store([])
    answer = await kind.source().fetch(ask(PERSON, OTHER))
    assert answer.rows == {SubjectKey.person(PERSON): (), SubjectKey.person(OTHER): ()}
    assert not answer.rejects
    assert not answer.truncated


async def test_rows_go_to_whom_they_name_and_to_nobody_else(kind: Kind) -> None:
    await kind.store([row(PERSON, "p"), row(OTHER, "o"), row(MINOR, "m")])
    answer = await kind.source().fetch(ask(PERSON, OTHER))
    assert {key.value for key in answer.rows} == {PERSON, OTHER}
    assert (documents(answer), documents(answer, OTHER)) == (["p"], ["o"])


async def test_duplicates_are_told_apart_or_merged_as_the_manifest_says(kind: Kind) -> None:
    await kind.store([row(PERSON, "一"), row(PERSON, "一")])
    both = (await kind.source().fetch(ask())).rows[SubjectKey.person(PERSON)]
    assert len({found.identity for found in both}) == 2
    merged = kind.source(record={"dedupe": ["documentNo"]})
    assert documents(await merged.fetch(ask())) == ["一"]


async def test_null_is_no_value_and_nobodys_key(kind: Kind) -> None:
    await kind.store([row(PERSON, "p", reason=None, authority=None), row(None, "n")])
    answer = await kind.source().fetch(ask())
    (found,) = answer.rows[SubjectKey.person(PERSON)]
    assert found.values == {"documentNo": "p", "reason": None, "authority": None}


async def test_huge_text_arrives_whole(kind: Kind) -> None:
    text = "长文本\U00020bb7,\"'\\\n" * 10_000
    await kind.store([row(PERSON, "p", reason=text)])
    (found,) = (await kind.source(deadlineMs=20_000).fetch(ask())).rows[SubjectKey.person(PERSON)]
    assert found.values["reason"] == text.strip()


async def test_a_row_that_cannot_be_read_is_rejected_and_not_dropped(kind: Kind) -> None:
    await kind.store([row(PERSON, "bad", decided="soon"), row(PERSON, "good")])
    answer = await kind.source().fetch(ask())
    assert documents(answer) == ["good"]
    ((reject,),) = answer.rejects.values()
    assert (reject.reason, reject.column) == ("DATE_FORMAT", "decided")


async def test_days_are_those_of_china_whatever_the_writing(kind: Kind) -> None:
    moments = ("2025-01-02", "2025-01-02 00:30:00", "20250102", "2025年1月2日", "2025-01-01T16:30:00Z")
    await kind.store([row(PERSON, str(number), decided=text) for number, text in enumerate(moments)])
    answer = await kind.source().fetch(ask())
    days = {found.controls[Role.DETERMINED_ON] for found in answer.rows[SubjectKey.person(PERSON)]}
    assert not answer.rejects
    assert days == {PartialDate.of(2025, 1, 2)}


async def test_the_row_cap_cuts_one_subject_and_says_so(kind: Kind) -> None:
    await kind.store([*(row(PERSON, str(number)) for number in range(9)), row(OTHER, "o")])
    answer = await kind.source(rowCap=5).fetch(ask(PERSON, OTHER))
    assert len(documents(answer)) == 5
    assert documents(answer, OTHER) == ["o"]
    assert answer.truncated == {SubjectKey.person(PERSON)}


async def test_no_key_is_ever_more_than_a_value(kind: Kind) -> None:
    await kind.store([row(PERSON, "p"), row(OTHER, "o")])
    source = kind.source()
    for text in EVIL:
        key = SubjectKey(KeyKind.CITIZEN_ID, text)
        question = Ask("P-TT-01", FIELDS, (key,), f"t{text}", CASE)
        with suppress(SourceError):  # a server may refuse a value that no text column can hold
            assert (await source.fetch(question)).rows == {key: ()}
    assert documents(await source.fetch(ask())) == ["p"]


@over(FILTERING)
async def test_no_filter_value_is_ever_more_than_a_value(kind: Kind) -> None:
    evil = [text for text in EVIL if "\x00" not in text]
    await kind.store([row(PERSON, "p"), *(row(PERSON, f"e{n}", reason=text) for n, text in enumerate(evil))])
    for operator, expected in (("in", [f"e{n}" for n in range(len(evil))]), ("not in", ["p"])):
        where = [{"column": "reason", "op": operator, "value": evil}]
        assert documents(await kind.source(record={"where": where}).fetch(ask())) == expected


async def test_a_source_that_is_down_is_unavailable_and_comes_back(kind: Kind) -> None:
    await kind.store([row(PERSON, "p")])
    source = kind.source(breaker={"failures": 1000})
    assert documents(await source.fetch(ask())) == ["p"]
    async with kind.down():
        for _ in range(2):
            with pytest.raises(SourceUnavailable):
                await source.fetch(ask())
        with pytest.raises(SourceError):
            await source.ping()
    assert documents(await source.fetch(ask())) == ["p"]
    await source.ping()


async def test_a_server_restarted_between_two_questions_is_not_noticed(kind: Kind) -> None:
    await kind.store([row(PERSON, "p")])
    source = kind.source()
    await source.fetch(ask())
    async with kind.down():
        pass
    assert documents(await source.fetch(ask())) == ["p"]


async def test_an_answer_cut_off_in_the_middle_is_no_answer(kind: Kind) -> None:
    await kind.store([row(PERSON, str(number), reason="长" * 500) for number in range(40)])
    source = kind.source(breaker={"failures": 1000})
    assert len(documents(await source.fetch(ask()))) == 40
    async with kind.broken():
        with pytest.raises(SourceError) as cut:
            await source.fetch(ask())
        assert PERSON not in str(cut.value)
    assert len(documents(await source.fetch(ask()))) == 40


@over(HANGING)
async def test_a_source_that_hangs_is_given_up_in_time(kind: Kind) -> None:
    assert kind.hung
    await kind.store([row(PERSON, "p")])
    source = kind.source(deadlineMs=3_000, breaker={"failures": 1000})
    await source.ping()
    async with kind.hung():
        with pytest.raises((SourceTimeout, SourceBusy)):
            await source.fetch(ask())
    async with asyncio.timeout(60):
        while True:
            with suppress(SourceError):
                assert documents(await source.fetch(ask())) == ["p"]
                break


@over(HANGING)
async def test_a_client_that_goes_away_leaves_its_place_to_the_next(kind: Kind) -> None:
    assert kind.hung
    await kind.store([row(PERSON, "p")])
    source = kind.source(deadlineMs=30_000, pool=1, inFlight=1)
    await source.ping()
    async with kind.hung():
        asking = asyncio.create_task(source.fetch(ask()))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    async with asyncio.timeout(60):
        assert documents(await source.fetch(ask())) == ["p"]


async def test_a_column_that_has_gone_is_drift_and_not_silence(kind: Kind) -> None:
    await kind.store([row(PERSON, "p")])
    source = kind.source()
    assert documents(await source.fetch(ask())) == ["p"]
    await kind.drifted()
    with pytest.raises(SourceDrift):
        await source.fetch(ask())


async def test_it_is_not_asked_by_a_key_that_it_does_not_know(kind: Kind) -> None:
    company = SubjectKey.entity("91990100MA9TE00142")
    with pytest.raises(SourceDrift) as refused:
        await kind.source().fetch(Ask("P-TT-01", FIELDS, (company,), case=CASE))
    assert refused.value.reason == "KEY_KIND"


async def test_two_questions_at_once_are_not_mixed_up(kind: Kind) -> None:
    await kind.store([row(PERSON, "p"), row(OTHER, "o"), row(MINOR, "m")])
    source = kind.source(inFlight=50)
    people = (PERSON, OTHER, MINOR) * 8
    answers = await asyncio.gather(*(source.fetch(ask(person)) for person in people))
    assert [documents(answer, person) for answer, person in zip(answers, people, strict=True)] == [
        ["p"], ["o"], ["m"],
    ] * 8  # fmt: skip
