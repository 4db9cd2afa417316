"""Decoders beyond the table in docs/decoders.md: native types, chains, the registry."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from itertools import pairwise

import pytest

from catalogue.personal_text import scrub
from catalogue.values import CHINA_TIME, OPEN_ENDED, PartialDate
from connectors.decoders import DecodeError, compile_chain, result_type
from connectors.decoders.registry import configured, plain
from connectors.errors import ManifestError

DAY = PartialDate.of(2018, 6, 1)
NAIVE = datetime(2018, 6, 1, 23, 59)  # noqa: DTZ001 -- as drivers give it
MONEY_REFUSED = ["12,34", "1,2345", "约200元", "元", "200港元", "贰佰", "一百", True, b"2", math.inf]


def decode(cell, *steps, tables=None):
    return compile_chain(steps, tables or {})(cell)


def reason(cell, *steps):
    with pytest.raises(DecodeError) as refused:
        decode(cell, *steps)
    return refused.value.reason


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (date(2018, 6, 1), DAY),
        (NAIVE, DAY),
        (datetime(2018, 5, 31, 20, 0, tzinfo=UTC), DAY),
        (date(9999, 12, 31), OPEN_ENDED),
        (datetime.max.replace(tzinfo=UTC), OPEN_ENDED),
        ("infinity", OPEN_ENDED),
        (NAIVE.replace(2099, 12, 31), OPEN_ENDED),
        (20180601, DAY),
        (Decimal("20180601"), DAY),
        (43252, DAY),
        (43252.0, DAY),
        (43252.9, DAY),
        ("43252.395833", DAY),
        ("20180601.0", DAY),
        ("20180601000000", DAY),
        ("201806010930", DAY),
        ("20180601093000123", DAY),
        ("２０１８年０６月０１日", DAY),
        ("　2018-06-01　", DAY),
        ("18年6月1日", DAY),
        ("2018年6月1日 09时30分00秒", DAY),
        ("2018-06-01 09:30", DAY),
        ("二零一八年六月一日", DAY),
        ("二○一八年六月一日", DAY),
        ("一八年六月一日", DAY),
        ("二〇一八年十二月三十一日", PartialDate.of(2018, 12, 31)),
        ("二〇一八年十月二十日", PartialDate.of(2018, 10, 20)),
        ("二〇一八年六月廿一日", PartialDate.of(2018, 6, 21)),
        ("二〇一八年六月卅日", PartialDate.of(2018, 6, 30)),
        ("二〇一八年六月", PartialDate.of(2018, 6)),
        ("01-12月-2018", PartialDate.of(2018, 12, 1)),
        ("01-12月 -69", PartialDate.of(1969, 12, 1)),
        ("68.1.2", PartialDate.of(2068, 1, 2)),
        ("2018年", PartialDate.of(2018)),
        ("2018年6月", PartialDate.of(2018, 6)),
        ("201806", PartialDate.of(2018, 6)),
        ("20180000", PartialDate.of(2018)),
        ("2018-06-00", PartialDate.of(2018, 6)),
        ("1975-12-00", PartialDate.of(1975, 12)),
        ("99991231", OPEN_ENDED),
        ("20991231", OPEN_ENDED),
        ("2099-12-31 00:00:00", OPEN_ENDED),
        ("永久有效", OPEN_ENDED),
        ("0000-00-00 00:00:00", None),
        ("0000/00/00", None),
        (" ", None),
        (0, None),
        (None, None),
    ],
)
def test_date_reads(cell, expected):
    assert decode(cell, "date") == expected


@pytest.mark.parametrize(
    "cell",
    [
        "20181301",
        "2018-00-05",
        "2018-6/1",
        "18-6-1",
        "20180601x",
        "1",
        "123456789",
        "99999",
        "1849-12-31",
        "2201-01-01",
        "2018-06-01 25:00:00",
        "2018-06-01T09:30:00+99:00",
        "2018-06-31T00:00:00Z",
        "二一八年六月一日",
        "二〇一八年十十月",
        "三十年六月一日",
        "腊月初八",
        "不详",
        date(1, 1, 1),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        Decimal("1e999999999"),
        Decimal("1e-999999999"),
        True,
        b"20180601",
        math.nan,
    ],
)
def test_date_refuses(cell):
    assert reason(cell, "date").startswith("DATE_")


def test_instant_keeps_the_fraction_that_orders_versions():
    first, second = (decode(f"2018-06-01 09:30:00.{part}", "instant") for part in ("123", "4567"))
    assert first == datetime(2018, 6, 1, 9, 30, 0, 123_000, CHINA_TIME)
    assert second.microsecond == 456_700
    assert decode("20180601093000123", "instant") == first
    assert decode(43252.5, "instant").time() == time(12)
    assert decode("2018-06-01", "instant") == datetime(2018, 6, 1, tzinfo=CHINA_TIME)
    assert decode(datetime(2018, 6, 1, 1, 30, tzinfo=UTC), "instant").hour == 9
    assert reason("长期", "instant") == reason("2018", "instant") == "INSTANT_PRECISION"


@pytest.mark.parametrize(
    ("cell", "unit", "expected"),
    [
        ("2.0000", "万元", "20000.00"),
        (500, "万元", "5000000.00"),
        (Decimal("500.000000"), "万元", "5000000.00"),
        (0.1, "元", "0.10"),
        ("-12.5", "元", "-12.50"),
        ("0.001", "元", "0.001"),
        ("1,234,567.89", "元", "1234567.89"),
        ("￥１，２３４．５０元", "万元", "1234.50"),
        ("人民币 200 元整", "万元", "200.00"),
        ("3千元", "元", "3000.00"),
        ("500万", "元", "5000000.00"),
        ("3百万", "万元", "3000000.00"),
        ("150分", "元", "1.50"),
        ("5角", "元", "0.50"),
        ("300", "分", "3.00"),
        ("贰佰元整", "万元", "200.00"),
        ("壹佰零伍圆", "元", "105.00"),
        ("拾贰万元", "元", "120000.00"),
        ("一亿二千万零五元", "元", "120000005.00"),
        ("贰万亿元", "元", "2000000000000.00"),
        ("伍角", "元", "0.50"),
        ("壹元零柒分", "元", "1.07"),
    ],
)
def test_money_is_exact_yuan_and_the_written_unit_wins(cell, unit, expected):
    assert str(decode(cell, {"money": {"unit": unit}})) == expected


@pytest.mark.parametrize(
    "cell", ["12,34", "1,2345", "约200元", "元", "200港元", "贰佰", "一百", True, b"2", math.inf]
)
def test_money_refuses(cell):
    assert reason(cell, "money") in {"MONEY", "NUMBER"}


def test_band_edges_are_those_of_m_band():
    labels = ["≤1000元", "1000元–1万", "1–10万", "10–100万", ">100万"]
    for edge, (below, above) in zip((10**3, 10**4, 10**5, 10**6), pairwise(labels), strict=True):
        assert decode(edge, "band") == below
        assert decode(edge + Decimal("0.01"), "band") == above


def test_number_decoders_take_native_values():
    assert decode(Decimal("12"), "integer") == 12
    assert decode(12.0, "integer") == 12
    assert reason(True, "integer") == "NUMBER"
    assert reason(Decimal("1e100000"), "integer") == reason("9" * 5_000, "integer") == "NUMBER"
    assert decode(2023, "year") == 2023
    assert decode(date(2023, 5, 1), "year") == 2023
    assert decode("2023.0", "year") == 2023


def test_boolean_takes_native_values_and_yaml_keys():
    assert decode(True, "boolean") is True
    assert decode(b"\x01", "boolean") is True
    assert decode(0, "boolean") is False
    assert decode("Ｙ", {"boolean": {True: ["Y"], False: ["N"]}}) is True
    assert decode("n", {"boolean": {"true": "Y", "false": "N"}}) is False
    assert reason("1", {"boolean": {True: ["Y"], False: ["N"]}}) == "BOOLEAN"


def test_codes_by_table():
    tables = {"sex": {"1": "男", "2": "女"}}
    assert decode(" 1 ", {"codes": "sex"}, tables=tables) == "男"
    assert decode("9", {"codes": {"table": "sex", "else": "未知"}}, tables=tables) == "未知"
    assert decode("9", {"codes": {"table": "sex", "else": None}}, tables=tables) is None
    assert decode("01", {"codes": {"01": "x", "1": "y"}}) == "x"


@pytest.mark.parametrize(
    ("remark", "word"),
    [("经复议，已撤销。", "REVOKED"), ("已作废", "REVOKED"), ("无", "ACTIVE"), ("更正", "OTHER")],
)
def test_a_remark_says_by_its_words_what_became_of_a_record(remark, word):
    patterns = {"撤销|作废": "REVOKED", "更 *正": "OTHER", "else": "ACTIVE"}
    assert decode(remark, {"match": patterns}) == word


def test_charset_undoes_cp1252_as_mysql_means_latin1():
    raw = bytes([0x82, 0x99, 0x81, 0x95])
    misread = "\u201a\u2122\x81\u2022"
    assert misread[:2] == raw[:2].decode("cp1252")
    for cell in (misread, raw.decode("latin1"), memoryview(raw)):
        assert decode(cell, {"charset": "gb18030"}) == raw.decode("gb18030")
    assert decode("plain", {"charset": "gb18030"}) == "plain"


def test_document_numbers_in_every_spelling_are_equal():
    spellings = ["测市监罚〔2025〕9号", "测市监罚[2025]9号", "测市监罚（2025）9号", "测市监罚(2025) 9号",
                 "测市监罚【2025】９号", "测市监罚﹝2025﹞9号", "测市监罚〔2025年〕9号"]  # fmt: skip
    assert {decode(one, "documentNo") for one in spellings} == {"测市监罚〔2025〕9号"}
    assert decode("测市监罚〔2025〕9号（复）", "documentNo") == "测市监罚〔2025〕9号(复)"


def test_a_step_after_split_runs_on_every_part():
    assert decode("1、3", "split", {"codes": {"1": "罚款", "3": "没收"}}) == ("罚款", "没收")
    assert decode("无,a", "split", {"nullIf": "无"}) == ("a",)
    assert decode(" , ", "split") is None
    assert decode(["a", None, " b "], "split") == ("a", "b")
    assert result_type(("split", {"codes": {}})) is tuple


def test_empty_ends_a_chain_before_a_step_could_refuse_it():
    assert decode("", "citizenId") is None
    assert decode("   ", "trim", "citizenId") is None
    assert decode(None, "money") is None
    assert decode(b"", {"charset": "gb18030"}) is None


SECRET = "990101198001010015"


REFUSING = ["band", "boolean", "citizenId", "date", "instant", "integer", "money", "uscc", "year"]


@pytest.mark.parametrize("name", REFUSING)
@pytest.mark.parametrize("cell", [f"x{SECRET}", [SECRET]], ids=["text", "list"])
def test_a_refusal_never_holds_the_cell(name, cell):
    with pytest.raises(DecodeError) as refused:
        decode(cell, name)
    assert SECRET not in repr(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ("dates", "choose from"),
        ({"trim": 1}, "no argument"),
        ({"trim": None, "upper": None}, "one decoder a step"),
        ({}, "one decoder a step"),
        ({"charset": "klingon"}, "no charset"),
        ({"charset": None}, "name a charset"),
        ("nullIf", "list the texts"),
        ({"split": ""}, "separators"),
        ({"codes": "nowhere"}, "no table"),
        ({"codes": {}}, "empty"),
        ({"codes": {"table": "known", "other": 1}}, "only `else`"),
        ({"boolean": {"true": ["1"]}}, "both"),
        ({"boolean": ["1"]}, "write `boolean"),
        ({"boolean": {"true": ["1"], "false": ["1"]}}, "both true and false"),
        ({"money": {"unit": "亿"}}, "unit"),
        ({"money": {"unit": "元", "x": 1}}, "unit"),
        ({"money": {}}, "unit"),
        ({"band": []}, "edges"),
        ({"band": ["a"]}, "number"),
        ({"band": [5, 1]}, "rise"),
    ],
)
def test_a_wrong_step_is_a_manifest_error(step, says):
    with pytest.raises(ManifestError, match=says) as refused:
        compile_chain((step,), {"known": {"1": "x"}}, "records.X.fields.y")
    assert refused.value.code == "MANIFEST_DECODER"
    assert refused.value.where == "records.X.fields.y"


def test_a_name_is_registered_once():
    with pytest.raises(ValueError, match="twice"):
        plain("trim")(str)
    with pytest.raises(ValueError, match="twice"):
        configured("money")(lambda _argument, _tables: str)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("身份证９９０１０１１９８００１０１００１４。", "身份证[证件号]。"),
        ("证990101 19800101 0014", "证[证件号]"),
        ("旧证990101751231002号", "旧证[证件号]号"),
        ("错号99010119800101001X", "错号[证件号]"),
        ("税号99010119800101001402", "税号[证件号]"),
        ("公示9901011980****0014", "公示[证件号]"),
        ("个体户92990100MA9TE00732", "个体户[证件号]"),
        ("公司91990100MA9TE00142", "公司91990100MA9TE00142"),
        ("护照E12345678", "护照[证件号]"),
        ("卡6222000000000000012", "卡[银行卡]"),
        ("卡6222 0000 0000 0000 012", "卡[银行卡]"),
        ("电+86 138-0013-8000", "电[手机号]"),
        ("邮13800138000@example.cn", "邮[邮箱]"),
        ("浙HD12345与浙h12345、浙H1234警", "[车牌]与[车牌]、[车牌]"),
        ("测市监罚〔2025〕7号罚款2000000元", "测市监罚〔2025〕7号罚款2000000元"),
        ("（2018）京0101民初123号", "（2018）京0101民初123号"),
    ],
)
def test_scrub(text, expected):
    assert scrub(text) == expected


def test_scrub_takes_names_known_from_the_row():
    text = "测试甲与欧 阳样例共同销售，欧阳在场"
    assert scrub(text, ["欧阳", "欧阳样例", "测", "测试甲"]) == "[姓名]与[姓名]共同销售，[姓名]在场"
    assert scrub(text) == text
