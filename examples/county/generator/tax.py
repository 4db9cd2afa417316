"""税务 tax: its own file behind a REST service; grades, arrears and published cases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text

from .columns import Cell, Row, varchars
from .dice import Dice
from .dirt import document_no, java_timestamp, lost_rare, misspelt, taxpayer_15, written
from .entities import Entity
from .people import Person

NAME = "tax"
metadata = MetaData()
_CHINA = timezone(timedelta(hours=8))

RATING = Table(
    "nsxy",
    metadata,
    Column("xh", BigInteger, primary_key=True),
    *varchars(nsrsbh=24, shxydm=24, nsrmc=200),
    Column("pdnd", Integer),
    *varchars(xyjb=10, gbrq=40, tzrq=40, tzyy=100, swjgDm=20, swjgMc=100, yxbz=4, gxsj=40),
    Index("ix_nsxy_nsrsbh", "nsrsbh"),
)
CASES = Table(
    "zdsx",
    metadata,
    Column("ajbh", BigInteger, primary_key=True),
    *varchars(nsrsbh=24, shxydm=24, zjhm=24, xm=200, fddbr=60, ajxz=60),
    Column("wfss", Text),
    Column("cfqk", Text),
    *varchars(ajwh=80, QSYE=40, gbrq=40, jzrq=40, tzgbyy=10, tzgbrq=40, jcjg=100, sxdj=10, yxbz=4),
    *varchars(yyrq=40, gxsj=40),
    Index("ix_zdsx_nsrsbh", "nsrsbh"),
    Index("ix_zdsx_zjhm", "zjhm"),
)

_OFFICE = "国家税务总局样例县税务局"
_CASES = ("偷税", "虚开增值税发票", "逃避追缴欠税", "骗取出口退税")


def person_rows(person: Person, dice: Dice) -> Iterator[Row]:
    """Very few adults have a published case."""
    if person.adult and dice.chance(0.008):
        case = _case(1_000_000 + person.index, person.name, dice)
        yield CASES, case | {"zjhm": person.citizen_id}


def entity_rows(entity: Entity, dice: Dice) -> Iterator[Row]:
    """Grades of the last years of two thirds of the taxpayers; cases and arrears of few."""
    if not entity.market:
        return
    key = misspelt(dice, entity.uscc, taxpayer_15, rate=0.1)
    if dice.chance(0.66):
        yield from _ratings(entity, key, dice)
    if dice.chance(0.05):
        case = _case(500_000_000 + entity.index, entity.name, dice)
        yield CASES, case | {"nsrsbh": key, "shxydm": _code(key), "fddbr": lost_rare(entity.head.name)}
    if dice.chance(0.06):
        yield CASES, _arrears(entity, key, dice)


def _ratings(entity: Entity, key: str, dice: Dice) -> Iterator[Row]:
    for year in range(dice.today.year - 3, dice.today.year):
        published = datetime(year + 1, 4, 23, tzinfo=_CHINA)
        row: dict[str, Cell] = {
            "xh": (entity.index * 10 + year % 5) * 2,
            "nsrsbh": key,
            "shxydm": _code(key),
            "nsrmc": entity.name,
            "pdnd": year,
            "xyjb": dice.choice(("A", "A", "B", "B", "M", "C", "D", None, "未参评")),
            "gbrq": dice.choice((str(int(published.timestamp() * 1000)), f"{year + 1}-04-23 00:00:00.0")),
            "tzrq": "",
            "swjgDm": "19901000000",
            "swjgMc": _OFFICE,
            "yxbz": "Y",
            "gxsj": f"{year + 1}-04-23 00:00:00",
        }
        yield RATING, row
        if dice.chance(0.05):
            adjusted = {
                "tzrq": f"{year + 1}-09-01 00:00:00.0",
                "tzyy": "复评",
                "gxsj": f"{year + 1}-09-01 00:00:00",
            }
            yield RATING, row | {"xh": (entity.index * 10 + year % 5) * 2 + 1, "xyjb": "C"} | adjusted


def _case(number: int, name: str, dice: Dice) -> dict[str, Cell]:
    published = dice.past(8)
    stopped, disputed = dice.chance(0.1), dice.chance(0.03)
    return {
        "ajbh": number,
        "xm": lost_rare(name),
        "ajxz": dice.choice(_CASES),
        "wfss": f"{lost_rare(name)}在账簿上少列收入，证件号990101196307080059，电话13800138000",
        "cfqk": "追缴税款并处罚款",
        "ajwh": document_no(dice, "测税稽罚", published.year, number % 100_000),
        "QSYE": None,
        "gbrq": written(dice, published, java_timestamp),
        "jzrq": written(dice, published + timedelta(days=1095), java_timestamp),
        "tzgbyy": "1" if stopped else None,
        "tzgbrq": written(dice, dice.today, java_timestamp) if stopped else None,
        "jcjg": "国家税务总局样例市税务局稽查局",
        "sxdj": "SERIOUS",
        "yxbz": "D" if disputed else "N" if dice.chance(0.03) else "Y",
        "yyrq": written(dice, dice.today, java_timestamp) if disputed else None,
        "gxsj": f"{published} 00:00:00",
    }


def _arrears(entity: Entity, key: str, dice: Dice) -> dict[str, Cell]:
    row = _case(800_000_000 + entity.index, entity.name, dice)
    return row | {
        "nsrsbh": key,
        "shxydm": _code(key),
        "fddbr": lost_rare(entity.head.name),
        "ajxz": "欠税公告",
        "wfss": None,
        "cfqk": None,
        "QSYE": f"{dice.randint(1_000, 9_000_000):,}.{dice.randint(0, 99):02d}",
        "jzrq": "",
        "sxdj": "GENERAL",
    }


def _code(taxpayer_no: str) -> str | None:
    """Old taxpayers were never given their new code."""
    return taxpayer_no if len(taxpayer_no) == 18 else None
