"""Short forms for DDL and rows that departments share."""

from __future__ import annotations

from datetime import date
from typing import TypeAlias

from sqlalchemy import Column, String, Table

from .dice import Dice
from .dirt import dashed, slashed, stamped

Cell: TypeAlias = object
Row: TypeAlias = tuple[Table, dict[str, Cell]]


def varchars(**sizes: int) -> list[Column[str]]:
    """VARCHAR columns by name and size."""
    return [Column(name, String(size)) for name, size in sizes.items()]


def standing() -> list[Column[str]]:
    """How a decision stands, as most front databases keep it.

    ZT 0 正常 1 撤销 2 异议 · FYZT 复议诉讼 0 无 1 进行中 2 已终结 · XFZT 修复 0 未 1 已 ·
    XFRQ 修复日期 · YYRQ 异议日期 · GXSJ 更新时间.
    """
    return varchars(ZT=4, FYZT=4, XFZT=4, XFRQ=20, YYRQ=20, GXSJ=30)


def stand(dice: Dice, since: date) -> dict[str, Cell]:
    """Most decisions stand; some are annulled, disputed, appealed or repaired."""
    fate = dice.random()
    later = min(since.toordinal() + dice.randint(10, 200), dice.today.toordinal())
    day = date.fromordinal(later)
    return {
        "ZT": "1" if fate < 0.03 else "2" if fate < 0.06 else "0",
        "FYZT": "1" if 0.06 < fate < 0.08 else "2" if 0.08 < fate < 0.10 else None,
        "XFZT": "1" if 0.10 < fate < 0.16 else "0",
        "XFRQ": dashed(day) if 0.10 < fate < 0.16 else None,
        "YYRQ": slashed(day) if 0.03 <= fate < 0.06 else None,
        "GXSJ": stamped(day),
    }
