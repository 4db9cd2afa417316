"""民政 civil affairs, with the honours office and the 编办 register it hosts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import Column, Index, MetaData, Numeric, Table, Text

from .columns import Cell, Row, stand, standing, varchars
from .dice import Dice
from .dirt import (
    chinese,
    compact,
    dashed,
    document_no,
    dotted,
    lost_rare,
    lower,
    misspelt,
    padded,
    slashed,
    trailing_space,
    unpadded,
    written,
)
from .entities import PUBLIC, SOCIAL, Entity, Form
from .people import Person

NAME = "civil"
metadata = MetaData()

SOCIAL_ORGANIZATION = Table(
    "shzz_djxx",
    metadata,
    *varchars(djzh=40, tyshxydm=24, mc=200, lx=10, fddbr=60, ywzgdw=100, djrq=20, pgdj=10, pgyxqz=20),
    *varchars(njjl=20, mdlb=20, lrrq=20, lrqz=20, ycrq=20),
    *standing(),
    Index("ix_shzz_dm", "tyshxydm"),
)
GUARDIANS = Table(
    "mz_jhr",
    metadata,
    *varchars(jhbh=40, bjhr_sfzh=24, jhr_sfzh=24, jhrq=20, zt=4),
    Index("ix_jhr_bjhr", "bjhr_sfzh"),
)
VOLUNTEER = Table(
    "zyfw_jl",
    metadata,
    *varchars(jlbh=40, sfzh=24, xm=60, zzmc=200),
    Column("fwsc", Numeric(10, 1)),
    *varchars(xj=10, xmlb=10, jze=40, qsrq=20, jzrq=20, cjdw=100, ZT=4, GXSJ=20),
    Index("ix_zyfw_sfzh", "sfzh"),
)
HONOUR = Table(
    "cxry_bz",
    metadata,
    *varchars(bzwh=80, xm=60, sfzh=24, rymc=100, jb=10, bzrq=20, yxqz=20, cxrq=20, bzjg=100, ZT=4, GXSJ=20),
    Index("ix_cxry_sfzh", "sfzh"),
)
INSTITUTION = Table(
    "sydw_djxx",
    metadata,
    *varchars(zsh=40, tyshxydm=24, dwmc=200, jglx=10, fddbr=60, jbdw=100, zsyxqz=20),
    Column("cnsx", Text),
    *varchars(sxqx=20, wh=80, jlrq=20, zgzt=20, bsbz=4),
    *standing(),
    Index("ix_sydw_dm", "tyshxydm"),
)

_TITLES = ("诚信之星", "道德模范", "优秀青年志愿者", "最美家庭")


def person_rows(person: Person, dice: Dice) -> Iterator[Row]:
    """Volunteering of some, honours of few."""
    if person.adult and dice.chance(0.08):
        yield VOLUNTEER, _volunteer(person, dice)
    if person.adult and dice.chance(0.02):
        yield HONOUR, _honour(person, dice)


def entity_rows(entity: Entity, dice: Dice) -> Iterator[Row]:
    """Every social organization, institution and organ."""
    if entity.form in SOCIAL:
        yield SOCIAL_ORGANIZATION, _social_organization(entity, dice)
    elif entity.form in PUBLIC:
        yield INSTITUTION, _institution(entity, dice)


def _volunteer(person: Person, dice: Dice) -> dict[str, Cell]:
    start = dice.past(6)
    gift = dice.choice((None, None, "500元", "1,200.00", "贰佰元"))
    return {
        "jlbh": f"ZY{start.year}{person.index:08d}",
        "sfzh": misspelt(dice, person.citizen_id, lower, trailing_space, padded),
        "xm": lost_rare(person.name),
        "zzmc": "样例县志愿者协会",
        "fwsc": dice.randint(4, 900),
        "xj": dice.choice("012345"),
        "xmlb": dice.choice(("助老", "环保", "应急")),
        "jze": gift,
        "qsrq": written(dice, start, dashed, slashed),
        "jzrq": written(dice, min(start + timedelta(days=300), dice.today), dashed, unpadded),
        "cjdw": "样例县民政局",
        "ZT": "0",
        "GXSJ": compact(start) + "000000",
    }


def _honour(person: Person, dice: Dice) -> dict[str, Cell]:
    awarded = dice.past(8)
    revoked = dice.chance(0.05)
    return {
        "bzwh": document_no(dice, "测文明", awarded.year, 1 + person.index),
        "xm": lost_rare(person.name),
        "sfzh": misspelt(dice, person.citizen_id, lower, trailing_space),
        "rymc": dice.choice(_TITLES),
        "jb": dice.choice(("县级", "市级", "省级")),
        "bzrq": written(dice, awarded, dashed, chinese, dotted),
        "yxqz": "长期" if dice.chance(0.3) else dashed(awarded + timedelta(days=1095)),
        "cxrq": dashed(dice.today) if revoked else None,
        "bzjg": "样例县文明办",
        "ZT": "1" if revoked else "0",
        "GXSJ": compact(awarded) + "000000",
    }


def _social_organization(entity: Entity, dice: Dice) -> dict[str, Cell]:
    row: dict[str, Cell] = {
        "djzh": f"测社证字第{entity.index:04d}号",
        "tyshxydm": misspelt(dice, entity.uscc, lower, trailing_space),
        "mc": entity.name,
        "lx": "社会团体" if entity.form is Form.ASSOCIATION else "民非",
        "fddbr": lost_rare(entity.head.name),
        "ywzgdw": "样例县样例局",
        "djrq": written(dice, entity.established, dashed, chinese, compact),
        "pgdj": dice.choice((None, "3A", "4A", "5A")),
        "pgyxqz": dashed(dice.future(3)),
        "njjl": dice.choice(("合格", "合格", "基本合格", "不合格")),
        "ZT": "0",
        "GXSJ": compact(dice.past(2)) + "000000",
    }
    if not dice.chance(0.15):
        return row
    listed = dice.past(6)
    serious = dice.chance(0.3)
    return (
        row
        | stand(dice, listed)
        | {
            "mdlb": "严重违法失信" if serious else "活动异常",
            "lrrq": written(dice, listed, dashed, chinese),
            "lrqz": dashed(listed + timedelta(days=730)) if serious else None,
            "ycrq": dashed(min(listed + timedelta(days=300), dice.today)) if dice.chance(0.4) else None,
        }
    )


def _institution(entity: Entity, dice: Dice) -> dict[str, Cell]:
    row: dict[str, Cell] = {
        "zsh": f"事证第{entity.index:08d}号",
        "tyshxydm": misspelt(dice, entity.uscc, lower, trailing_space),
        "dwmc": entity.name,
        "jglx": "机关" if entity.form is Form.ORGAN else "事业单位",
        "fddbr": lost_rare(entity.head.name),
        "jbdw": "样例县人民政府",
        "zsyxqz": "长期" if entity.form is Form.ORGAN else written(dice, dice.future(4), dashed, compact),
        "cnsx": "依法履职、按期办结，咨询电话0914-6281234",
        "bsbz": dice.choice(("是", "否", "1", "0")),
        "ZT": "0",
        "GXSJ": compact(dice.past(2)) + "000000",
    }
    if not dice.chance(0.1):
        return row
    recorded = dice.past(6)
    return (
        row
        | stand(dice, recorded)
        | {
            "sxqx": dice.choice(("拖欠账款", "未履行判决")),
            "wh": document_no(dice, "测信用办", recorded.year, 1 + entity.index),
            "jlrq": written(dice, recorded, dashed, slashed),
            "zgzt": dice.choice(("已整改", "整改中")),
        }
    )
