"""市监 market supervision: two registers, year-split tables, GBK bytes, capital with or without its unit.

Names are lower case throughout: the manifest's fixed query must read the same on every engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from sqlalchemy import Column, DateTime, Index, LargeBinary, MetaData, String, Table, Text

from .columns import Cell, Row, stand, standing, varchars
from .dice import Dice
from .dirt import (
    chinese,
    compact,
    dashed,
    document_no,
    excel_serial,
    gbk,
    lost_rare,
    lower,
    misspelt,
    slashed,
    trailing_space,
    written,
)
from .entities import Entity, Form
from .people import Person

NAME = "market"
YEARS = range(2019, 2028)
metadata = MetaData()

REGISTER = Table(
    "e_baseinfo",
    metadata,
    Column("pripid", String(36), primary_key=True),
    *varchars(uniscid=36, regno=36, entname=200, enttype=4, lerep=100, regcap=40, regcapcur=10),
    *varchars(estdate=20, opto=20, industryphy=4),
    Column("dom", LargeBinary(600)),
    Column("opscope", LargeBinary(4000)),
    *varchars(regorg=9, regstate=2, tel=60, s_ext_timestamp=30),
    Index("ix_baseinfo_uniscid", "uniscid"),
)
INDIVIDUALS = Table(
    "e_gt_baseinfo",
    metadata,
    Column("pripid", String(36), primary_key=True),
    *varchars(uniscid=36, regno=36, traname=200, opername=60, cerno=36, estdate=20),
    Column("oploc", LargeBinary(600)),
    *varchars(regorg=9, regstate=2, tel=60, s_ext_timestamp=30),
    Index("ix_gt_uniscid", "uniscid"),
)
REPRESENTATIVES = Table(
    "e_pri_person",
    metadata,
    Column("id", String(40), primary_key=True),
    *varchars(pripid=36, name=60, cerno=36, lerepsign=2),
    Index("ix_pri_person_pripid", "pripid"),
)
ABNORMAL = {
    year: Table(
        f"ao_opa_detail_{year}",
        metadata,
        Column("busexclist", String(40), primary_key=True),
        *varchars(pripid=36, specause=4),
        Column("abntime", DateTime),
        *varchars(decorg=60, penno=80, remexcpres=400),
        Column("remdate", DateTime),
        *varchars(reorg=60, zt=4, yyrq=20, gxsj=20),
        Index(f"ix_opa_{year}_pripid", "pripid"),
    )
    for year in YEARS
}
SERIOUS = Table(
    "e_li_illdishonesty",
    metadata,
    Column("illid", String(40), primary_key=True),
    *varchars(uniscid=36, entname=200, lerep=100, serillrea=400, pen_decno=80, abntime=20, expdate=20),
    *varchars(remdate=20, remexcpres=400, decorg=60),
    *standing(),
    Index("ix_ill_uniscid", "uniscid"),
)
INSPECTION = Table(
    "t_spcj_bhg",
    metadata,
    Column("bhgid", String(40), primary_key=True),
    *varchars(tyshxydm=36, bcydw=200, cpmc=200, ph=60, bhgxm=200, jcjg=100, cjrq=20, tgbh=80),
    Column("hccz", Text),
    *varchars(yyzt=20, fbrq=20),
    *standing(),
    Index("ix_bhg_dm", "tyshxydm"),
)
PHARMACIST = Table(
    "t_zyys",
    metadata,
    Column("zczbh", String(40), primary_key=True),
    *varchars(
        xm=60, sfzh=24, dwmc=200, dwdm=24, yxqz=20, zczt=10, jyzl=20, jyq=20, jyz=20, jdwh=80, jdjg=100
    ),
    *standing(),
    Index("ix_zyys_sfzh", "sfzh"),
)
PATROL = Table(
    "t_cxsh_xc",
    metadata,
    Column("xcbh", String(40), primary_key=True),
    *varchars(tyshxydm=36, shmc=200, cslb=20, xcrq=20, xcjg=20, wtsl=10, yxqz=20, xcdw=60, zt=4, gxsj=20),
    Index("ix_cxsh_dm", "tyshxydm"),
)

_OFFICE = "样例县市场监督管理局"


def person_rows(person: Person, dice: Dice) -> Iterator[Row]:
    """Few pharmacists, fewer with a ban."""
    if person.working and dice.chance(0.01):
        yield PHARMACIST, _pharmacist(person, dice)


def entity_rows(entity: Entity, dice: Dice) -> Iterator[Row]:
    """The register of market entities and what happened to some of them."""
    if not entity.market:
        return
    individual = entity.form is Form.INDIVIDUAL
    yield from _individual(entity, dice) if individual else _registered(entity, dice)
    if individual and dice.chance(0.3):
        yield PATROL, _patrol(entity, dice)
    if dice.chance(0.04):
        yield SERIOUS, _serious(entity, dice)
    if dice.chance(0.06):
        yield INSPECTION, _inspection(entity, dice)


def _registered(entity: Entity, dice: Dice) -> Iterator[Row]:
    number = f"P{entity.index:09d}"
    row = _register(entity, dice) | {"pripid": number}
    yield REGISTER, row
    yield (
        REPRESENTATIVES,
        {
            "id": f"FR-{number}",
            "pripid": number,
            "name": lost_rare(entity.head.name),
            "cerno": entity.head.citizen_id,
            "lerepsign": "1",
        },
    )
    if dice.chance(0.08):  # the registration before a change, still in the table
        old = {"pripid": number + "-BG", "uniscid": dice.choice(("", "无", entity.uscc)), "regstate": "K"}
        yield REGISTER, row | old | {"entname": f"{entity.name}(变更前)"}
    if dice.chance(0.1):
        day = dice.past(7)
        yield ABNORMAL[min(max(day.year, YEARS[0]), YEARS[-1])], _abnormal(number, day, dice)


def _register(entity: Entity, dice: Dice) -> dict[str, Cell]:
    tens = dice.randint(1, 500) * 10
    capital = (f"{tens}.000000", f"{tens}万元", f"{tens * 10000:,}元", f"{tens * 10000}.00元")
    return {
        "uniscid": misspelt(dice, entity.uscc, lower, trailing_space, rate=0.2),
        "regno": entity.reg_no,
        "entname": entity.name,
        "enttype": {Form.COOPERATIVE: "9100", Form.LAW_FIRM: "9600"}.get(entity.form, "1130"),
        "lerep": lost_rare(entity.head.name),
        "regcap": dice.choice(capital),
        "regcapcur": dice.choice(("156", "CNY", "人民币")),
        "estdate": written(dice, entity.established, dashed, slashed, excel_serial),
        "opto": dice.choice(("9999-12-31", "长期", None)),
        "industryphy": dice.choice(("F", "C", "H", "A")),
        "dom": gbk(f"样例市样例县样例路{entity.index % 400 + 1}号"),
        "opscope": gbk(f"一般项目：{entity.trade}销售；技术服务"),
        "regorg": "990100",
        "regstate": dice.choice(("1", "1", "1", "01", "2", "3", "4")),
        "tel": "13800138000",
        "s_ext_timestamp": f"{dice.past(4)} 02:00:00",
    }


def _individual(entity: Entity, dice: Dice) -> Iterator[Row]:
    yield (
        INDIVIDUALS,
        {
            "pripid": f"G{entity.index:09d}",
            "uniscid": misspelt(dice, entity.uscc, lower, trailing_space, rate=0.2),
            "regno": entity.reg_no,
            "traname": entity.name,
            "opername": lost_rare(entity.head.name),
            "cerno": entity.head.citizen_id,
            "estdate": written(dice, entity.established, dashed, slashed),
            "oploc": gbk(f"样例市样例县样例路{entity.index % 400 + 1}号"),
            "regorg": "990100",
            "regstate": dice.choice(("1", "1", "01", "3")),
            "tel": "0914-6281234",
            "s_ext_timestamp": f"{dice.past(4)} 02:00:00",
        },
    )


def _abnormal(pripid: str, day: date, dice: Dice) -> dict[str, Cell]:
    removed = min(day + timedelta(days=dice.randint(30, 700)), dice.today) if dice.chance(0.4) else None
    disputed = dice.chance(0.04)
    return {
        "busexclist": f"YC-{pripid}",
        "pripid": pripid,
        "specause": dice.choice(("1", "2", "3", "4")),
        "abntime": dice.moment(day),
        "decorg": _OFFICE,
        "penno": document_no(dice, "测市监异列", day.year, int(pripid[1:]) + 1),
        "remexcpres": "补报年报并公示" if removed else None,
        "remdate": dice.moment(removed) if removed else None,
        "reorg": _OFFICE if removed else None,
        "zt": "2" if disputed else "0",
        "yyrq": dashed(dice.today) if disputed else None,
        "gxsj": compact(removed or day) + "020000",
    }


def _serious(entity: Entity, dice: Dice) -> dict[str, Cell]:
    listed = dice.past(8)
    removed = dice.chance(0.25)
    return stand(dice, listed) | {
        "illid": f"YZ-{entity.index:09d}",
        "uniscid": misspelt(dice, entity.uscc, lower, trailing_space),
        "entname": entity.name,
        "lerep": lost_rare(entity.head.name),
        "serillrea": dice.choice(("生产销售不符合安全标准的食品", "被吊销许可证照", "虚假登记")),
        "pen_decno": document_no(dice, "测市监失列", listed.year, 1 + entity.index),
        "abntime": written(dice, listed, dashed, chinese),
        "expdate": dashed(listed + timedelta(days=1095)),
        "remdate": dashed(min(listed + timedelta(days=400), dice.today)) if removed else None,
        "remexcpres": "提前移出" if removed else None,
        "decorg": _OFFICE,
    }


def _inspection(entity: Entity, dice: Dice) -> dict[str, Cell]:
    taken = dice.past(8)
    published = min(taken + timedelta(days=40), dice.today)
    return stand(dice, published) | {
        "bhgid": f"CJ-{entity.index:09d}",
        "tyshxydm": misspelt(dice, entity.uscc, lower, trailing_space),
        "bcydw": entity.name,
        "cpmc": dice.choice(("散装白酒", "糕点", "电动车充电器")),
        "ph": f"{taken:%Y%m%d}",
        "bhgxm": dice.choice(("酒精度", "菌落总数", "绝缘电阻")),
        "jcjg": "样例市食品药品检验所",
        "cjrq": written(dice, taken, compact, dashed, chinese),
        "tgbh": document_no(dice, "测市监抽通", published.year, 1 + entity.index),
        "hccz": "已责令下架，联系人电话13800138000",
        "yyzt": dice.choice((None, "无异议", "复检维持")),
        "fbrq": dashed(published),
    }


def _patrol(entity: Entity, dice: Dice) -> dict[str, Cell]:
    day = dice.past(2)
    return {
        "xcbh": f"XC-{day.year}-{entity.index:07d}",
        "tyshxydm": misspelt(dice, entity.uscc, lower, trailing_space),
        "shmc": entity.name,
        "cslb": dice.choice(("餐饮", "理发", "五金")),
        "xcrq": written(dice, day, dashed, chinese),
        "xcjg": dice.choice("112"),
        "wtsl": str(dice.randint(0, 4)),
        "yxqz": dashed(day + timedelta(days=365)),
        "xcdw": "样例街道市场监管所",
        "zt": "0",
        "gxsj": compact(day) + "000000",
    }


def _pharmacist(person: Person, dice: Dice) -> dict[str, Cell]:
    row: dict[str, Cell] = {
        "zczbh": f"99{person.index:010d}",
        "xm": lost_rare(person.name),
        "sfzh": misspelt(dice, person.citizen_id, lower, trailing_space),
        "dwmc": "样例大药房",
        "dwdm": "91990100MA9TE00142",
        "yxqz": written(dice, dice.future(4), dashed, slashed),
        "zczt": "1" if dice.chance(0.9) else "2",
        "ZT": "0",
        "GXSJ": compact(dice.past(4)) + "000000",
    }
    if not dice.chance(0.1):
        return row
    start = dice.past(8)
    return (
        row
        | stand(dice, start)
        | {
            "jyzl": dice.choice(("5年", "10年", "终身")),
            "jyq": written(dice, start, dashed, chinese),
            "jyz": dice.choice((dashed(start + timedelta(days=1826)), "长期")),
            "jdwh": document_no(dice, "测市监禁", start.year, 1 + person.index),
            "jdjg": _OFFICE,
        }
    )
