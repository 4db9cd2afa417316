"""The nine tables: a population register and eight departments' records, one row a person in each.

Columns are named and filled as departments do it: dates as text, codes, 15-digit numbers,
lower-case x. `bench/deployment/sources/` describes the same columns to the gateway.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from stdnum.cn import uscc

from bench.persons import Person

Cell = str | int | datetime | None
POSTGRESQL: Final = "postgresql"
MARIADB: Final = "mariadb"


@dataclass(frozen=True, slots=True)
class Days:
    """Days relative to the day of generation, so that every record is within its clocks."""

    today: date

    def past(self, person: Person, span: int = 300) -> date:
        """A day within the last `span` days."""
        return self.today - timedelta(days=1 + person.index % span)

    def ahead(self, person: Person) -> date:
        """A day two to three years from now."""
        return self.today + timedelta(days=730 + person.index % 365)


@dataclass(frozen=True, slots=True)
class Table:
    """One table of one department; `columns` is its DDL, `row` its values for a person."""

    source: str
    engine: str
    name: str
    key: str
    columns: str
    row: Callable[[Person, Days], tuple[Cell, ...]]

    @property
    def names(self) -> list[str]:
        """Column names in the order of `row`."""
        return [part.split()[0] for part in self.columns.split(", ")]


def _organizations() -> list[tuple[str, str]]:
    bodies = (f"91990101MA9B{serial:05d}" for serial in range(500))
    return [(f"样例第{serial}机构", body + uscc.calc_check_digit(body)) for serial, body in enumerate(bodies)]


_ORGANIZATIONS: Final = _organizations()


def _organization(person: Person) -> tuple[str, str]:
    return _ORGANIZATIONS[person.index % len(_ORGANIZATIONS)]


def _changed(person: Person, days: Days) -> datetime:
    start = datetime.combine(days.past(person, 200), datetime.min.time())
    return start + timedelta(seconds=person.index % 86_400)


def _short(person: Person) -> str:
    """One in ten still has the 15-digit number."""
    number = person.number
    return number[:6] + number[8:17] if person.index % 10 == 0 else number


def _register(person: Person, days: Days) -> tuple[Cell, ...]:
    return person.index, person.number, person.name, "10", _changed(person, days)


def _traffic(person: Person, days: Days) -> tuple[Cell, ...]:
    n = person.index
    act, ruling = days.past(person) - timedelta(days=20), days.past(person)
    plate = f"浙A{n % 100_000:05d}"
    return (
        n, f"样公交决字[{ruling.year}]第{n}号", person.number, person.name, f"17{n % 90 + 10}",
        "饮酒后驾驶机动车", f"{act:%Y%m%d}093000", "样例省样例市样例县府前路88号", "2,3", plate,
        f"{ruling:%Y%m%d}150000", "样例县公安局交通管理大队", str(n % 2), "0", "SERIOUS", "0",
        _changed(person, days),
    )  # fmt: skip


def _lawyer(person: Person, days: Days) -> tuple[Cell, ...]:
    n = person.index
    name, code = _organization(person)
    first = date(2010, 1, 1) + timedelta(days=n % 4_000)
    return (
        n, f"13301{n:012d}", person.name, _short(person), "专职律师", name, code, f"{first:%Y-%m-%d}",
        "称职", str(1 + n % 2), None, None, None, "0", _changed(person, days),
    )  # fmt: skip


def _engineer(person: Person, days: Days) -> tuple[Cell, ...]:
    n = person.index
    name, code = _organization(person)
    issued = date(2012, 1, 1) + timedelta(days=n % 4_000)
    return (
        n, f"ZYZG{n:010d}", person.name, person.number, f"{n % 80 + 1:03d}", "注册安全工程师", str(1 + n % 3),
        f"{issued:%Y/%m/%d}", "样例省人力资源和社会保障厅", name, code, f"{days.ahead(person):%Y%m%d}", "1",
        _changed(person, days),
    )  # fmt: skip


def _penalty(person: Person, days: Days) -> tuple[Cell, ...]:
    n = person.index
    ruling = days.past(person)
    return (
        n, f"样市监罚（{ruling.year}）{n}号", person.name, person.number, "违反市场管理秩序",
        f"当事人{person.name}于样例县从事无照经营", "1", f"{n % 900 + 100}.00", f"{ruling:%Y-%m-%d}",
        f"{days.ahead(person):%Y-%m-%d}", "样例县市场监督管理局", "普通", "已履行", "3", "0", "0",
        _changed(person, days),
    )  # fmt: skip


def _teacher(person: Person, days: Days) -> tuple[Cell, ...]:
    n = person.index
    number = person.number.lower() if n % 2 else person.number
    return (
        n, f"2012990101{n:08d}", person.name, number, str(1 + n % 3), "语文", _organization(person)[0],
        "合格", None, None, None, "0", _changed(person, days),
    )  # fmt: skip


def _doctor(person: Person, days: Days) -> tuple[Cell, ...]:
    n = person.index
    return (
        n, f"110990101{n:09d}", person.name, person.number, "临床", "内科专业", _organization(person)[0],
        f"{days.ahead(person):%Y年%m月%d日}", str(1 + n % 2), None, None, None, None, None, "0",
        _changed(person, days),
    )  # fmt: skip


def _builder(person: Person, days: Days) -> tuple[Cell, ...]:
    n = person.index
    name, code = _organization(person)
    return (
        n, f"浙1{n:012d}", person.name, person.number, "一级建造师", "建筑工程", name, code,
        f"{days.ahead(person):%Y-%m-%d}", None, None, None, None, None, "0", _changed(person, days),
    )  # fmt: skip


def _driver(person: Person, days: Days) -> tuple[Cell, ...]:
    n = person.index
    issued = date(2014, 1, 1) + timedelta(days=n % 3_000)
    return (
        n, f"{person.number}", person.name, person.number, str(1 + n % 2), f"{issued:%Y.%m.%d}",
        f"{days.ahead(person):%Y%m%d}", f"{days.today.year - 1}年度", "AAA", "0", None, None, "0",
        _changed(person, days),
    )  # fmt: skip


TABLES: Final = (
    Table("ga", POSTGRESQL, "rkjbxx", "gmsfhm",
        "id bigint, gmsfhm varchar(18), xm varchar(50), ryzt varchar(2), gxsj timestamp", _register),
    Table("ga", POSTGRESQL, "dljtwf", "sfzmhm",
        "id bigint, jdsbh varchar(60), sfzmhm varchar(18), dsr varchar(50), wfdm varchar(8),"
        " wfxw varchar(80), wfsj varchar(14), wfdz varchar(120), cfzl varchar(10), hphm varchar(12),"
        " clsj varchar(14), cljg varchar(80), jkbj varchar(1), zt varchar(1), jdjb varchar(8),"
        " fyzt varchar(1), gxsj timestamp", _traffic),
    Table("sf", POSTGRESQL, "lszy", "sfzh",
        "id bigint, zyzh varchar(20), xm varchar(50), sfzh varchar(18), zylb varchar(20), zyjg varchar(80),"
        " zyjgdm varchar(18), sczyrq varchar(10), ndkh varchar(10), zyzt varchar(1), cfzl varchar(20),"
        " cfwh varchar(60), cfrq varchar(10), zt varchar(1), gxsj timestamp", _lawyer),
    Table("rs", POSTGRESQL, "zyzg", "sfzh",
        "id bigint, zsbh varchar(20), xm varchar(50), sfzh varchar(18), zydm varchar(4), zymc varchar(40),"
        " jb varchar(1), fzrq varchar(10), fzjg varchar(80), zcdw varchar(80), zcdwdm varchar(18),"
        " yxqz varchar(8), zszt varchar(1), gxsj timestamp", _engineer),
    Table("fg", POSTGRESQL, "xzcf", "zjhm",
        "id bigint, wsh varchar(60), mc varchar(50), zjhm varchar(18), wfxw varchar(40), sy varchar(200),"
        " cflb varchar(4), fk varchar(16), jdrq varchar(10), gsjzq varchar(10), cfjg varchar(80),"
        " cfcx varchar(8), lxzt varchar(10), sxdj varchar(1), zt varchar(1), fyzt varchar(1),"
        " sjc timestamp", _penalty),
    Table("jy", MARIADB, "jszg", "sfzh",
        "id bigint, zsbh varchar(20), xm varchar(50), sfzh varchar(18), rjxd varchar(1), rjxk varchar(20),"
        " rjdw varchar(80), zcjl varchar(10), clwh varchar(60), clrq varchar(10), cyjz varchar(20),"
        " zt varchar(1), gxsj datetime", _teacher),
    Table("wj", MARIADB, "yshs", "sfzh",
        "id bigint, zyzbm varchar(20), xm varchar(50), sfzh varchar(18), zylb varchar(20), zyfw varchar(20),"
        " zyjg varchar(80), yxqz varchar(20), zczt varchar(1), blxw varchar(80), jf int, jfzq varchar(20),"
        " clwh varchar(60), clrq varchar(10), zt varchar(1), gxsj datetime", _doctor),
    Table("zj", MARIADB, "zcry", "sfzh",
        "id bigint, zch varchar(20), xm varchar(50), sfzh varchar(18), zclb varchar(20), zy varchar(20),"
        " zcdw varchar(80), zcdwdm varchar(18), yxqz varchar(10), blxw varchar(80), xmmc varchar(80),"
        " rdwh varchar(60), rdrq varchar(10), gbqz varchar(10), zt varchar(1), gxsj datetime", _builder),
    Table("jt", MARIADB, "cyzg", "sfzh",
        "id bigint, cyzgzh varchar(20), xm varchar(50), sfzh varchar(18), cylb varchar(1), clrq varchar(10),"
        " yxqz varchar(8), khnd varchar(10), khdj varchar(4), zjzt varchar(1), cxwh varchar(60),"
        " cxrq varchar(10), zt varchar(1), gxsj datetime", _driver),
)  # fmt: skip
SOURCES: Final = {table.source: table.engine for table in TABLES}
