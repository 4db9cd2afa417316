"""Synthetic natural persons: ids of region 9901xx, which GB/T 2260 assigns to nobody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from stdnum.iso7064 import mod_11_2

from .dice import Dice

_DIVISIONS = tuple(f"9901{n:02d}" for n in range(2, 11))  # 990101 is the fixed cast's
_FIRST_BIRTH = date(1934, 1, 1)
_SEQUENCES = 496  # pairs (even, odd) 002…993: 996-999 were centenarians' and stay free
_STRIDE = 1_000_003

_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
)
_COMPOUND = ("欧阳", "司马", "上官", "诸葛", "皇甫", "尉迟", "慕容", "令狐")
_MINORITY = ("买买提", "阿依古丽", "迪丽努尔", "扎西", "巴特尔", "古丽娜")
_MINORITY_FATHERS = ("样例", "艾山", "吐尔逊", "多吉", "卓玛")
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英华玉兰建国文辉鑫宇晨欣怡子轩梓涵浩然思雨嘉琪一诺"
_RARE = "𠮷㛃䶮龑喆堃"


@dataclass(frozen=True, slots=True)
class Person:
    """One natural person, as the truth would have them."""

    index: int
    citizen_id: str
    name: str
    male: bool
    born: date
    division: str
    address: str
    today: date

    def adult_on(self, day: date) -> bool:
        """Whether they had turned 18 by that day."""
        return (day.year - 18, day.month, day.day) >= (self.born.year, self.born.month, self.born.day)

    @property
    def adult(self) -> bool:
        """Whether they are 18 today."""
        return self.adult_on(self.today)

    @property
    def working(self) -> bool:
        """Adult and at most 65 today."""
        return self.adult and self.today.year - self.born.year <= 65


def person(index: int, dice: Dice) -> Person:
    """Person number `index`: no two indices share an id, without remembering any."""
    days = (date(dice.today.year - 2, 12, 31) - _FIRST_BIRTH).days
    slots = days * len(_DIVISIONS)
    lap, slot = divmod(index * _STRIDE, slots)
    day, place = divmod(slot, len(_DIVISIONS))
    born = _FIRST_BIRTH + timedelta(days=day)
    male = dice.chance(0.51)
    sequence = 2 * ((slot * 7 + lap) % _SEQUENCES + 1) + male
    division = _DIVISIONS[place]
    address = f"样例市样例县样例路{1 + index % 400}号{1 + index % 6}栋{1 + index % 30}室"
    number = citizen_id(division, born, sequence)
    return Person(index, number, _name(dice), male, born, division, address, dice.today)


def citizen_id(division: str, born: date, sequence: int) -> str:
    """An id of GB 11643-1999 with its ISO 7064 MOD 11-2 check character."""
    body = f"{division}{born:%Y%m%d}{sequence:03d}"
    return body + mod_11_2.calc_check_digit(body)


def _name(dice: Dice) -> str:
    kind = dice.random()
    if kind < 0.02:
        return f"{dice.choice(_MINORITY)}·{dice.choice(_MINORITY_FATHERS)}"
    surname = dice.choice(_COMPOUND) if kind < 0.05 else dice.choice(_SURNAMES)
    given = dice.choice(_RARE) if kind > 0.99 else dice.choice(_GIVEN)
    return surname + given + (dice.choice(_GIVEN) if dice.chance(0.7) else "")
