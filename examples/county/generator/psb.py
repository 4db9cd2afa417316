"""公安 public security: population register with versions, traffic decisions, child-contact checks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import BigInteger, Column, Index, MetaData, Table

from .columns import Cell, Row, varchars
from .dice import Dice
from .dirt import (
    chinese,
    compact,
    dashed,
    document_no,
    lost_rare,
    lower,
    misspelt,
    no_day,
    padded,
    slashed,
    stamped,
    trailing_space,
    written,
)
from .entities import Entity
from .people import Person, citizen_id

NAME = "psb"
metadata = MetaData()

REGISTER = Table(
    "T_CZRK_JBXX",
    metadata,
    Column("RYNBID", BigInteger, primary_key=True),
    Column("RYID", BigInteger, nullable=False),
    *varchars(GMSFHM=18, XM=60, CYM=60, XB=4, MZ=2, CSRQ=8, SSXQ=6, JLX=24, MLPH=60, MLXZ=200),
    *varchars(PCSDM=9, ZJYXQZ=20, RYZT=2, JLBZ=1, CXBZ=1, GXSJ=14),
    Index("IX_CZRK_GMSFHM", "GMSFHM"),
)
CORRECTION = Table(
    "T_GMSFHM_GZ",
    metadata,
    *varchars(YGMSFHM=18, XGMSFHM=18, GZRQ=8, GZYY=1),
    Index("IX_GZ_YGMSFHM", "YGMSFHM"),
    Index("IX_GZ_XGMSFHM", "XGMSFHM"),
)
TRAFFIC = Table(
    "T_JTWF_JDS",
    metadata,
    Column("XH", BigInteger, primary_key=True),
    *varchars(WSBH=60, DSR=60, SFZMHM=24, WFDM=6, WFXW=200, WFSJ=30, WFDZ=200, CFZL=20, JSZZT=10),
    *varchars(ZJCX=10, HPHM=20, CLSJ=20, CLJG=100, JKBJ=4, JDJB=10, CLCX=10, GSQX=20, FBRQ=20),
    *varchars(ZT=4, FYZT=4, YYRQ=20, CXRQ=20, BZ=200, GXSJ=14),
    Index("IX_JTWF_SFZMHM", "SFZMHM"),
)
CHILD_CONTACT = Table(
    "T_MCN_RZCX",
    metadata,
    *varchars(CXBH=40, SFZH=20, XM=60, YRDW_TYDM=24, GWLB=4, CXJG=4, YXQZ=20, CXRQ=20, NDFC=4),
    *varchars(CJJG=100, ZT=4, GXSJ=14),
    Index("IX_MCN_SFZH", "SFZH"),
)

_OFFENCES = (
    ("1721", "醉酒驾驶机动车", "SERIOUS"),
    ("1603", "驾驶机动车逃逸尚不构成犯罪", "SERIOUS"),
    ("1636", "驾驶机动车行驶超过规定时速50%以上", "GENERAL"),
    ("1712", "饮酒后驾驶机动车", "GENERAL"),
    ("1039", "机动车违反规定停放", "GENERAL"),
)


def person_rows(person: Person, dice: Dice) -> Iterator[Row]:
    """Register versions of everybody; decisions and checks of some adults."""
    yield from _register(person, dice)
    if person.adult and dice.chance(0.05):
        yield TRAFFIC, _traffic(person, dice)
    if person.working and dice.chance(0.03):
        yield CHILD_CONTACT, _child_contact(person, dice)


def entity_rows(entity: Entity, dice: Dice) -> Iterator[Row]:
    """The police hold no register of entities."""
    return iter(())


def _register(person: Person, dice: Dice) -> Iterator[Row]:
    number = 1_000_000 + person.index * 4
    current = _version(person, dice) | {"RYNBID": number, "RYID": number}
    yield REGISTER, current
    if dice.chance(0.15):
        moved = {"RYNBID": number + 1, "RYZT": "30", "JLBZ": "0", "SSXQ": "990108", "GXSJ": "20120101000000"}
        yield REGISTER, current | moved
    if dice.chance(0.01):
        yield REGISTER, current | {"RYNBID": number + 2, "CXBZ": "1", "XM": person.name + "（误）"}
    if dice.chance(0.002):
        yield REGISTER, current | {"RYNBID": number + 3, "RYID": number + 3, "XM": "重号" + person.name[0]}
    elif dice.chance(0.005):
        wrong = citizen_id("990199", person.born, 1 + person.index % 900)
        yield CORRECTION, {"YGMSFHM": wrong, "XGMSFHM": person.citizen_id, "GZRQ": "20100301", "GZYY": "1"}
        yield REGISTER, current | {"RYNBID": number + 3, "GMSFHM": wrong, "JLBZ": "0", "RYZT": "40"}


def _version(person: Person, dice: Dice) -> dict[str, Cell]:
    sex = "1" if person.male else "2"
    return {
        "GMSFHM": misspelt(dice, person.citizen_id, lower, padded, rate=0.2),
        "XM": lost_rare(person.name),
        "XB": {"1": "男", "2": "女"}[sex] if dice.chance(0.05) else sex,
        "MZ": "01",
        "CSRQ": written(dice, person.born, *[compact] * 19, no_day),
        "SSXQ": person.division,
        "JLX": f"JLX{person.index % 90 + 10}",
        "MLPH": f"{person.index % 400 + 1}号",
        "MLXZ": person.address,
        "PCSDM": person.division + "001",
        "ZJYXQZ": "长期" if dice.chance(0.1) else written(dice, dice.future(20), compact),
        "RYZT": "20" if dice.chance(0.01) else "99" if dice.chance(0.01) else "10",
        "JLBZ": None if dice.chance(0.03) else "1",
        "CXBZ": None if dice.chance(0.05) else "0",
        "GXSJ": stamped(dice.past(8)),
    }


def _traffic(person: Person, dice: Dice) -> dict[str, Cell]:
    code, name, level = dice.choice(_OFFENCES)
    day = dice.past(8)
    determined = min(day + timedelta(days=dice.randint(0, 60)), dice.today)
    annulled, disputed = dice.chance(0.03), dice.chance(0.03)
    return {
        "XH": 1_000_000 + person.index,
        "WSBH": document_no(dice, "测公交决", determined.year, 1000 + person.index),
        "DSR": lost_rare(person.name),
        "SFZMHM": misspelt(dice, person.citizen_id, lower, trailing_space, padded),
        "WFDM": code,
        "WFXW": name,
        "WFSJ": stamped(day),
        "WFDZ": f"样例县样例路{dice.randint(1, 90)}公里处",
        "CFZL": dice.choice(("1", "2", "1,3", "2,3")),
        "JSZZT": dice.choice("ABE"),
        "ZJCX": dice.choice(("C1", "C2", "B2", "A2")),
        "HPHM": f"测A{dice.number(5)}",
        "CLSJ": written(dice, determined, slashed, chinese, dashed),
        "CLJG": "样例县公安局交通警察大队",
        "JKBJ": dice.choice(("1", "1", "0", None)),
        "JDJB": level,
        "CLCX": "1" if level == "GENERAL" and dice.chance(0.3) else "2",
        "GSQX": None,
        "FBRQ": dashed(determined) if level == "SERIOUS" else None,
        "ZT": "1" if annulled else "2" if disputed else "0",
        "FYZT": "1" if dice.chance(0.02) else None,
        "YYRQ": dashed(dice.today) if disputed and not annulled else None,
        "CXRQ": dashed(dice.today) if annulled else None,
        "BZ": None,
        "GXSJ": stamped(determined),
    }


def _child_contact(person: Person, dice: Dice) -> dict[str, Cell]:
    day = dice.past(3)
    return {
        "CXBH": f"MCN{day:%Y%m%d}{person.index:07d}",
        "SFZH": misspelt(dice, person.citizen_id, lower, trailing_space),
        "XM": lost_rare(person.name),
        "YRDW_TYDM": "12990100MB9TE0026G",
        "GWLB": dice.choice(("1", "2", "3")),
        "CXJG": "1" if dice.chance(0.97) else dice.choice("23"),
        "YXQZ": dashed(day + timedelta(days=365)),
        "CXRQ": written(dice, day, dashed, slashed),
        "NDFC": dice.choice(("是", "否", "Y", "N")),
        "CJJG": "样例县公安局",
        "ZT": "0",
        "GXSJ": stamped(day),
    }
