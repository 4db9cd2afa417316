"""人社 human resources: qualifications, insurance (aac and aae columns), examinations, officials."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table

from .columns import Cell, Row, stand, standing, varchars
from .dice import Dice
from .dirt import (
    chinese,
    compact,
    dashed,
    document_no,
    dotted,
    full_width,
    lost_rare,
    lower,
    misspelt,
    month_only,
    padded,
    slashed,
    trailing_space,
    written,
)
from .entities import Entity
from .people import Person

NAME = "hr"
metadata = MetaData()

QUALIFICATION = Table(
    "ry_zyzg",
    metadata,
    *varchars(zsbh=40, xm=60, sfzh=24, zydm=10, zymc=60, jb=10, fzrq=20, fzjg=100, zcdw=200, zcdwdm=24),
    *varchars(yxqz=20, zt=10, gxsj=20),
    Index("ix_zyzg_sfzh", "sfzh"),
)
INSURED = Table(
    "ac01",
    metadata,
    Column("aac001", BigInteger, primary_key=True),
    *varchars(aac002=20, aac003=60),
    Index("ix_ac01_aac002", "aac002"),
)
PARTICIPATION = Table(
    "ac02",
    metadata,
    Column("aaz159", BigInteger, primary_key=True),
    Column("aac001", BigInteger, nullable=False),
    *varchars(aae140=6, aac031=4, aab004=200, aac049=10),
    Column("jfys", Integer),
    Column("aac040", Integer),
    *varchars(aab301=6, sjsd=20, gxsj=20),
    Index("ix_ac02_aac001", "aac001"),
)
INSURANCE_FRAUD = Table(
    "sb_yzsx",
    metadata,
    *varchars(wh=80, sfzh=24, xm=60, sxqx=10, je=40, lrrq=20, qmrq=20, ycrq=20, jdjg=100, thzt=10),
    *standing(),
    Index("ix_sbyzsx_sfzh", "sfzh"),
)
EXAM = Table(
    "ks_wjwg",
    metadata,
    *varchars(wh=80, sfzh=24, xm=60, ksmc=200, ksrq=20, zkzh=30, wjqx=10, cljg=10, jlqx=10, clrq=20),
    *varchars(cldw=100),
    *standing(),
    Index("ix_kswjwg_sfzh", "sfzh"),
)
EDUCATION_EXAM = Table(
    "jy_kswj",
    metadata,
    *varchars(wh=80, sfzh=24, xm=60, xmmc=200, fsrq=20, qx=10, cljg=10, clrq=20, jzrq=20, cldw=100),
    *standing(),
    Index("ix_jykswj_sfzh", "sfzh"),
)
OFFICIAL = Table(
    "zz_gwycx",
    metadata,
    *varchars(bh=40, sfzh=24, xm=60, dwmc=200, lb=10, wh=80, cljg=10, jdrq=20, yxqz=20, jdjg=100, zdjz=10),
    *standing(),
    Index("ix_gwycx_sfzh", "sfzh"),
)
LABOUR = Table(
    "ld_cxdj",
    metadata,
    Column("id", BigInteger, primary_key=True),
    *varchars(tyshxydm=24, sfzh=24, dwmc=200, pjnd=6, djbh=4, mdlb=20, zrr=60, rs=20, je=40, wh=80),
    *varchars(lrrq=20, qmrq=20, ycrq=20),
    *standing(),
    Index("ix_ldcxdj_dm", "tyshxydm"),
    Index("ix_ldcxdj_sfzh", "sfzh"),
)

_PROFESSIONS = (
    ("0101", "注册会计师"),
    ("0203", "注册安全工程师"),
    ("0204", "一级注册消防工程师"),
    ("0305", "税务师"),
    ("0411", "资产评估师"),
    ("0507", "环境影响评价工程师"),
)


def person_rows(person: Person, dice: Dice) -> Iterator[Row]:
    """Insurance of most adults; qualifications and decisions of some."""
    if not person.adult:
        return
    yield from _insurance(person, dice)
    if person.working and dice.chance(0.12):
        yield QUALIFICATION, _qualification(person, dice)
    if dice.chance(0.01):
        yield EXAM, _exam(person, dice)
    if dice.chance(0.01):
        yield EDUCATION_EXAM, _education_exam(person, dice)
    if dice.chance(0.006):
        yield INSURANCE_FRAUD, _fraud(person, dice)
    if person.working and dice.chance(0.004):
        yield OFFICIAL, _official(person, dice)


def entity_rows(entity: Entity, dice: Dice) -> Iterator[Row]:
    """A yearly grade of a third of the employers; a list entry of few."""
    if dice.chance(0.3):
        yield LABOUR, _labour(entity, dice)


def _key(person: Person, dice: Dice) -> dict[str, Cell]:
    spelt = misspelt(dice, person.citizen_id, lower, trailing_space, padded, full_width)
    return {"sfzh": spelt, "xm": lost_rare(person.name)}


def _insurance(person: Person, dice: Dice) -> Iterator[Row]:
    number = 1_000_000 + person.index
    spelt = misspelt(dice, person.citizen_id, lower, padded)
    yield INSURED, {"aac001": number, "aac002": spelt, "aac003": lost_rare(person.name)}
    started = dice.past(15)
    for place, scheme in enumerate(("110", "310", "210")[: dice.randint(1, 3)]):
        yield (
            PARTICIPATION,
            {
                "aaz159": number * 4 + place,
                "aac001": number,
                "aae140": scheme,
                "aac031": "2" if dice.chance(0.1) else "1",
                "aab004": f"样例{dice.randint(1, 300)}公司",
                "aac049": written(dice, started, lambda day: f"{day:%Y%m}", month_only),
                "jfys": (dice.today - started).days // 30,
                "aac040": dice.randint(3000, 20000),
                "aab301": person.division,
                "sjsd": compact(dice.today.replace(day=1)),
                "gxsj": dashed(dice.today.replace(day=1)),
            },
        )


def _qualification(person: Person, dice: Dice) -> dict[str, Cell]:
    code, name = dice.choice(_PROFESSIONS)
    issued = dice.past(12)
    return _key(person, dice) | {
        "zsbh": f"TEST{issued.year}{person.index:07d}",
        "zydm": code,
        "zymc": name,
        "jb": dice.choice(("1", "2", "3")),
        "fzrq": written(dice, issued, dashed, dotted, chinese),
        "fzjg": "样例省人力资源和社会保障厅",
        "zcdw": "测试有限公司",
        "zcdwdm": "91990100MA9TE00142",
        "yxqz": "长期" if dice.chance(0.3) else written(dice, dice.future(4), dashed, slashed),
        "zt": "1" if dice.chance(0.92) else dice.choice("234"),
        "gxsj": dashed(issued),
    }


def _exam(person: Person, dice: Dice) -> dict[str, Cell]:
    held, determined = _held_and_determined(dice)
    return (
        _key(person, dice)
        | stand(dice, determined)
        | {
            "wh": document_no(dice, "测人考处", determined.year, 1 + person.index),
            "ksmc": f"{held.year}年度样例职业资格考试",
            "ksrq": written(dice, held, compact, dashed),
            "zkzh": f"TE{held.year}{person.index:08d}",
            "wjqx": dice.choice(("01", "02", "03")),
            "cljg": dice.choice("12"),
            "jlqx": "长期" if dice.chance(0.2) else "5年",
            "clrq": written(dice, determined, compact, chinese, slashed),
            "cldw": "样例市人事考试中心",
        }
    )


def _education_exam(person: Person, dice: Dice) -> dict[str, Cell]:
    held, determined = _held_and_determined(dice)
    return (
        _key(person, dice)
        | stand(dice, determined)
        | {
            "wh": document_no(dice, "测教考处", determined.year, 1 + person.index),
            "xmmc": f"{held.year}年高等教育自学考试",
            "fsrq": written(dice, held, dashed, chinese),
            "qx": dice.choice("12"),
            "cljg": dice.choice("12"),
            "clrq": dashed(determined),
            "jzrq": dashed(determined + timedelta(days=365 * dice.randint(1, 3))),
            "cldw": "样例市教育考试院",
        }
    )


def _fraud(person: Person, dice: Dice) -> dict[str, Cell]:
    listed = dice.past(8)
    removed = dice.chance(0.2)
    return (
        _key(person, dice)
        | stand(dice, listed)
        | {
            "wh": document_no(dice, "测人社列", listed.year, 1 + person.index),
            "sxqx": dice.choice("12"),
            "je": dice.choice(("8,600.00", "3.2万元", "１２０００元")),
            "lrrq": written(dice, listed, dashed, chinese),
            "qmrq": written(dice, listed + timedelta(days=1095), dashed),
            "ycrq": dashed(min(listed + timedelta(days=400), dice.today)) if removed else None,
            "jdjg": "样例县人力资源和社会保障局",
            "thzt": dice.choice("01"),
        }
    )


def _official(person: Person, dice: Dice) -> dict[str, Cell]:
    determined = dice.past(8)
    return (
        _key(person, dice)
        | stand(dice, determined)
        | {
            "bh": f"GC{determined.year}{person.index:08d}",
            "dwmc": "样例县样例局",
            "lb": dice.choice("1234"),
            "wh": document_no(dice, "测组通", determined.year, 1 + person.index),
            "cljg": dice.choice("123"),
            "jdrq": written(dice, determined, dashed, dotted),
            "yxqz": dashed(determined + timedelta(days=dice.choice((180, 365, 730)))),
            "jdjg": "样例县公务员主管部门",
            "zdjz": dice.choice(("0", "1", None)),
        }
    )


def _labour(entity: Entity, dice: Dice) -> dict[str, Cell]:
    determined = dice.past(8)
    listed = dice.chance(0.1)
    row: dict[str, Cell] = {
        "id": 1_000_000 + entity.index,
        "tyshxydm": misspelt(dice, entity.uscc, lower, trailing_space),
        "dwmc": entity.name,
        "pjnd": str(determined.year),
        "djbh": None if listed else dice.choice("AABC"),
    }
    if not listed:
        return row | {"ZT": "0", "GXSJ": compact(determined) + "000000"}
    return row | _arrears(entity, determined, dice)


def _arrears(entity: Entity, determined: date, dice: Dice) -> dict[str, Cell]:
    return stand(dice, determined) | {
        "mdlb": "拖欠农民工工资",
        "zrr": lost_rare(entity.head.name),
        "sfzh": entity.head.citizen_id,
        "rs": str(dice.randint(5, 80)),
        "je": f"{dice.randint(3, 300)}万元",
        "wh": document_no(dice, "测人社监列", determined.year, 1 + entity.index),
        "lrrq": written(dice, determined, dashed, chinese),
        "qmrq": dashed(determined + timedelta(days=1095)),
        "ycrq": dashed(min(determined + timedelta(days=200), dice.today)) if dice.chance(0.3) else None,
    }


def _held_and_determined(dice: Dice) -> tuple[date, date]:
    held = dice.past(8)
    return held, min(held + timedelta(days=dice.randint(20, 90)), dice.today)
