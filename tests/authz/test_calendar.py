from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz.calendar import (
    CALENDAR,
    Deadline,
    add_working_days,
    deadline,
    load_calendar,
    working_days_between,
)

NOTICE_2027 = """
2027:
  notice: 测试通知
  holidays: [2027-01-01, 2027-02-08]
  workdays: [2027-01-03]
"""


def calendar_of(tmp_path, text):
    path = tmp_path / "holidays.yaml"
    path.write_text(text, encoding="utf-8")
    return load_calendar(path)


@pytest.mark.parametrize(
    ("start", "n", "end"),
    [
        (date(2026, 6, 1), 0, date(2026, 6, 1)),
        (date(2026, 6, 1), 1, date(2026, 6, 2)),
        (date(2026, 6, 5), 1, date(2026, 6, 8)),  # over a weekend
        (date(2026, 9, 30), 1, date(2026, 10, 8)),  # over 国庆节
        (date(2026, 10, 9), 1, date(2026, 10, 10)),  # Saturday 10 October is worked instead
        # 28 September and 11 October 2025 are worked, 1 to 8 October are off: 28 29 30, 9 10 11, 13
        (date(2025, 9, 26), 7, date(2025, 10, 13)),
        (date(2026, 6, 6), 1, date(2026, 6, 8)),  # from a Saturday
    ],
)
def test_terms_run_on_working_days(start, n, end):
    assert add_working_days(start, n) == end
    assert deadline(start, n) == Deadline(end, assumed=False)


def test_working_days_between_two_days():
    assert working_days_between(date(2026, 9, 30), date(2026, 10, 10)) == 3
    assert working_days_between(date(2026, 10, 10), date(2026, 9, 30)) == -3
    assert working_days_between(date(2026, 6, 1), date(2026, 6, 1)) == 0


def test_a_negative_term_is_refused():
    with pytest.raises(ValueError, match="negative"):
        add_working_days(date(2026, 6, 1), -1)


@given(st.dates(date(2010, 1, 1), date(2035, 1, 1)), st.integers(1, 40))
def test_a_term_ends_on_a_working_day_and_is_as_long_as_it_says(start, n):
    end = add_working_days(start, n)
    assert CALENDAR.is_working_day(end)
    assert working_days_between(start, end) == n
    assert end - start >= timedelta(days=n)


def test_a_year_without_a_notice_is_counted_by_weekends_and_says_so(tmp_path):
    bare = calendar_of(tmp_path, "{}")
    assert bare.deadline(date(2099, 1, 1), 1) == Deadline(date(2099, 1, 2), assumed=True)
    assert bare.assumed(2099)
    assert not bare.assumed(2026)


def test_a_term_that_runs_into_a_year_without_a_notice_is_assumed(tmp_path):
    bare = calendar_of(tmp_path, "{}")
    assert bare.deadline(date(2026, 12, 30), 1).assumed is False
    assert bare.deadline(date(2026, 12, 31), 1) == Deadline(date(2027, 1, 1), assumed=True)


def test_a_later_notice_is_data(tmp_path):
    noticed = calendar_of(tmp_path, NOTICE_2027)
    assert noticed.deadline(date(2026, 12, 31), 1) == Deadline(date(2027, 1, 3), assumed=False)
    assert noticed.deadline(date(2027, 2, 5), 1).on == date(2027, 2, 9)


def test_a_notice_wins_over_the_package(tmp_path):
    changed = calendar_of(tmp_path, "2026: {notice: 测试, holidays: [2026-06-02], workdays: []}")
    assert changed.deadline(date(2026, 6, 1), 1).on == date(2026, 6, 3)


@pytest.mark.parametrize(
    "text",
    [
        "2027: {notice: 测试, holidays: [2028-01-01]}",
        "2027: {notice: 测试, holidays: [2027-01-01], workdays: [2027-01-01]}",
        "2027: {holidays: [2027-01-01]}",
        "2027: {notice: 测试, feiertage: []}",
    ],
)
def test_a_broken_notice_is_refused(tmp_path, text):
    with pytest.raises(ValueError, match=r"2027|validation"):
        calendar_of(tmp_path, text)
