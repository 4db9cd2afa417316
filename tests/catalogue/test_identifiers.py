"""Check digits agree with python-stdnum, which is too slow for every row; a wrong number says why."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import datetime

import pytest
from stdnum.cn import uscc
from stdnum.iso7064 import mod_11_2

from catalogue.identifiers import IdentifierError, IdentifierFault, normalize_citizen_id, normalize_uscc
from catalogue.values import CHINA_TIME

DICE = random.Random(11643)


def fault(normalize: Callable[[str], str], text: str) -> IdentifierFault:
    with pytest.raises(IdentifierError) as caught:
        normalize(text)
    return caught.value.fault


def test_citizen_ids_have_the_check_digit_of_iso_7064() -> None:
    for _ in range(2_000):
        body = f"{DICE.randrange(100_000, 999_999)}19{DICE.randrange(100):02d}0615{DICE.randrange(1_000):03d}"
        right = body + mod_11_2.calc_check_digit(body)
        assert normalize_citizen_id(right.lower()) == right
        assert normalize_citizen_id(f'="{right} "') == right
        wrong = body + DICE.choice(sorted(set("0123456789X") - {right[-1]}))
        assert fault(normalize_citizen_id, wrong) is IdentifierFault.CHECK_DIGIT
        if body[14:] not in ("996", "997", "998", "999"):
            assert normalize_citizen_id(body[:6] + body[8:]) == right


def test_uscc_have_the_check_digit_of_gb_32100() -> None:
    for _ in range(2_000):
        body = "91990100" + "".join(DICE.choices("0123456789ABCDEFGHJKLMNPQRTUWXY", k=9))
        right = body + uscc.calc_check_digit(body)
        assert normalize_uscc(f" {right[:8]}-{right[8:].lower()}") == right
        wrong = DICE.choice(sorted(set("0123456789ABCDEFGHJKLMNPQRTUWXY") - {right[-1]}))
        assert fault(normalize_uscc, body + wrong) in (IdentifierFault.CHECK_DIGIT, IdentifierFault.PERSONAL)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9901011980010100", IdentifierFault.LENGTH),
        ("99010119800101001A", IdentifierFault.CHARACTERS),
        ("٩٩٠١٠١١٩٨٠٠١٠١٠٠١٤", IdentifierFault.CHARACTERS),
        ("990101198013010014", IdentifierFault.DATE),
        ("990101800101997", IdentifierFault.AMBIGUOUS_CENTURY),
        ("9.90101E+17", IdentifierFault.SCIENTIFIC_NOTATION),
        ("91990100MA9TE0014O", IdentifierFault.CHARACTERS),
        ("91990100MA9TE0014", IdentifierFault.LENGTH),
    ],
)
def test_what_is_no_number_says_why(text: str, expected: IdentifierFault) -> None:
    normalize = normalize_uscc if text.startswith("91") else normalize_citizen_id
    assert fault(normalize, text) is expected


def test_full_width_numbers_are_read() -> None:
    assert normalize_citizen_id("９９０１０１１９８００１０１００１４") == "990101198001010014"


def test_one_born_today_in_china_is_born_on_a_machine_where_it_is_yesterday_yet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "Etc/GMT+12")
    time.tzset()
    try:
        body = f"990101{datetime.now(CHINA_TIME):%Y%m%d}001"
        number = body + mod_11_2.calc_check_digit(body)
        assert normalize_citizen_id(number) == number
    finally:
        monkeypatch.undo()
        time.tzset()
