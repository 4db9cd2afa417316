import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz.masks import HIDDEN, MaskContext, UnknownMask, known_rules, mask, of_text_alone
from authz.masks.registry import masking_rule
from catalogue.masks import MASK_RULES
from catalogue.values import OPEN_ENDED, PartialDate

VECTORS = json.loads((Path(__file__).parent.parent / "vectors/masks.json").read_text(encoding="utf-8"))[
    "mask"
]
TEXT_RULES = sorted(MASK_RULES - {"M_TEXT"})


@pytest.mark.parametrize(("rule", "given_value", "shown"), VECTORS)
def test_the_domain_vectors_hold_exactly(rule, given_value, shown):
    assert mask(rule, given_value) == shown


def test_the_registry_holds_exactly_the_rules_that_the_catalogue_may_name():
    assert known_rules() == MASK_RULES


def test_an_unknown_rule_raises_instead_of_showing_the_value():
    with pytest.raises(UnknownMask):
        mask("M_NONE", "测试甲")
    with pytest.raises(UnknownMask):
        mask("", None)


def test_a_rule_cannot_be_registered_twice():
    with pytest.raises(ValueError, match="M_NAME"):
        masking_rule("M_NAME")(lambda value, _: value)


@pytest.mark.parametrize("rule", sorted(MASK_RULES))
def test_nothing_stays_nothing(rule):
    assert mask(rule, None) is None


@pytest.mark.parametrize(
    ("rule", "value", "shown"),
    [
        ("M_NAME", "司马样", "司马*"),
        ("M_NAME", "John Sample", "J**"),
        ("M_NAME", "阿卜杜拉·买买提·样例", "阿**"),
        ("M_NAME", "样例贸易有限责任公司", "样**"),
        ("M_NAME_PUB", "测试甲", "测**"),
        ("M_ID", "99010120120615004x", "9****************X"),
        ("M_ID_COURT", "9901011980****0014", "9901011980****0014"),
        ("M_PHONE", "+86 138-0013-8000", "138****8000"),
        ("M_PHONE", "0914-6281234", "0914-*****34"),
        ("M_LANDLINE", "010-62812345", "010-******45"),
        ("M_LANDLINE", "09146281234", "0914-*****34"),
        ("M_BANK", "6222 0000 0000 0000 012", "6222***********0012"),
        ("M_BANK", "990101198001010014", "9****************4"),
        ("M_CERT", "990101198001010014", "9****************4"),
        ("M_CERT", "字〔2020〕第0001号", "字〔*********1号"),
        ("M_EMAIL", "s@example.cn", "***@example.cn"),
        ("M_PLATE", "浙H·12345", "浙H1***5"),
        ("M_BOOL", "需人工核实", "需人工核实"),
        ("M_BOOL", False, False),
        ("M_COUNTY", "330881", "330881"),
        ("M_COUNTY", "330881102003", "330881"),
        ("M_COUNTY", "浙江省衢州市江山市样例路1号", "浙江省衢州市江山市"),
    ],
)
def test_other_shapes_the_departments_write(rule, value, shown):
    assert mask(rule, value) == shown


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("江苏省徐州市铜山区样例路1号", "江苏省徐州市铜山区"),
        ("湖北省荆州市沙市区样例路1号", "湖北省荆州市沙市区"),
        ("湖南省常德市津市市样例路1号", "湖南省常德市津市市"),
        ("新疆维吾尔自治区伊犁哈萨克自治州伊宁市样例路1号", "新疆维吾尔自治区伊犁哈萨克自治州伊宁市"),
        ("北京市市辖区海淀区样例路1号", "北京市市辖区海淀区"),
        ("宜君县样例街道样例路1号", "宜君县"),
        ("铜川市宜君县样例街道1号", "铜川市宜君县"),
        ("浙江省台州市路桥区路北街道", "浙江省台州市路桥区"),
        ("浙江省衢州市样例小区1幢", "浙江省衢州市"),
        ("浙江省杭州市衢县路1号", "浙江省杭州市"),  # a street named after a county of another city
        ("测试省样例市样例县样例路1号", "测试省样例市样例县"),
        ("测试省样例市样例小区1幢", "测试省样例市"),
        ("浙江省 衢州市 衢江区 样例村", "浙江省衢州市衢江区"),
    ],
)
def test_addresses_end_at_the_county_whatever_its_name(address, shown):
    assert mask("M_ADDR", address) == shown + HIDDEN
    assert mask("M_COUNTY", address) == shown


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("M_NAME", "测试甲990101198001010014"),
        ("M_ID", "E12345678"),
        ("M_ID", "13800138000"),
        ("M_ID_COURT", "990101751231002"),
        ("M_ID_COURT", "9901011980010*0014"),
        ("M_PHONE", "12345"),
        ("M_PHONE", "测试甲13800138000"),
        ("M_LANDLINE", "13800138000"),
        ("M_BANK", "12345"),
        ("M_EMAIL", "someone"),
        ("M_EMAIL", "测试 甲@example.cn"),
        ("M_PLATE", "测试甲"),
        ("M_CERT", "1234"),
        ("M_ADDR", "样例街道样例路1号"),
        ("M_COUNTY", "990101198001010014"),
        ("M_COUNTY", "990101751231002"),
        ("M_BAND", "200"),
        ("M_BAND", "罚款200元"),
        ("M_BOOL", "盗窃"),
        ("M_YEAR", "1980年1月1日"),
        ("M_DATE", "昨天"),
    ],
)
def test_a_text_of_unexpected_shape_is_hidden_whole(rule, value):
    assert mask(rule, value) == HIDDEN


@pytest.mark.parametrize("rule", sorted(MASK_RULES - {"M_BOOL"}))
@pytest.mark.parametrize("value", [13800138000, True])
def test_a_value_of_another_type_becomes_null(rule, value):
    assert mask(rule, value) is None


@pytest.mark.parametrize("rule", sorted(MASK_RULES - {"M_BAND"}))
def test_an_amount_passes_no_rule_but_its_band(rule):
    assert mask(rule, Decimal("123456.78")) is None


@given(st.sampled_from(TEXT_RULES), st.text(alphabet=st.characters(codec="utf-8"), min_size=1))
def test_no_text_comes_through_as_it_was(rule, text):
    shown = mask(rule, text)
    closed = rule in {"M_BOOL", "M_BAND", "M_YEAR", "M_DATE", "M_COUNTY", "M_ID_COURT"}
    assert shown != text or closed or not text.strip("*")


@given(st.from_regex(r"[0-9]{17}[0-9X]", fullmatch=True))
def test_no_rule_for_numbers_shows_more_of_an_id_than_the_court_does(number):
    for rule in sorted(MASK_RULES - {"M_ID_COURT"}):
        shown = mask(rule, number)
        assert shown is None or not re.search(r"[0-9X]{2}", str(shown))


def test_a_list_is_masked_item_by_item():
    assert mask("M_NAME", ("测试甲", "欧阳样例", "1号股东")) == ("测**", "欧阳**", HIDDEN)


def test_a_masked_date_is_a_coarser_date():
    assert mask("M_YEAR", PartialDate.of(1980, 1, 2)) == PartialDate.of(1980)
    assert mask("M_YEAR", PartialDate.of(1980, 1)) == PartialDate.of(1980)
    assert mask("M_YEAR", OPEN_ENDED) is OPEN_ENDED
    assert mask("M_DATE", PartialDate.of(2018, 6)) == PartialDate.of(2018, 6)


def test_an_instant_becomes_the_day_in_china():
    late = datetime(2018, 6, 1, 16, 30, tzinfo=UTC)
    assert mask("M_DATE", late) == PartialDate.of(2018, 6, 2)
    assert mask("M_YEAR", late) == PartialDate.of(2018)


@pytest.mark.parametrize(
    ("yuan", "band"),
    [
        ("0", "≤1000元"),
        ("200", "≤1000元"),
        ("1000", "≤1000元"),
        ("1000.01", "1000元–1万"),
        ("10000", "1000元–1万"),
        ("100000", "1–10万"),
        ("1000000", "10–100万"),
        ("1000000.01", ">100万"),
    ],
)
def test_an_amount_becomes_its_band_and_a_band_stays(yuan, band):
    assert mask("M_BAND", Decimal(yuan)) == band
    assert mask("M_BAND", band) == band


@pytest.mark.parametrize("amount", [Decimal("-1"), Decimal("NaN"), Decimal("Infinity")])
def test_an_amount_that_is_none_is_hidden(amount):
    assert mask("M_BAND", amount) is None


def test_bands_of_other_measures_stay():
    for band in ("13–24个月", "≤12个月", "10-50小时", ">100"):
        assert mask("M_BAND", band) == band


def test_free_text_loses_the_names_known_from_the_row():
    text = "测试甲与测试乙(990101198001010014)"
    assert mask("M_TEXT", text, MaskContext(names=("测试甲",))) == "[姓名]与测试乙([证件号])"


@given(value=st.one_of(st.sampled_from([each[1] for each in VECTORS]), st.text()), name=st.text())
def test_the_row_is_kept_from_no_rule_that_reads_it(value, name):
    for rule in MASK_RULES:
        if of_text_alone(rule):
            assert mask(rule, value, MaskContext(names=(name,))) == mask(rule, value)
    assert not of_text_alone("M_TEXT")
