"""法院 enforcement: persons and firms in one table, test rows in production, ids in free text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import Boolean, Column, DateTime, Index, Integer, MetaData, SmallInteger, String, Table, Text

from .columns import Cell, Row, varchars
from .dice import Dice
from .dirt import (
    chinese,
    dashed,
    document_no,
    full_width,
    lost_rare,
    lower,
    misspelt,
    organization_code,
    trailing_space,
    unpadded,
    written,
)
from .entities import Entity
from .people import Person

NAME = "court"
metadata = MetaData()

DEFAULTERS = Table(
    "zx_sxbzxr",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("ah", String(60), nullable=False),
    Column("xh", Integer, nullable=False),
    *varchars(bzxrmc=200, bzxrlx=20, zjhm=50, zjhm_tm=50, tyshxydm=24, xb=4),
    Column("nl", Integer),
    *varchars(fddbr=100, zxfy=80, sf=20, yjwh=80, zcyjdw=100, larq=20),
    Column("fbrq", DateTime),
    Column("yw", Text),
    *varchars(lxqk=50, xwqx=400, dqrq=20),
    Column("pbrq", DateTime),
    *varchars(pbyy=200, yyrq=20, yyah=60),
    Column("zt", SmallInteger),
    Column("is_del", Boolean),
    Column("gxsj", DateTime),
    Index("ix_sxbzxr_zjhm", "zjhm"),
)
RESTRICTIONS = Table(
    "zx_xgl",
    metadata,
    Column("xgid", String(36), primary_key=True),
    *varchars(ah=60, bxr=100, zjhm=50, zl=10, gx=20, gldwmc=200, gldwdm=30, fymc=80),
    Column("zcrq", DateTime),
    Column("jcrq", DateTime),
    *varchars(zt=4, yyrq=20),
    Column("gxsj", DateTime),
    Index("ix_xgl_zjhm", "zjhm"),
)

_COURT = "样例县人民法院"
_BEHAVIOURS = (
    "有履行能力而拒不履行生效法律文书确定义务",
    "以伪造证据、暴力、威胁等方法妨碍、抗拒执行",
    "以虚假诉讼、虚假仲裁或者以隐匿、转移财产等方法规避执行",
    "违反财产报告制度",
    "违反限制消费令",
    "无正当理由拒不履行执行和解协议",
)
_PERFORMANCE = ("全部未履行", "部分未履行", "全部履行")


def person_rows(person: Person, dice: Dice) -> Iterator[Row]:
    """Some adults default; most of those are restricted."""
    if not person.adult or not dice.chance(0.025):
        return
    row = _default(person.index, person.name, dice)
    row |= {
        "bzxrlx": dice.choice(("0", "0", "自然人")),
        "zjhm": misspelt(dice, person.citizen_id, lower, trailing_space, full_width),
        "zjhm_tm": f"{person.citizen_id[:10]}****{person.citizen_id[-4:]}",
        "xb": dice.choice(("男性", "男", "1") if person.male else ("女性", "女", "2")),
        "nl": dice.today.year - person.born.year,
    }
    yield DEFAULTERS, row
    if dice.chance(0.05):
        yield DEFAULTERS, row | {"id": 50_000_000 + person.index, "zt": 9}
    if dice.chance(0.7):
        yield RESTRICTIONS, _restriction(person, row, dice)


def entity_rows(entity: Entity, dice: Dice) -> Iterator[Row]:
    """Some market entities default; old rows know only the organization code."""
    if entity.market and dice.chance(0.06):
        key = misspelt(dice, entity.uscc, lower, trailing_space, organization_code, rate=0.3)
        yield (
            DEFAULTERS,
            _default(100_000_000 + entity.index, entity.name, dice)
            | {
                "bzxrlx": "1",
                "zjhm": key,
                "tyshxydm": None if "-" in key else entity.uscc,
                "fddbr": lost_rare(entity.head.name),
            },
        )


def _default(number: int, name: str, dice: Dice) -> dict[str, Cell]:
    filed = dice.past(8)
    published = min(filed + timedelta(days=dice.randint(30, 200)), dice.today)
    hidden, disputed = dice.chance(0.1), dice.chance(0.03)
    return {
        "id": 1_000_000 + number,
        "ah": document_no(dice, "", filed.year, number).replace("号", f"测0101执{number % 9000 + 1}号"),
        "xh": 1,
        "bzxrmc": lost_rare(name),
        "zxfy": _COURT,
        "sf": "样例省",
        "yjwh": document_no(dice, "", filed.year - 1, 1).replace("号", f"测0101民初{number % 900 + 1}号"),
        "zcyjdw": _COURT,
        "larq": written(dice, filed, chinese, dashed, unpadded),
        "fbrq": dice.moment(published),
        "yw": f"支付样例乙货款{dice.randint(1, 90)}万元，身份证990101196307080059，电话13800138000",
        "lxqk": dice.choice(_PERFORMANCE),
        "xwqx": dice.choice(",，").join(dice.sample(_BEHAVIOURS, dice.randint(1, 2))),
        "dqrq": _expiry(published, dice),
        "pbrq": dice.moment(dice.today) if hidden else None,
        "pbyy": "履行完毕" if hidden else None,
        "yyrq": dashed(dice.today) if disputed else None,
        "yyah": f"测0101执异{number % 900 + 1}号" if disputed else None,
        "zt": 2 if hidden else 4 if disputed else 3 if dice.chance(0.03) else 1,
        "is_del": None if dice.chance(0.6) else dice.chance(0.05),
        "gxsj": dice.moment(published),
    }


def _expiry(published: date, dice: Dice) -> str | None:
    if dice.chance(0.3):
        return None
    return dashed(published + timedelta(days=730))


def _restriction(person: Person, default: dict[str, Cell], dice: Dice) -> dict[str, Cell]:
    issued = dice.past(5)
    lifted = dice.chance(0.3)
    return {
        "xgid": str(UUID(int=dice.getrandbits(128))),
        "ah": default["ah"],
        "bxr": default["bzxrmc"],
        "zjhm": default["zjhm"],
        "zl": "2" if dice.chance(0.1) else "1",
        "gx": dice.choice(("被执行人", "法定代表人", "实际控制人")),
        "fymc": _COURT,
        "zcrq": dice.moment(issued),
        "jcrq": dice.moment(dice.today) if lifted else None,
        "zt": "2" if lifted else "1",
        "gxsj": dice.moment(issued),
    }
