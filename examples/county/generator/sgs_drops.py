"""Tables that departments without a database of their own drop into the 双公示前置库."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import Column, Index, MetaData, String, Table

from .columns import Cell, Row, stand, standing
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
    slashed,
    trailing_space,
    unpadded,
    written,
)
from .entities import Entity, Form
from .people import Person

metadata = MetaData()


def _drop(table: str, keys: str, columns: str) -> Table:
    """One drop: a serial, VARCHAR(200) whatever it holds, how each decision stands, indexes on the keys."""
    own = [Column(name, String(200)) for name in f"{keys} {columns}".split()]
    indexes = [Index(f"ix_{table}_{key.lower()}", key) for key in keys.split()]
    return Table(table, metadata, Column("ID", String(64), primary_key=True), *own, *standing(), *indexes)


LEGAL = _drop("t_sf_zyry", "SFZH", "XM ZYZH ZYLB ZYJG ZYJGDM SCZYRQ NDKH ZYZT CFZL CFWH CFRQ")
TEACHER = _drop("t_jy_jszg", "SFZH", "XM ZSBH RJXD RJXK RJDW ZCJL CLWH CLRQ CYJZ")
MEDICAL = _drop("t_wj_zyry", "SFZH", "XM ZYZBM ZYLB ZYFW ZYJG YXQZ ZCZT BLXW JF JFZQ CLWH CLRQ")
TRANSPORT = _drop("t_jt_cyzg", "SFZH", "XM CYZGZH CYLB CLRQ YXQZ KHND KHDJ ZJZT CXWH CXRQ")
GUIDE = _drop("t_wl_dy", "SFZH", "XM DYZH DJ YZ WPLXS ZJZT MDLB LRWH LRRQ QMRQ YCRQ")
FINANCE = _drop("t_jr_rzzg", "SFZH", "XM HZWH RZJG ZW HZRQ RZZT JRZL JRQZ CFWH CFRQ CFJG")
ENVIRONMENT = _drop("t_hj_pj", "TYSHXYDM", "QYMC PJND PJDJ XKZH CFWH WFXW FKJE CFRQ GSJZQ SXDJ CFCX")
SAFETY = _drop("t_yg_yzsx", "TYSHXYDM RYZJH", "ZTMC RYXM RYZW SXQX SGMC LRWH LRRQ QMRQ YCRQ LRJG")
PROCUREMENT = _drop("t_gg_wfwg", "TYSHXYDM", "DWMC ZTLX WFXW XMBH CFWH CFJG_NR JZQ JZZ JDRQ JDJG SXDJ")

_PLAIN = {"ZT": "0", "FYZT": None, "XFZT": "0", "XFRQ": None, "YYRQ": None}


def person_rows(person: Person, dice: Dice) -> Iterator[Row]:
    """One in eleven working adults has one of six occupations; one in ten of those a decision."""
    if not person.working or not dice.chance(0.09):
        return
    table, rows = dice.choice(_OCCUPATIONS)
    licensed, sanctioned = rows(person, dice)
    base = (
        licensed
        | _PLAIN
        | {
            "ID": f"P{person.index}",
            "SFZH": misspelt(dice, person.citizen_id, lower, trailing_space),
            "XM": lost_rare(person.name),
            "GXSJ": compact(dice.past(3)) + "000000",
        }
    )
    yield table, base | sanctioned if dice.chance(0.1) else base


def entity_rows(entity: Entity, dice: Dice) -> Iterator[Row]:
    """Environmental grades, and few decisions on safety and procurement."""
    key = misspelt(dice, entity.uscc, lower, trailing_space)
    if entity.form is Form.COMPANY and dice.chance(0.2):
        yield ENVIRONMENT, {"ID": f"E{entity.index}", "TYSHXYDM": key} | _environment(entity, dice)
    if entity.form is Form.COMPANY and dice.chance(0.04):
        yield SAFETY, {"ID": f"E{entity.index}", "TYSHXYDM": key} | _safety(entity, dice)
    if entity.market and dice.chance(0.05):
        yield PROCUREMENT, {"ID": f"E{entity.index}", "TYSHXYDM": key} | _procurement(entity, dice)


Pair = tuple[dict[str, Cell], dict[str, Cell]]
"""The licence itself, and what a decision adds to it."""


def _legal(person: Person, dice: Dice) -> Pair:
    day = dice.past(8)
    licensed: dict[str, Cell] = {
        "ZYZH": f"19901{person.index:012d}",
        "ZYLB": dice.choice(("律师", "公证员", "司法鉴定人", "基层法律服务工作者")),
        "ZYJG": "测试律师事务所",
        "ZYJGDM": "31990100MD9TE0058Y",
        "SCZYRQ": written(dice, dice.past(15), slashed, chinese),
        "NDKH": dice.choice(("称职", "基本称职")),
        "ZYZT": dice.choice(("执业", "执业", "注销")),
    }
    sanctioned = {
        "CFZL": "警告",
        "CFWH": document_no(dice, "测司罚", day.year, person.index),
        "CFRQ": chinese(day),
    }
    return licensed, stand(dice, day) | sanctioned


def _teacher(person: Person, dice: Dice) -> Pair:
    day = dice.past(8)
    licensed: dict[str, Cell] = {
        "ZSBH": f"2019{person.index:013d}",
        "RJXD": dice.choice(("小学", "初级中学", "高级中学", "幼儿园")),
        "RJXK": dice.choice(("语文", "数学", "体育")),
        "RJDW": "样例县样例小学",
        "ZCJL": dice.choice(("合格", "合格", "暂缓注册")),
    }
    sanctioned = {
        "CLWH": document_no(dice, "测教处", day.year, person.index),
        "CLRQ": written(dice, day, dashed, chinese),
        "CYJZ": dice.choice((None, "禁止从业")),
    }
    return licensed, stand(dice, day) | sanctioned


def _medical(person: Person, dice: Dice) -> Pair:
    day = dice.past(8)
    licensed: dict[str, Cell] = {
        "ZYZBM": f"1109901{person.index:08d}",
        "ZYLB": dice.choice(("临床", "口腔", "中医", "护士")),
        "ZYFW": dice.choice(("内科", "外科", "全科医学")),
        "ZYJG": "样例县人民医院",
        "YXQZ": dice.choice(("长期", dashed(dice.future(4)))),
        "ZCZT": dice.choice(("有效", "有效", "注销")),
    }
    sanctioned = {
        "BLXW": dice.choice(("W1-02", "W2-05")),
        "JF": str(dice.randint(1, 6)),
        "JFZQ": f"{day.year - day.year % 2}-{day.year - day.year % 2 + 1}",
        "CLWH": document_no(dice, "测卫医处", day.year, person.index),
        "CLRQ": written(dice, day, dashed, compact),
    }
    return licensed, stand(dice, day) | sanctioned


def _transport(person: Person, dice: Dice) -> Pair:
    day = dice.past(8)
    licensed: dict[str, Cell] = {
        "CYZGZH": f"9901{person.index:014d}",
        "CYLB": dice.choice(("道路旅客运输", "道路货物运输", "危险货物运输")),
        "CLRQ": written(dice, dice.past(10), slashed, dotted),
        "YXQZ": written(dice, dice.future(5), slashed, unpadded),
        "KHND": str(dice.today.year - 1),
        "KHDJ": dice.choice(("AAA", "AA", "A", "B")),
        "ZJZT": "有效",
    }
    sanctioned = {
        "ZJZT": "吊销",
        "CXWH": document_no(dice, "测交运撤", day.year, person.index),
        "CXRQ": slashed(day),
    }
    return licensed, stand(dice, day) | sanctioned


def _guide(person: Person, dice: Dice) -> Pair:
    day = dice.past(8)
    licensed: dict[str, Cell] = {
        "DYZH": f"D-9901-{person.index:06d}",
        "DJ": dice.choice(("初级", "中级", "高级")),
        "YZ": dice.choice(("普通话", "英语")),
        "WPLXS": "样例旅行社",
        "ZJZT": "有效",
    }
    serious = dice.chance(0.4)
    sanctioned = {
        "MDLB": "严重失信" if serious else "轻微失信",
        "LRWH": document_no(dice, "测文旅列", day.year, person.index),
        "LRRQ": written(dice, day, slashed, chinese),
        "QMRQ": slashed(day + timedelta(days=1095 if serious else 365)),
        "YCRQ": slashed(dice.today) if dice.chance(0.2) else None,
    }
    return licensed, stand(dice, day) | sanctioned


def _finance(person: Person, dice: Dice) -> Pair:
    day = dice.past(8)
    approved = dice.past(8)
    licensed: dict[str, Cell] = {
        "HZWH": document_no(dice, "测金复", approved.year, person.index),
        "RZJG": "样例村镇银行",
        "ZW": dice.choice(("董事", "行长", "合规负责人")),
        "HZRQ": written(dice, approved, slashed, chinese),
        "RZZT": dice.choice(("在任", "在任", "离任")),
    }
    sanctioned = {
        "JRZL": dice.choice(("禁止从事银行业工作", "取消任职资格")),
        "JRQZ": dice.choice((slashed(day + timedelta(days=1826)), "长期")),
        "CFWH": document_no(dice, "测金罚", day.year, person.index),
        "CFRQ": written(dice, day, slashed, dashed),
        "CFJG": "样例金融监管分局",
    }
    return licensed, stand(dice, day) | sanctioned


_OCCUPATIONS = (
    (LEGAL, _legal),
    (TEACHER, _teacher),
    (MEDICAL, _medical),
    (TRANSPORT, _transport),
    (GUIDE, _guide),
    (FINANCE, _finance),
)


def _environment(entity: Entity, dice: Dice) -> dict[str, Cell]:
    day = dice.past(8)
    grade: dict[str, Cell] = {
        "QYMC": entity.name,
        "PJND": f"{day.year}年",
        "PJDJ": dice.choice(("诚信", "良好", "良好", "警示", "不良")),
        "XKZH": entity.uscc + "001P" if dice.chance(0.6) else None,
        "GXSJ": compact(day) + "000000",
    }
    if not dice.chance(0.25):
        return grade | _PLAIN
    return (
        grade
        | stand(dice, day)
        | {
            "CFWH": document_no(dice, "测环罚", day.year, entity.index),
            "WFXW": dice.choice(("超标排放水污染物", "未批先建")),
            "FKJE": dice.choice(("2", "20.0000", "50000元")),
            "CFRQ": written(dice, day, slashed, chinese),
            "GSJZQ": dice.choice(("2099/12/31", slashed(day + timedelta(days=365)), "")),
            "SXDJ": dice.choice(("一般", "严重")),
            "CFCX": "普通",
        }
    )


def _safety(entity: Entity, dice: Dice) -> dict[str, Cell]:
    day = dice.past(8)
    return stand(dice, day) | {
        "ZTMC": entity.name,
        "RYXM": lost_rare(entity.head.name),
        "RYZJH": entity.head.citizen_id,
        "RYZW": "主要负责人",
        "SXQX": "发生较大生产安全责任事故",
        "SGMC": f"{day.year}·样例事故",
        "LRWH": document_no(dice, "测应急列", day.year, entity.index),
        "LRRQ": written(dice, day, slashed, chinese),
        "QMRQ": slashed(day + timedelta(days=1095)),
        "YCRQ": slashed(min(day + timedelta(days=380), dice.today)) if dice.chance(0.3) else None,
        "LRJG": "样例县应急管理局",
    }


def _procurement(entity: Entity, dice: Dice) -> dict[str, Cell]:
    day = dice.past(8)
    years = dice.choice((1, 2, 3))
    return stand(dice, day) | {
        "DWMC": entity.name,
        "ZTLX": dice.choice(("供应商", "投标人", "代理机构")),
        "WFXW": dice.choice(("提供虚假材料谋取中标", "串通投标")),
        "XMBH": f"CG-{day.year}-{entity.index:05d}",
        "CFWH": document_no(dice, "测财采罚", day.year, entity.index),
        "CFJG_NR": f"列入不良行为记录名单，{years}年内禁止参加政府采购活动",
        "JZQ": written(dice, day, slashed, chinese),
        "JZZ": slashed(day + timedelta(days=365 * years)),
        "JDRQ": written(dice, day, slashed, chinese, unpadded),
        "JDJG": "样例县财政局",
        "SXDJ": dice.choice(("一般", "严重")),
    }
