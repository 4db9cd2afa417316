"""Synthetic persons by index: region 990101, so that no number can be anyone's.

The load generator and the data come from the same function, so neither asks the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

_FIRST_BIRTHDAY: Final = date(1950, 1, 1)
_BIRTHDAYS: Final = 17_500
"""Up to 1997: everyone was of age at every act in the data."""
_STRIDE: Final = 7_919
"""A prime, so that neighbours in the tables are not neighbours in age."""
_SERIALS: Final = 995
"""996 to 999 are centenarians' in 15-digit numbers."""
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK: Final = "10X98765432"
_SURNAMES: Final = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
_GIVEN: Final = "安邦成德方光浩和建杰静康乐明宁平清荣瑞思泰文祥新雅永玉泽志子"


@dataclass(frozen=True, slots=True)
class Person:
    """One person: `index` is the row in every table."""

    index: int
    number: str
    name: str


def person(index: int) -> Person:
    """The person of a row; numbers are distinct below 17 million."""
    block, serial = divmod(index, _SERIALS)
    born = _FIRST_BIRTHDAY + timedelta(days=block * _STRIDE % _BIRTHDAYS)
    body = f"990101{born:%Y%m%d}{serial:03d}"
    check = _CHECK[sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True)) % 11]
    given = _GIVEN[index // 16 % 30] + _GIVEN[index // 480 % 30]
    return Person(index, body + check, _SURNAMES[index % 16] + given)


def large_persons(persons: int) -> range:
    """Persons beyond the last who have many records; far apart, for numbers in a row are refused."""
    return range(persons, persons + 32 * 997, 997)
