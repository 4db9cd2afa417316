"""Three databases that the project has never seen: other habits, other engines, messy cells.

All people are of region 9901xx. `TESTED` is in each of them; `CANARIES` must never be printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from catalogue.identifiers import citizen_id_15
from tests.support.databases import Database

TESTED = "990101198001010014"
OTHERS = ("990101197512310022", "990101196307080059", "99010120120615004X")
COMPANY = "91990100MA9TE00142"
CANARIES = (TESTED, *OTHERS, COMPANY, "测试甲", "欧阳样例", "样例路8号", "13800138000")
_NAMES = ("测试甲", "欧阳样例", "样例丁")


@dataclass(frozen=True)
class Stranger:
    """One unknown database."""

    engine: str
    tables: Sequence[str]
    rows: dict[str, list[tuple[Any, ...]]]

    async def fill(self, database: Database) -> None:
        await database.execute(*self.tables)
        for table, rows in self.rows.items():
            await database.insert(table, rows)


def _pinyin(year: int) -> list[tuple[Any, ...]]:
    people = [TESTED, citizen_id_15(OTHERS[0]) or "", OTHERS[1], OTHERS[2].lower()]
    names = [*_NAMES, "样丙"]
    dates = [f"{year}年3月4日", f"{year}.5.6", f"{year}0708", f"{year}-09-10"]
    fines = ["200元", "0.5万元", "300", "1000元"]
    deleted = [None, "0", "0", "1"]
    return [
        (year * 10 + n, *who, f"测文罚〔{year}〕{n}号", "无照经营", "罚款", *decided, "测试局", deleted[n])
        for n, (who, decided) in enumerate(
            zip(zip(people, names, strict=True), zip(fines, dates, strict=True), strict=True)
        )
    ]


PINYIN = Stranger(
    "sqlite",
    [
        *(
            f"CREATE TABLE T_XZCF_{year} (ID INTEGER PRIMARY KEY, XDR_ZJHM TEXT, XDR_MC TEXT, CFJDSWH TEXT,"
            " WFXWLX TEXT, CFLB TEXT, FKJE TEXT, CFJDRQ TEXT, CFJG TEXT, IS_DEL TEXT)"
            for year in (2024, 2025)
        ),
        *(f"CREATE INDEX K{year} ON T_XZCF_{year} (XDR_ZJHM)" for year in (2024, 2025)),
        "CREATE TABLE T_XZCF_BAK (ID INTEGER PRIMARY KEY, XDR_ZJHM TEXT)",
        "CREATE TABLE SYS_MENU (ID INTEGER PRIMARY KEY, MC TEXT)",
    ],
    {f"T_XZCF_{year}": _pinyin(year) for year in (2024, 2025)} | {"SYS_MENU": [(1, "首页")]},
)
"""Pinyin initials, no comments, one table a year, 15-digit ids, dates and money as typed."""

COMMENTED = Stranger(
    "postgresql",
    [
        "CREATE TABLE dw (dw_id integer PRIMARY KEY, c1 varchar(18), c2 varchar(80), c3 varchar(30),"
        " c4 varchar(18), c5 varchar(200))",
        "CREATE TABLE xf_jl (jl_id integer PRIMARY KEY, dw_id integer NOT NULL REFERENCES dw, f1 varchar(60),"
        " f2 varchar(200), f3 timestamp, f4 timestamp, f5 char(1), f6 timestamp)",
        "CREATE INDEX dw_c1 ON dw (c1)",
        "CREATE INDEX xf_jl_dw ON xf_jl (dw_id)",
        "COMMENT ON TABLE xf_jl IS '消防安全领域信用信息'",
        "COMMENT ON COLUMN dw.c1 IS '统一社会信用代码'",
        "COMMENT ON COLUMN dw.c2 IS '单位名称'",
        "COMMENT ON COLUMN dw.c3 IS '法定代表人'",
        "COMMENT ON COLUMN dw.c4 IS '法定代表人身份证号'",
        "COMMENT ON COLUMN xf_jl.f1 IS '文号'",
        "COMMENT ON COLUMN xf_jl.f2 IS '行为'",
        "COMMENT ON COLUMN xf_jl.f3 IS '日期'",
        "COMMENT ON COLUMN xf_jl.f4 IS '公示截止期'",
        "COMMENT ON COLUMN xf_jl.f5 IS '状态 1 有效 2 撤销 3 其他'",
        "COMMENT ON COLUMN xf_jl.f6 IS '更新时间'",
    ],
    {},
)
"""Names that say nothing, comments that say all; the key is in another table."""

STANDARD = Stranger(
    "mariadb",
    [
        "CREATE TABLE ac01 (aac001 varchar(20) PRIMARY KEY, aac002 varchar(18) COMMENT '证件号码',"
        " aac003 varchar(50) COMMENT '姓名', aac004 char(1) COMMENT '性别',"
        " aae005 varchar(20) COMMENT '联系电话',"
        " KEY k (aac002))",
        "CREATE TABLE ac02 (aaz159 bigint PRIMARY KEY, aac001 varchar(20), aae140 varchar(20) COMMENT '险种',"
        " aac008 varchar(2) COMMENT '参保状态 1 参保缴费 2 暂停缴费',"
        " aac049 decimal(6,0) COMMENT '参保起始年月', KEY p (aac001))",
    ],
    {
        "ac01": [
            (f"P{n}", person, name, "1", "13800138000")
            for n, (person, name) in enumerate(
                [(TESTED, "测试甲"), (OTHERS[0], "欧阳样例"), (OTHERS[1], "样例丁")]
            )
        ],
        "ac02": [(n, f"P{n % 3}", f"{310 + n}", "12"[n % 2], 201806 + n) for n in range(6)],
    },
)
"""LD/T 92 element names: persons and their insurances, joined by a number that no constraint declares."""


async def fill_commented(database: Database) -> None:
    """PostgreSQL wants real dates, so its rows are written as SQL."""
    await COMMENTED.fill(database)
    await database.execute(
        f"INSERT INTO dw VALUES (1, '{COMPANY}', '测试有限公司', '测试甲', '{TESTED}', '样例路8号'),"
        f" (2, '91990101MA9TE00220', '样例公司', '欧阳样例', '{OTHERS[0]}', '样例路9号')",
        "INSERT INTO xf_jl VALUES"
        " (1, 1, '测消罚〔2026〕1号', '占用消防通道', '2026-03-04', '2027-03-04', '1', '2026-03-05'),"
        " (2, 1, '测消罚〔2026〕2号', '未设灭火器', '2026-04-04', '2027-04-04', '2', '2026-05-05')",
    )
