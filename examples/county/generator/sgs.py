"""双公示前置库: licences, penalties, commitments and honours, persons and firms mixed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from sqlalchemy import Column, DateTime, Index, String, Table, Text

from . import sgs_drops
from .columns import Cell, Row, varchars
from .dice import Dice
from .dirt import (
    chinese,
    compact,
    dashed,
    document_no,
    full_width,
    lost_rare,
    lower,
    misspelt,
    padded,
    slashed,
    trailing_space,
    unpadded,
    written,
)
from .entities import Entity
from .people import Person

NAME = "sgs"
metadata = sgs_drops.metadata

PENALTY = Table(
    "t_xzcf_grr",
    metadata,
    Column("ID", String(64), primary_key=True),
    *varchars(CF_XDR_MC=200, CF_XDR_LB=40, CF_XDR_SHXYM=128, CF_XDR_GSZC=128, CF_XDR_ZZJG=128),
    *varchars(CF_XDR_ZJLX=64, CF_XDR_ZJHM=64, CF_FRDB=100, CF_WSH=200),
    Column("CF_WFXW", Text),
    Column("CF_SY", Text),
    Column("CF_YJ", Text),
    *varchars(CF_CFLB=200),
    Column("CF_NR", Text),
    *varchars(CF_NR_FK=40, CF_NR_WFFF=40, CF_JDRQ=20, CF_GSJZQ=20, CF_CFJG=200, CF_CFJGDM=64, CF_CX=20),
    *varchars(CF_SXDJ=20, CF_LXZT=20, CF_FYZT=10, CF_XFZT=4, CF_XFRQ=20, CF_YYRQ=20, CF_WFRQ=20, CF_ZT=4),
    Column("SJC", DateTime, primary_key=True),
    *varchars(BZ=1000),
    Index("ix_xzcf_shxym", "CF_XDR_SHXYM"),
    Index("ix_xzcf_zjhm", "CF_XDR_ZJHM"),
)
LICENCE = Table(
    "t_xzxk",
    metadata,
    Column("ID", String(64), primary_key=True),
    *varchars(XK_XDR_MC=200, XK_XDR_LB=40, XK_XDR_SHXYM=128, XK_XDR_ZJLX=64, XK_XDR_ZJHM=64, XK_FRDB=100),
    *varchars(XK_WSH=200, XK_XKWS=200, XK_XKBH=100, XK_XKLB=40),
    Column("XK_NR", Text),
    *varchars(XK_JDRQ=20, XK_YXQZ=20, XK_YXQZI=20, XK_XKJG=200, XK_XKJGDM=64, XK_ZT=4),
    Column("SJC", DateTime, primary_key=True),
    Index("ix_xzxk_shxym", "XK_XDR_SHXYM"),
    Index("ix_xzxk_zjhm", "XK_XDR_ZJHM"),
)
COMMITMENT = Table(
    "t_xycn",
    metadata,
    Column("CNBH", String(64), primary_key=True),
    *varchars(CNZT_MC=200, CNZT_DM=128, CNZT_ZJHM=24, CNLX=40, SXBM=60),
    Column("CNNR", Text),
    *varchars(CNRQ=20, LXQX=20, LXZT=20, HCRQ=20, SLBM=100, SFGK=10, ZT=4, YYRQ=20, XFZT=4, XFRQ=20, GXSJ=20),
    Index("ix_xycn_dm", "CNZT_DM"),
    Index("ix_xycn_zjhm", "CNZT_ZJHM"),
)
GOOD_LIST = Table(
    "t_hhmd",
    metadata,
    Column("ID", String(64), primary_key=True),
    *varchars(
        MDDM=20, MDMC=100, ZTMC=200, TYSHXYDM=128, SFZH=24, RDWH=100, LRRQ=20, YXQZ=20, TCRQ=20, TCYY=40
    ),
    *varchars(RDDW=100, ZT=4, GXSJ=20),
    Index("ix_hhmd_dm", "TYSHXYDM"),
    Index("ix_hhmd_sfzh", "SFZH"),
)

_KINDS_OF_PERSON = ("自然人", "0", "自然人", "个人")
_KINDS_OF_ENTITY = ("法人及非法人组织", "1", "法人及非法人组织")
_NO_CODE = ("", "无", "000000000000000000", None)
_PENALTIES = (
    ("违反食品安全管理规定", "罚款;没收违法所得", "SP"),
    ("占道经营", "罚款", "CG"),
    ("违反道路运输管理规定", "警告", "JT"),
    ("未取得许可从事经营", "1,3", "XK"),
)
_SEVERITIES = ("轻微", "一般", "一般", "一般", "严重")


def person_rows(person: Person, dice: Dice) -> Iterator[Row]:
    """Penalties (some of minors), licences, commitments, honours, and what other departments drop here."""
    if (person.adult or dice.today.year - person.born.year > 14) and dice.chance(0.06):
        yield from _penalties(f"P{person.index}", _penalized_person(person, dice), dice)
    if not person.adult:
        return
    key = misspelt(dice, person.citizen_id, lower, trailing_space)
    if dice.chance(0.05):
        yield LICENCE, _licence(f"P{person.index}", dice) | _licensed_person(person, dice)
    if dice.chance(0.04):
        yield COMMITMENT, _commitment(f"P{person.index}", lost_rare(person.name), dice) | {"CNZT_ZJHM": key}
    if dice.chance(0.005):
        yield GOOD_LIST, _good(f"P{person.index}", lost_rare(person.name), "信用户", dice) | {"SFZH": key}
    yield from sgs_drops.person_rows(person, dice)


def entity_rows(entity: Entity, dice: Dice) -> Iterator[Row]:
    """The same of entities."""
    key = misspelt(dice, entity.uscc, lower, trailing_space, full_width)
    if dice.chance(0.15):
        yield from _penalties(f"E{entity.index}", _penalized_entity(entity, key, dice), dice)
    if dice.chance(0.3):
        yield LICENCE, _licence(f"E{entity.index}", dice) | _licensed_entity(entity, key, dice)
    if dice.chance(0.06):
        yield COMMITMENT, _commitment(f"E{entity.index}", entity.name, dice) | {"CNZT_DM": key}
    if dice.chance(0.06):
        yield GOOD_LIST, _good(f"E{entity.index}", entity.name, "守合同重信用企业", dice) | {"TYSHXYDM": key}
    yield from sgs_drops.entity_rows(entity, dice)


def _penalized_person(person: Person, dice: Dice) -> dict[str, Cell]:
    key = misspelt(dice, person.citizen_id, lower, trailing_space, padded)
    party: dict[str, Cell] = {"CF_XDR_MC": lost_rare(person.name), "CF_XDR_LB": dice.choice(_KINDS_OF_PERSON)}
    if dice.chance(0.3):  # the id number stands in the column of the credit code
        return party | {"CF_XDR_SHXYM": key, "CF_XDR_ZJHM": ""}
    kind = dice.choice(("身份证", "10", "111"))
    return party | {"CF_XDR_SHXYM": dice.choice(_NO_CODE), "CF_XDR_ZJLX": kind, "CF_XDR_ZJHM": key}


def _penalized_entity(entity: Entity, key: str, dice: Dice) -> dict[str, Cell]:
    return {
        "CF_XDR_MC": entity.name,
        "CF_XDR_LB": dice.choice(_KINDS_OF_ENTITY),
        "CF_XDR_SHXYM": key,
        "CF_XDR_GSZC": entity.reg_no,
        "CF_FRDB": lost_rare(entity.head.name),
    }


def _penalties(serial: str, party: dict[str, Cell], dice: Dice) -> Iterator[Row]:
    """One decision; sometimes sent twice with other brackets, sometimes withdrawn by a later row."""
    determined = dice.past(8)
    number = dice.randint(1, 99_999)
    row = _penalty(serial, party, determined, dice)
    row["CF_WSH"] = document_no(dice, "测市监罚", determined.year, number)
    yield PENALTY, row
    if dice.chance(0.1):
        again = document_no(dice, "测市监罚", determined.year, number)
        sent = dice.moment(determined + timedelta(days=9))
        yield PENALTY, row | {"ID": f"{row['ID']}-R", "CF_WSH": again, "SJC": sent}
    if dice.chance(0.04):
        yield PENALTY, row | {"CF_ZT": "1", "SJC": dice.moment(determined + timedelta(days=40))}


def _penalty(serial: str, party: dict[str, Cell], determined: date, dice: Dice) -> dict[str, Cell]:
    behaviour, kind, _ = dice.choice(_PENALTIES)
    fine = dice.choice((0.02, 0.1, 2, 20))
    disputed, repaired = dice.chance(0.04), dice.chance(0.06)
    name = party["CF_XDR_MC"]
    return party | {
        "ID": f"CF-{serial}",
        "CF_WFXW": behaviour,
        "CF_SY": f"{name}(电话13800138000)于样例路1号{behaviour}，证件号990101196307080059",
        "CF_YJ": "《样例条例》第十条",
        "CF_CFLB": kind,
        "CF_NR": f"罚款{fine}万元",
        "CF_NR_FK": dice.choice((f"{fine}", f"{fine:.4f}", f"{fine * 10000:.0f}元", f"{fine}万元")),
        "CF_NR_WFFF": dice.choice((None, "", "0.5", "3,000元")),
        "CF_JDRQ": written(dice, determined, slashed, unpadded, compact, chinese),
        "CF_GSJZQ": dice.choice(("2099/12/31", "", slashed(determined + timedelta(days=90)))),
        "CF_CFJG": "样例县市场监督管理局",
        "CF_CFJGDM": "11990100009000082Q",
        "CF_CX": dice.choice(("普通", "普通", "简易", None)),
        "CF_SXDJ": dice.choice(_SEVERITIES),
        "CF_LXZT": dice.choice(("已履行", "未履行")),
        "CF_FYZT": "复议中" if dice.chance(0.03) else None,
        "CF_XFZT": "1" if repaired else None,
        "CF_XFRQ": dashed(dice.today) if repaired else None,
        "CF_YYRQ": dashed(dice.today) if disputed else None,
        "CF_WFRQ": slashed(determined - timedelta(days=20)),
        "CF_ZT": "2" if disputed else "0",
        "SJC": dice.moment(determined + timedelta(days=2)),
    }


def _licence(serial: str, dice: Dice) -> dict[str, Cell]:
    determined = dice.past(6)
    until = determined + timedelta(days=365 * dice.choice((1, 3, 5)))
    return {
        "ID": f"XK-{serial}",
        "XK_WSH": document_no(dice, "测许准", determined.year, dice.randint(1, 99_999)),
        "XK_XKWS": "准予行政许可决定书",
        "XK_XKBH": f"JY{dice.number(14)}",
        "XK_XKLB": dice.choice(("普通", "特许", "认可", "核准", "登记")),
        "XK_NR": "食品经营许可，经营场所样例路1号，电话13800138000",
        "XK_JDRQ": written(dice, determined, slashed, unpadded, compact, chinese),
        "XK_YXQZ": slashed(determined),
        "XK_YXQZI": dice.choice((slashed(until), dashed(until), "2099/12/31")),
        "XK_XKJG": "样例县行政审批局",
        "XK_XKJGDM": "11990100009000082Q",
        "XK_ZT": "1" if dice.chance(0.03) else "0",
        "SJC": dice.moment(determined + timedelta(days=3)),
    }


def _licensed_person(person: Person, dice: Dice) -> dict[str, Cell]:
    return {
        "XK_XDR_MC": lost_rare(person.name),
        "XK_XDR_LB": dice.choice(_KINDS_OF_PERSON),
        "XK_XDR_SHXYM": dice.choice(_NO_CODE),
        "XK_XDR_ZJLX": "身份证",
        "XK_XDR_ZJHM": misspelt(dice, person.citizen_id, lower, trailing_space),
    }


def _licensed_entity(entity: Entity, key: str, dice: Dice) -> dict[str, Cell]:
    return {
        "XK_XDR_MC": entity.name,
        "XK_XDR_LB": dice.choice(_KINDS_OF_ENTITY),
        "XK_XDR_SHXYM": key,
        "XK_FRDB": lost_rare(entity.head.name),
    }


def _commitment(serial: str, name: str, dice: Dice) -> dict[str, Cell]:
    signed = dice.past(4)
    due = signed + timedelta(days=60)
    state = dice.choice(("已履行", "已履行", "履行中", "未履行"))
    return {
        "CNBH": f"CN-{signed.year}-{serial}",
        "CNZT_MC": name,
        "CNLX": dice.choice(("审批替代型", "容缺受理型", "主动型", "信用修复型")),
        "SXBM": "000131001000",
        "CNNR": "承诺所提交材料真实有效，联系电话13800138000",
        "CNRQ": written(dice, signed, slashed, chinese, dashed),
        "LXQX": dashed(due),
        "LXZT": state,
        "HCRQ": dashed(min(due + timedelta(days=10), dice.today)) if state != "履行中" else None,
        "SLBM": "样例县政务服务中心",
        "SFGK": dice.choice(("是", "否", "1", "0")),
        "ZT": "0",
        "GXSJ": compact(signed) + "000000",
    }


def _good(serial: str, name: str, title: str, dice: Dice) -> dict[str, Cell]:
    listed = dice.past(6)
    left = dice.chance(0.1)
    return {
        "ID": f"HM-{serial}",
        "MDDM": {"信用户": "HM-07"}.get(title, "HM-02"),
        "MDMC": title,
        "ZTMC": name,
        "RDWH": document_no(dice, "测信用办", listed.year, dice.randint(1, 9_999)),
        "LRRQ": written(dice, listed, slashed, chinese, dashed),
        "YXQZ": dice.choice((dashed(listed + timedelta(days=1095)), "2099/12/31", "长期")),
        "TCRQ": dashed(dice.today) if left else None,
        "TCYY": "期满未续" if left else None,
        "RDDW": "样例县信用办",
        "ZT": "1" if left else "0",
        "GXSJ": compact(listed) + "000000",
    }
