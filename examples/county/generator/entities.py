"""Synthetic entities with valid unified social credit codes (GB 32100-2015)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum

from stdnum.cn import uscc as gb32100

from .dice import PEOPLE, Dice
from .people import Person, person

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_STRIDE = 7_654_321
_CODES = 31**5
_TRADES = ("食品", "建材", "商贸", "科技", "餐饮", "农业", "运输", "文化", "化工", "机械")


class Form(Enum):
    """Legal form: registrar and kind of the code, prefix of the organization code, name ending, share."""

    COMPANY = ("91", "MA", "有限公司", 58)
    INDIVIDUAL = ("92", "MA", "店", 20)
    COOPERATIVE = ("93", "NA", "农民专业合作社", 5)
    LAW_FIRM = ("31", "MD", "律师事务所", 2)
    ASSOCIATION = ("51", "MJ", "协会", 5)
    PRIVATE_NON_ENTERPRISE = ("52", "MJ", "服务中心", 4)
    INSTITUTION = ("12", "MB", "中心", 4)
    ORGAN = ("11", "00", "局", 2)

    def __init__(self, kind: str, prefix: str, ending: str, share: int) -> None:
        self.kind = kind
        self.prefix = prefix
        self.ending = ending
        self.share = share


_FORMS = tuple(form for form in Form for _ in range(form.share))
SOCIAL = frozenset({Form.ASSOCIATION, Form.PRIVATE_NON_ENTERPRISE})
PUBLIC = frozenset({Form.INSTITUTION, Form.ORGAN})


@dataclass(frozen=True, slots=True)
class Entity:
    """One organization, as the truth would have it, with the person who answers for it."""

    index: int
    uscc: str
    form: Form
    name: str
    trade: str
    established: date
    head: Person
    reg_no: str

    @property
    def market(self) -> bool:
        """Whether the market supervision bureau's register holds it."""
        return self.form not in SOCIAL and self.form not in PUBLIC

    @property
    def organization_code(self) -> str:
        """The old code with its dash (GB 11714)."""
        return f"{self.uscc[8:16]}-{self.uscc[16]}"


def entity(index: int, dice: Dice, head: Person) -> Entity:
    """Entity number `index`: no two indices share a code, without remembering any."""
    form = _FORMS[index * 37 % len(_FORMS)]
    body = form.prefix + "C" + _base31(index * _STRIDE % _CODES)
    trade = dice.choice(_TRADES)
    name = f"样例县{dice.choice('东南西北中')}{index}号{trade}{form.ending}"
    established = dice.past(20)
    return Entity(index, uscc(form.kind, body), form, name, trade, established, head, f"99010{index:010d}")


def head_of(index: int, persons: int, dice: Dice) -> Person:
    """The adult who answers for entity `index`; every child's number is tried past."""
    at = index * 13 % persons
    while not (found := person(at, Dice(dice.origin, PEOPLE, at, dice.today))).adult:
        at = (at + 1) % persons
    return found


def uscc(kind: str, organization: str, division: str = "990100") -> str:
    """A code from its kind and the first eight characters of the organization code."""
    body = kind + division + organization + organization_check(organization)
    return body + gb32100.calc_check_digit(body)


def organization_check(code: str) -> str:
    """The check character of GB 11714: 11 - Σ mod 11, with 10 → X and 11 → 0."""
    total = sum(int(char, 36) * weight for char, weight in zip(code, _WEIGHTS, strict=True))
    return "0123456789X0"[11 - total % 11]


def _base31(number: int) -> str:
    digits = ""
    for _ in range(5):
        number, digit = divmod(number, 31)
        digits = _ALPHABET[digit] + digits
    return digits
