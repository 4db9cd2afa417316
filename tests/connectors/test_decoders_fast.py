"""The short ways of decoders say what the long way says of the same cell."""

from __future__ import annotations

from datetime import datetime

from hypothesis import example, given
from hypothesis import strategies as st

from catalogue.values import CHINA_TIME, PartialDate
from connectors.decoders import DecodeError
from connectors.decoders.dates import instant, partial_date, year
from connectors.decoders.moments import read_moment

_FORMS = ("%Y%m%d", "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d%H%M%S", "%Y%m", "%Y")
_MOMENTS = st.datetimes(min_value=datetime(1800, 1, 1), max_value=datetime(2250, 1, 1))  # noqa: DTZ001
DATES = st.one_of(
    st.builds(lambda moment, form: moment.strftime(form), _MOMENTS, st.sampled_from(_FORMS)),
    st.text("0123456789", min_size=1, max_size=17),
    st.builds("{}{:06}".format, st.sampled_from(["20180601", "00000000"]), st.integers(0, 999_999)),
    st.text("0129-/.年月日", max_size=12),
)


def said(decode, cell):
    try:
        return decode(cell)
    except DecodeError as fault:
        return fault.reason


def plainly(cell: str) -> PartialDate | None:
    moment = read_moment(cell)
    return moment.day if moment else None


@given(DATES)
@example("00000000093000")
@example("20180601240000")
@example("20180601235960")
@example("99991231235959")
def test_a_date_is_the_day_of_its_moment(cell):
    assert said(partial_date, cell) == said(plainly, cell)
    assert said(partial_date, cell) == said(plainly, cell)


@given(st.integers(0, 9999), st.sampled_from(["", "年", "年度", ".0", " 年"]))
def test_a_year_is_that_of_its_moment(number, written):
    plain = said(plainly, f"{number:04}")
    if isinstance(plain, PartialDate):
        plain = "YEAR" if plain.open_ended else plain.earliest.year
    assert said(year, f"{number:04}{written}") == plain


@given(_MOMENTS)
def test_an_instant_is_its_datetime_in_china(cell):
    if 1900 <= cell.year < 2099:
        assert instant(cell) == cell.replace(tzinfo=CHINA_TIME)
