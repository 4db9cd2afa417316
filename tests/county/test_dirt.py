"""Each defect keeps the truth recoverable: the connectors' decoders read back what was meant."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.identifiers import normalize_citizen_id, normalize_uscc
from catalogue.values import PartialDate
from connectors.decoders import compile_chain
from examples.county.generator import dirt
from examples.county.generator.dice import PEOPLE, Dice
from examples.county.generator.people import citizen_id

STYLES = [
    dirt.compact,
    dirt.dashed,
    dirt.unpadded,
    dirt.slashed,
    dirt.dotted,
    dirt.short_year,
    dirt.chinese,
    dirt.chinese_digits,
    dirt.stamped,
    dirt.java_timestamp,
    dirt.excel_serial,
]
DAYS = st.dates(date(1970, 1, 1), date(2068, 12, 31))
read_date = compile_chain(("date",), {})


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.__name__)
@given(day=DAYS)
def test_every_date_style_reads_back(style: Callable[[date], str], day: date) -> None:
    assert read_date(style(day)) == PartialDate(day)


@pytest.mark.parametrize("style", [dirt.month_only, dirt.no_day], ids=lambda style: style.__name__)
@given(day=DAYS)
def test_what_is_not_known_of_a_date_stays_unknown(style: Callable[[date], str], day: date) -> None:
    assert read_date(style(day)) == PartialDate.of(day.year, day.month)


@pytest.mark.parametrize(
    "spell", [dirt.lower, dirt.padded, dirt.digits_15, dirt.trailing_space, dirt.full_width]
)
@given(born=st.dates(date(1934, 1, 1), date(2020, 12, 31)), sequence=st.integers(2, 993))
def test_misspelt_ids_are_still_the_same_person(
    spell: Callable[[str], str], born: date, sequence: int
) -> None:
    number = citizen_id("990105", born, sequence)
    assert normalize_citizen_id(spell(number)) == number


@pytest.mark.parametrize("spell", [dirt.lower, dirt.trailing_space, dirt.full_width])
def test_misspelt_codes_are_still_the_same_entity(spell: Callable[[str], str]) -> None:
    assert normalize_uscc(spell("91990100MA9TE00142")) == "91990100MA9TE00142"


@given(index=st.integers(0, 10_000))
def test_a_document_number_has_one_normal_form(index: int) -> None:
    dice = Dice(1, PEOPLE, index, date(2026, 11, 21))
    read = compile_chain(("documentNo",), {})
    assert read(dirt.document_no(dice, "测市监罚", 2026, 7)) == "测市监罚〔2026〕7号"


def test_gbk_bytes_and_lost_characters() -> None:
    assert compile_chain(({"charset": "gb18030"},), {})(dirt.gbk("样例路1号")) == "样例路1号"
    assert dirt.lost_rare("样𠮷野") == "样?野"
