"""住建 housing: practitioners and construction entities, once a spreadsheet: two values in one cell."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text

from .columns import Cell, Row, stand, standing, varchars
from .dice import Dice
from .dirt import (
    chinese,
    dashed,
    digits_15,
    document_no,
    dotted,
    full_width,
    lower,
    misspelt,
    short_year,
    slashed,
    trailing_space,
    written,
)
from .entities import Entity, Form
from .people import Person

NAME = "housing"
metadata = MetaData()

PRACTITIONER = Table(
    "zyry",
    metadata,
    Column("xh", BigInteger, primary_key=True),
    *varchars(zch=40, xm=60, sfzh=30, zclb=60, zczy=60, pyqy=200, tyshxydm=24, yxqz=20, blxw=60, gcxm=200),
    *varchars(rdwh=80, rdrq=20, gbqz=20),
    *standing(),
    Index("ix_zyry_sfzh", "sfzh"),
)
ENTITY = Table(
    "jzsczt",
    metadata,
    Column("xh", BigInteger, primary_key=True),
    *varchars(tyshxydm=24, dwmc=200, zzzsh=40, zzlb=100, yxqz=20),
    Column("ylxx", Text),
    *varchars(blxw=40, wh=80, rdrq=20, gbqz=20),
    *standing(),
    Index("ix_jzsczt_dm", "tyshxydm"),
)

_TRADES = (("建造师", "建筑工程"), ("监理工程师", "市政公用"), ("造价工程师", "土建"), ("房地产经纪", "住宅"))


def person_rows(person: Person, dice: Dice) -> Iterator[Row]:
    """Some working adults are registered; some of those have a bad mark, some a duplicate row."""
    if not person.working or not dice.chance(0.03):
        return
    row = _practitioner(person, dice)
    yield PRACTITIONER, row
    if dice.chance(0.1):
        yield PRACTITIONER, row | {"xh": 50_000_000 + person.index}


def entity_rows(entity: Entity, dice: Dice) -> Iterator[Row]:
    """Some companies hold a qualification; some of those a bad mark."""
    if entity.form is Form.COMPANY and dice.chance(0.25):
        yield ENTITY, _entity(entity, dice)


def _practitioner(person: Person, dice: Dice) -> dict[str, Cell]:
    trade, specialty = dice.choice(_TRADES)
    row: dict[str, Cell] = {
        "xh": 1_000_000 + person.index,
        "zch": f"测{person.index:08d}",
        "xm": person.name,
        "sfzh": misspelt(dice, person.citizen_id, lower, trailing_space, digits_15, full_width),
        "zclb": f"{trade};安全B证" if dice.chance(0.2) else trade,
        "zczy": specialty,
        "pyqy": "测试有限公司",
        "tyshxydm": misspelt(dice, "91990100MA9TE00142", lower, lambda code: code + "\t"),
        "yxqz": "长期" if dice.chance(0.2) else written(dice, dice.future(4), dashed, slashed),
        "ZT": "0",
        "GXSJ": f"{dice.past(3):%Y%m%d}000000",
    }
    if not dice.chance(0.2):
        return row
    determined = dice.past(8)
    return (
        row
        | stand(dice, determined)
        | {
            "blxw": dice.choice(("B1-2-03、B1-2-07", "B1-2-03", "B1-1-01")),
            "gcxm": "样例县样例工程",
            "rdwh": document_no(dice, "测建罚", determined.year, 1 + person.index),
            "rdrq": written(dice, determined, short_year, chinese, dotted),
            "gbqz": written(dice, determined + timedelta(days=365), dashed),
        }
    )


def _entity(entity: Entity, dice: Dice) -> dict[str, Cell]:
    row: dict[str, Cell] = {
        "xh": 1_000_000 + entity.index,
        "tyshxydm": misspelt(dice, entity.uscc, lower, trailing_space, full_width),
        "dwmc": entity.name,
        "zzzsh": f"D9{entity.index:08d}",
        "zzlb": dice.choice(("建筑工程施工总承包三级", "市政公用工程施工总承包三级、模板脚手架专业承包")),
        "yxqz": "长期" if dice.chance(0.2) else written(dice, dice.future(4), dashed, slashed),
        "ylxx": "获评样例市优质工程" if dice.chance(0.1) else None,
        "ZT": "0",
        "GXSJ": f"{dice.past(3):%Y%m%d}000000",
    }
    if not dice.chance(0.2):
        return row
    determined = dice.past(8)
    return (
        row
        | stand(dice, determined)
        | {
            "blxw": dice.choice(("D1-2-01", "D1-3-05")),
            "wh": document_no(dice, "测建罚", determined.year, 5000 + entity.index),
            "rdrq": written(dice, determined, short_year, chinese, dotted),
            "gbqz": dashed(determined + timedelta(days=365)),
        }
    )
