"""The REST connector against a real HTTP server that behaves like the tax proxy of the field."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from decimal import Decimal

import pytest

from catalogue.identifiers import KeyKind, SubjectKey
from catalogue.loader import load_catalogue
from catalogue.model import Role
from catalogue.values import CHINA_TIME, PartialDate
from connectors.conditions import holds
from connectors.errors import (
    ConnectionDied,
    ManifestError,
    SourceBusy,
    SourceDrift,
    SourceRubbish,
    SourceTimeout,
    SourceUnavailable,
)
from connectors.guard import guarded
from connectors.parts import Signing
from connectors.protocol import Ask, Reject, Source
from connectors.rest import RestSource
from connectors.rest.quota import Tokens
from connectors.rest.signing import Signed, signature
from connectors.shapes import Condition
from tests.support.small_catalogue import manifest_of
from tests.support.tax_proxy import SECRET, TaxProxy, running

CATALOGUE = load_catalogue()
COMPANY = SubjectKey.entity("91990100MA9TE00142")
OTHER = SubjectKey.entity("91350100M000100Y43")
OLD_NUMBER = "990100MA9TE0014"
FIELDS = frozenset({"year", "grade", "publishedOn"})

RATING = {
    "rest": {
        "path": "/nsxy/query",
        "body": {"head": {"tranId": "{trace}"}, "body": {"nsrsbh": "{key}", "page": "{page}"}},
        "pageSize": 10, "maxPages": 3, "code": "code", "ok": ["00"], "empty": ["01"], "busy": ["99"],
    },
    "where": [{"column": "yxbz", "op": "=", "value": "Y"}],
    "keys": {"USCC": {"columns": ["nsrsbh"], "forms": ["NORMAL", "TAXPAYER_15"]}},
    "version": {"by": ["pdnd"], "latest": "gxsj"},
    "fields": {
        "name": {"column": "nsrmc"},
        "year": {"column": "pdnd", "decode": ["year"]},
        "grade": {"column": "xyjb", "decode": ["trim", {"nullIf": ["未参评"]}]},
        "publishedOn": {"column": "gbrq", "decode": ["date"]},
    },
}  # fmt: skip
ARREARS = {
    "rest": {
        "method": "GET",
        "path": "/qs/gg",
        "query": {"nsrsbh": "{key}"},
        "format": "xml",
        "root": "ROWS",
    },
    "keys": {"USCC": {"columns": ["NSRSBH"]}},
    "fields": {"arrears": {"column": "QSYE", "decode": ["money"]}},
    "controls": {"publishedOn": {"column": "GBRQ", "decode": ["date"]}},
}  # fmt: skip


def rating(year=2023, grade="A", **more):
    return {
        "nsrsbh": COMPANY.value, "nsrmc": "测试有限公司", "pdnd": year, "xyjb": grade,
        "gbrq": 1713801600000, "swjgDm": "19901000000", "yxbz": "Y", "gxsj": "20240423000000", **more,
    }  # fmt: skip


def built(url, records=None, **changes):
    manifest = manifest_of(
        records or {"E-SW-01": RATING, "E-SW-02": ARREARS},
        connector="rest", url=url, **{"signing": {"kind": "md5", "appId": "gw", "secret": SECRET}, **changes},
    )  # fmt: skip
    return RestSource(manifest, CATALOGUE, url)


def ask(*keys, fields=FIELDS, code="E-SW-01", trace=""):
    return Ask(code, fields, keys or (COMPANY,), trace)


@pytest.fixture
async def proxy():
    async with running(TaxProxy()) as service:
        yield service


@pytest.fixture
async def rest():
    """Builds sources and closes them."""
    made = []

    def build(url, records=None, **changes):
        made.append(built(url, records, **changes))
        return made[-1]

    yield build
    for source in made:
        await source.close()


@pytest.fixture
def source(proxy, rest):
    return rest(proxy.url)


def varied(**changes):
    return RATING | {"rest": RATING["rest"] | changes}


# What it reads


async def test_rows_in_a_json_string_under_a_lying_charset(proxy, source):
    proxy.rows[COMPANY.value] = [rating(), rating(2022, "未参评", gbrq="2023-04-23 00:00:00.0")]
    proxy.rows[COMPANY.value] += [rating(2021, None, gbrq="")]
    answer = await source.fetch(ask(fields=FIELDS | {"name"}))
    assert [row.values for row in answer.rows[COMPANY]] == [
        {"year": 2023, "grade": "A", "publishedOn": PartialDate.of(2024, 4, 23), "name": "测试有限公司"},
        {"year": 2022, "grade": None, "publishedOn": PartialDate.of(2023, 4, 23), "name": "测试有限公司"},
        {"year": 2021, "grade": None, "publishedOn": None, "name": "测试有限公司"},
    ]
    assert answer.fetched_at.tzinfo is CHINA_TIME
    assert not answer.rejects
    assert not answer.truncated


async def test_nothing_found_is_an_answer(source):
    answer = await source.fetch(ask(COMPANY, OTHER))
    assert answer.rows == {COMPANY: (), OTHER: ()}


async def test_a_later_row_overrides_the_same_year(proxy, source):
    rows = [rating(2023, "B", gxsj="20240901000000"), rating(2023, "A"), rating(2022, "M")]
    proxy.rows[COMPANY.value] = rows
    answer = await source.fetch(ask())
    assert [(row.values["year"], row.values["grade"]) for row in answer.rows[COMPANY]] == [
        (2023, "B"),
        (2022, "M"),
    ]


async def test_old_taxpayer_numbers_are_asked_for_and_tied_to_the_entity(proxy, source):
    proxy.rows[OLD_NUMBER] = [rating(2019, nsrsbh=OLD_NUMBER)]
    proxy.rows[COMPANY.value] = [
        rating(2023),
        rating(2020, nsrsbh="99010119800101001402"),
        rating(2021, nsrsbh=OTHER.value),
    ]
    answer = await source.fetch(ask())
    assert sorted(row.values["year"] for row in answer.rows[COMPANY]) == [2019, 2023]
    assert {call["key"] for call in proxy.calls} == {COMPANY.value, OLD_NUMBER}


async def test_the_row_filter_is_applied_here(proxy, source):
    proxy.rows[COMPANY.value] = [rating(2023, yxbz="N"), rating(2022)]
    answer = await source.fetch(ask())
    assert [row.values["year"] for row in answer.rows[COMPANY]] == [2022]


async def test_a_row_that_cannot_be_decoded_is_rejected(proxy, source):
    proxy.rows[COMPANY.value] = [rating(2023, gbrq="soon"), rating(2022)]
    answer = await source.fetch(ask())
    assert answer.rejects == {COMPANY: (Reject("DATE_FORMAT", "gbrq"),)}
    assert len(answer.rows[COMPANY]) == 1


async def test_xml_notices_with_thousands_separators(proxy, source):
    row = f"<ROW><NSRSBH>{COMPANY.value}</NSRSBH><QSYE>12,345.60</QSYE><GBRQ>2024年3月5日</GBRQ></ROW>"
    for xml in (
        f"<ROWS>{row}</ROWS>",
        f'<a:ROWS xmlns:a="urn:x">{row}</a:ROWS>',
        f"<ANS><ROWS>{row}</ROWS></ANS>",
    ):
        proxy.notices[COMPANY.value] = xml
        answer = await source.fetch(ask(fields=frozenset({"arrears"}), code="E-SW-02"))
        (found,) = answer.rows[COMPANY]
        assert found.values == {"arrears": Decimal("12345.60")}
        assert found.controls[Role.PUBLISHED_ON] == PartialDate.of(2024, 3, 5)
    assert (await source.fetch(ask(OTHER, fields=frozenset(), code="E-SW-02"))).rows == {OTHER: ()}


@pytest.mark.parametrize(
    "xml",
    [
        '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]><ROWS><ROW><QSYE>&x;</QSYE></ROW></ROWS>',
        '<!DOCTYPE r [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><ROWS><ROW><QSYE>&b;</QSYE></ROW></ROWS>',
        "<ROWS><ROW><QSYE>1",
        "<ERROR>no</ERROR>",
        "",
    ],
)
async def test_xml_that_is_no_answer_is_refused(proxy, source, xml):
    proxy.notices[COMPANY.value] = xml
    with pytest.raises(SourceRubbish):
        await source.fetch(ask(code="E-SW-02", fields=frozenset()))


async def test_an_answer_of_more_parts_than_rows_can_have_is_not_parsed(proxy, source):
    proxy.notices[COMPANY.value] = f"<ROWS>{'<R/>' * 200_000}</ROWS>"
    # in another shape than expected: whoever parsed it would say so
    proxy.faults[COMPANY.value] = f"[{'{},' * 200_000}{{}}]"
    for question in (ask(code="E-SW-02", fields=frozenset()), ask()):
        with pytest.raises(SourceRubbish) as large:
            await source.fetch(question)
        assert large.value.reason == "BODY_TOO_LARGE"


async def test_a_code_inside_xml_counts_too(proxy, rest):
    arrears = ARREARS | {
        "rest": ARREARS["rest"] | {"code": "HEAD.CODE", "ok": ["0"], "empty": ["1"], "root": "ROWS"}
    }
    made = rest(proxy.url, {"E-SW-02": arrears})
    question = ask(code="E-SW-02", fields=frozenset())
    proxy.notices[COMPANY.value] = "<ANS><HEAD><CODE> 1 </CODE></HEAD></ANS>"
    assert (await made.fetch(question)).rows == {COMPANY: ()}
    for xml, error in (
        ("<ANS><HEAD><CODE>7</CODE></HEAD><ROWS/></ANS>", SourceUnavailable),
        ("<ANS/>", SourceRubbish),
    ):
        proxy.notices[COMPANY.value] = xml
        with pytest.raises(error):
            await made.fetch(question)


# Pages, quota, concurrency


async def test_pages_are_read_to_the_end_or_to_the_limit(proxy, source):
    proxy.rows[COMPANY.value] = [rating(2000 + n) for n in range(15)]
    proxy.rows[OTHER.value] = [rating(1970 + n, nsrsbh=OTHER.value) for n in range(45)]
    answer = await source.fetch(ask(COMPANY, OTHER))
    assert len(answer.rows[COMPANY]) == 15
    assert len(answer.rows[OTHER]) == 30
    assert answer.truncated == {OTHER}
    assert [call["page"] for call in proxy.calls if call["key"] == OTHER.value] == [1, 2, 3]


async def test_the_row_cap_holds_per_key(proxy, rest):
    made = rest(proxy.url, rowCap=2)
    proxy.rows[COMPANY.value] = [rating(2000 + n) for n in range(3)]
    answer = await made.fetch(ask())
    assert len(answer.rows[COMPANY]) == 2
    assert answer.truncated == {COMPANY}


async def test_calls_are_signed_traced_and_asked_in_the_departments_own_words(proxy, source, rest):
    proxy.rows[COMPANY.value] = [rating()]
    await source.fetch(ask(trace="req-1\r\nX-Evil: 1"))
    call = proxy.calls[0]
    assert call["trace"] == call["headers"]["X-Request-Id"] == "req-1X-Evil1"
    assert call["headers"]["appid"] == "gw"
    wrong = rest(proxy.url, signing={"kind": "md5", "appId": "gw", "secret": "other"})
    with pytest.raises(SourceUnavailable) as refused:
        await wrong.fetch(ask())
    assert refused.value.reason == "CODE_REFUSED"


def test_the_signature_is_upper_md5_of_id_time_body_and_secret():
    signed = signature(Signing(kind="md5", app_id="a", secret="s"), Signed("POST", "/", b"{}"), 1713801600)
    assert signed == {"appid": "a", "ts": "1713801600", "sign": "4AE639DB85146480264F7F94F9B98C41"}


async def test_beyond_the_quota_it_says_busy_rather_than_wait_in_vain(proxy, rest):
    proxy.per_second = 3
    made = rest(proxy.url, ratePerSecond=3, deadlineMs=500)
    with pytest.raises(SourceBusy) as busy:
        await made.fetch(ask(COMPANY, OTHER))
    assert busy.value.reason == "QUOTA"


async def test_within_the_deadline_it_waits_and_the_service_is_never_too_busy(proxy, rest):
    proxy.per_second = 3
    proxy.rows[COMPANY.value] = [rating(1960 + n) for n in range(25)]
    made = rest(proxy.url, ratePerSecond=3)
    assert len((await made.fetch(ask())).rows[COMPANY]) == 25
    assert len(proxy.calls) == 4


def test_no_window_of_a_second_holds_more_calls_than_allowed():
    tokens, times = Tokens(3), []
    for now in (0.0, 0.1, 0.2, 0.2, 0.2, 0.2, 0.3, 9.0):
        times.append(tokens.free_at(now))
        tokens.take(times[-1])
    assert all(later - earlier > 1 for earlier, later in zip(times, times[3:], strict=False))
    assert times[:3] == [0.0, 0.1, 0.2]
    assert times[-1] == 9.0
    slow = Tokens(0.5)
    assert slow.free_at(0.0) == 0
    slow.take(0.0)
    assert slow.free_at(0.0) > 2


def test_who_waits_behind_others_is_told_when_its_turn_comes():
    tokens = Tokens(2)
    assert [tokens.free_at(0.0, ahead) for ahead in range(4)] == [0, 0, 1.05, 1.05]
    tokens.take(0.0)
    tokens.take(0.5)
    assert [tokens.free_at(0.6, ahead) for ahead in range(4)] == [1.05, 1.55, 2.1, 2.6]


async def test_several_keys_are_asked_pool_at_a_time(proxy, rest):
    made = rest(proxy.url, {"E-SW-01": RATING | {"keys": {"USCC": {"columns": ["nsrsbh"]}}}}, pool=2)
    keys = [SubjectKey(KeyKind.USCC, f"9199010000000000{n}X") for n in range(10, 15)]
    proxy.faults |= {key.value: "hang" for key in keys}
    asking = asyncio.create_task(made.fetch(ask(*keys)))
    while len(proxy.calls) < 2:
        await proxy.entered.wait()
        proxy.entered.clear()
    proxy.gate.set()
    assert (await asking).rows == dict.fromkeys(keys, ())
    assert proxy.most_inside == 2
    assert len(proxy.calls) == 5


async def test_the_first_failure_cancels_the_other_calls(proxy, rest):
    made = rest(proxy.url, {"E-SW-01": RATING | {"keys": {"USCC": {"columns": ["nsrsbh"]}}}})
    proxy.faults |= {COMPANY.value: "hang", OTHER.value: "http 500"}
    with pytest.raises(SourceUnavailable):
        await made.fetch(ask(COMPANY, OTHER))


async def test_cancelling_the_question_closes_the_connection(proxy, source):
    proxy.faults[COMPANY.value] = "hang"
    asking = asyncio.create_task(source.fetch(ask()))
    await proxy.entered.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.wait_for(proxy.left.wait(), 60)
    assert proxy.dropped == 1


# What goes wrong


@pytest.mark.parametrize(
    ("fault", "error", "reason"),
    [
        ('{"code":"99","msg":"系统繁忙"}', SourceBusy, "CODE_BUSY"),
        ('{"code":"50","msg":"内部错误"}', SourceUnavailable, "CODE_REFUSED"),
        ('{"msg":"成功"}', SourceRubbish, "SHAPE"),
        ('{"code":"00"}', SourceRubbish, "SHAPE"),
        ('{"code":"00","data":"\\"x\\""}', SourceRubbish, "SHAPE"),
        ('{"code":"00","data":[1]}', SourceRubbish, "SHAPE"),
        ('{"code":"00","data":"[{\\"nsrsbh\\":"}', SourceRubbish, "UNREADABLE"),
        ('{"code":"00","data":[{"nsrsbh":NaN}]}', SourceRubbish, "UNREADABLE"),
        ('{"code":"00","da', SourceRubbish, "UNREADABLE"),
        ("", SourceRubbish, "UNREADABLE"),
        ("<html>维护中</html>", SourceRubbish, "UNREADABLE"),
        ("[" * 100_000, SourceRubbish, "UNREADABLE"),
        ("hex ff81", SourceRubbish, "CHARSET"),
        ("bomb", SourceRubbish, "BODY_TOO_LARGE"),
        ("cut short", SourceRubbish, "BODY_CUT_SHORT"),
        (f'{{"code":"00","data":[{{"nsrsbh":"{OTHER.value}"}}]}}', SourceRubbish, "KEY_NOT_ASKED"),
        ('{"code":"00","data":[{"nsrsbh":"9199****0142"}]}', SourceRubbish, "KEY_NOT_ASKED"),
        ('{"code":"00","data":[' + "{}," * 10_000 + "{}]}", SourceRubbish, "BODY_TOO_LARGE"),
        ("charset undefined", SourceRubbish, "CHARSET"),
        ("charset idna", SourceRubbish, "CHARSET"),
        ('{"code":"00","data":[{"nsrmc":"x"}]}', SourceDrift, "KEY_COLUMN_MISSING"),
        ("reset", ConnectionDied, "CONNECTION_DIED"),
        ("http 302", SourceRubbish, "HTTP_REDIRECT"),
        ("http 401", SourceUnavailable, "HTTP_REFUSED"),
        ("http 404", SourceDrift, "HTTP_NOT_FOUND"),
        ("http 418", SourceRubbish, "HTTP_STATUS"),
        ("http 429", SourceBusy, "HTTP_BUSY"),
        ("http 502", SourceUnavailable, "HTTP_SERVER_ERROR"),
        ("http 503", SourceBusy, "HTTP_BUSY"),
    ],
)
async def test_every_fault_has_its_error(proxy, source, fault, error, reason):
    proxy.faults[COMPANY.value] = fault
    with pytest.raises(error) as raised:
        await source.fetch(ask())
    assert type(raised.value) is error
    assert raised.value.reason == reason
    assert COMPANY.value not in str(raised.value)
    assert source.name in str(raised.value)


async def test_gbk_bytes_and_one_row_without_a_list_are_read(proxy, source):
    body = json.dumps({"code": "00", "data": rating()}, ensure_ascii=False)
    proxy.faults[COMPANY.value] = f"hex {body.encode('gb18030').hex()}"
    answer = await source.fetch(ask(fields=frozenset({"name"})))
    assert answer.rows[COMPANY][0].values == {"name": "测试有限公司"}


async def test_json_numbers_are_exact(proxy, rest):
    record = varied() | {"fields": {"arrears": {"column": "qsye", "decode": ["money"]}}}
    made = rest(proxy.url, {"E-SW-02": record | {"version": None}})
    row = f'{{"nsrsbh":"{COMPANY.value}","yxbz":"Y","qsye":12345678901234567.89}}'
    proxy.faults[COMPANY.value] = f'{{"code":"00","data":[{row}]}}'
    answer = await made.fetch(ask(code="E-SW-02", fields=frozenset({"arrears"})))
    assert answer.rows[COMPANY][0].values == {"arrears": Decimal("12345678901234567.89")}


@pytest.mark.parametrize(
    ("column", "written", "reason"),
    [
        ("nsrmc", '"half a sign \\ud83d"', "CHARSET"),
        ("gbrq", "1e99999999999999999999999", "DATE_FORMAT"),
        ("gbrq", "1e999999999", "DATE_FORMAT"),
        ("gbrq", "1e-999999999", "DATE_FORMAT"),
    ],
)
async def test_what_json_can_spell_and_nobody_can_write_rejects_its_own_row(
    proxy, source, column, written, reason
):
    bad = json.dumps(rating(2022)).replace(json.dumps(rating()[column]), written)
    proxy.faults[COMPANY.value] = f'{{"code":"00","data":[{bad},{json.dumps(rating())}]}}'
    answer = await source.fetch(ask(fields=FIELDS | {"name"}))
    assert [found.values["year"] for found in answer.rows[COMPANY]] == [2023]
    assert answer.rejects[COMPANY] == (Reject(reason, column),)


async def test_rows_that_name_nobody_are_nobodys(proxy, source):
    nobody = [rating(nsrsbh=None), rating(nsrsbh=" ")]
    proxy.faults[COMPANY.value] = json.dumps({"code": "00", "data": nobody})
    assert (await source.fetch(ask())).rows == {COMPANY: ()}


async def test_a_dotted_path_leads_through_json_strings(proxy, rest):
    made = rest(proxy.url, {"E-SW-01": varied(rows="data.list", code=None)})
    proxy.faults[COMPANY.value] = json.dumps({"data": json.dumps({"list": json.dumps([rating()])})})
    answer = await made.fetch(ask(fields=frozenset({"year"})))
    assert [found.values for found in answer.rows[COMPANY]] == [{"year": 2023}]


async def test_behind_the_guard_a_dead_connection_is_asked_again(proxy, source):
    proxy.rows[COMPANY.value] = [rating()]
    proxy.faults[COMPANY.value] = "reset once"
    answer = await guarded(source, source.manifest).fetch(ask())
    assert len(answer.rows[COMPANY]) == 1


async def test_a_service_that_hangs_times_out(proxy, rest):
    made = rest(proxy.url, deadlineMs=20)
    proxy.faults[COMPANY.value] = "hang"
    with pytest.raises(SourceTimeout):
        await made.fetch(ask())


async def test_a_service_that_is_down_is_unavailable(rest):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        made = rest(f"http://127.0.0.1:{taken.getsockname()[1]}")
        for question in (made.fetch(ask()), made.ping()):
            with pytest.raises(SourceUnavailable) as down:
                await question
            assert down.value.reason == "CONNECT"
        (finding,) = await made.check()
        assert (finding.level, finding.code) == ("error", "SOURCE_UNAVAILABLE")
        await made.close()


async def test_a_kind_of_key_the_service_is_not_asked_by(source):
    with pytest.raises(SourceDrift) as refused:
        await source.fetch(ask(SubjectKey.person("990101198001010014")))
    assert refused.value.reason == "KEY_KIND"


async def test_nothing_is_logged(proxy, source, caplog):
    caplog.set_level(logging.DEBUG)
    proxy.rows[COMPANY.value] = [rating()]
    await source.fetch(ask())
    assert COMPANY.value not in caplog.text


# The source itself


async def test_it_is_a_source(proxy, source):
    assert isinstance(source, Source)
    assert source.record_types == {"E-SW-01", "E-SW-02"}
    assert source.key_kinds("E-SW-01") == {KeyKind.USCC}
    assert (source.name, source.department, source.contact) == ("tt-test", "TT", "desk@example.cn")
    assert source.system.en == "Test"
    await source.ping()
    assert proxy.calls == []


@pytest.mark.parametrize(
    ("url", "record", "code"),
    [
        ("ftp://127.0.0.1/", RATING, "MANIFEST_URL"),
        ("http:///x", RATING, "MANIFEST_URL"),
        ("http://127.0.0.1/", RATING | {"join": [{"table": "t", "on": {"a": "b"}}]}, "MANIFEST_CONNECTOR"),
        ("http://127.0.0.1/", {**RATING, "rest": None, "table": "t"}, "MANIFEST_CONNECTOR"),
        ("http://127.0.0.1/", varied(ok=[]), "MANIFEST_REST"),
        ("http://127.0.0.1/", RATING | {"fields": {"colour": {"column": "a"}}}, "MANIFEST_FIELD"),
    ],
)
async def test_a_manifest_that_cannot_work_is_refused(url, record, code, rest):
    with pytest.raises(ManifestError) as refused:
        rest(url, {"E-SW-01": record})
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("op", "value", "passing"),
    [
        ("=", "Y", ["Y", " Y "]),
        ("!=", "Y", ["N", "1"]),
        ("in", ["Y", 1], ["Y", " Y ", "1"]),
        ("not in", ["Y", 1], ["N"]),
        ("is null", None, [None]),
        ("is not null", None, ["Y", " Y ", "N", "1"]),
        ("null or", "Y", ["Y", " Y ", None]),
        ("null or not", "Y", ["N", "1", None]),
    ],
)
def test_conditions_treat_null_as_sql_does(op, value, passing):
    condition = Condition(column="a", op=op, value=value)
    cells = ["Y", " Y ", "N", "1", None]
    assert [cell for cell in cells if holds((condition,), {"a": cell})] == passing


# source check


def findings(found):
    return {(one.level, one.code) for one in found}


async def test_check_of_a_good_service_finds_nothing(proxy, rest):
    made = rest(proxy.url, {"E-SW-01": varied(sample=COMPANY.value)})
    proxy.rows[COMPANY.value] = [rating()]
    assert await made.check() == []


async def test_check_names_missing_columns_and_rejects_without_values(proxy, rest):
    changed = varied(sample=COMPANY.value) | {
        "controls": {"updatedAt": {"column": "gxsj_new", "decode": ["instant"]}}
    }
    made = rest(proxy.url, {"E-SW-01": changed})
    proxy.rows[COMPANY.value] = [rating(gbrq="SECRET")]
    found = await made.check()
    assert findings(found) == {
        ("error", "MANIFEST_COLUMN_MISSING"),
        ("error", "ROWS_ALL_REJECTED"),
        ("warning", "ROWS_REJECTED"),
    }
    assert "gxsj_new" in found[0].message
    assert "DATE_FORMAT" in found[1].message
    assert all("SECRET" not in one.message and COMPANY.value not in one.message for one in found)


async def test_check_tells_what_keeps_it_from_looking(proxy, rest):
    made = rest(proxy.url, {"E-SW-01": RATING, "E-SW-02": ARREARS})
    assert findings(await made.check()) == {("warning", "SOURCE_EMPTY")}
    proxy.faults[OTHER.value] = "http 404"
    assert ("error", "SOURCE_DRIFT") in findings(await made.check())
    person = rest(proxy.url, {"E-SW-01": varied(sample="990101198001010014")})
    (refused,) = await person.check()
    assert (refused.code, refused.where) == ("MANIFEST_REST", "tt-test.records.E-SW-01.rest.sample")
    assert "990101198001010014" not in refused.message


async def test_check_notices_rows_under_another_key(proxy, rest):
    made = rest(proxy.url, {"E-SW-01": varied(sample=COMPANY.value)})
    proxy.rows[COMPANY.value] = [rating(nsrsbh=OTHER.value)]
    assert findings(await made.check()) == {("error", "KEY_NOT_RECOGNIZED")}
