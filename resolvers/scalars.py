"""Scalars of the graph: exact money, dates that carry their precision, codes."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, NewType

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from catalogue.values import CHINA_TIME, PartialDate

Money = NewType("Money", Decimal)
CalendarDate = NewType("CalendarDate", PartialDate)
Instant = NewType("Instant", datetime)
RecordTypeCode = NewType("RecordTypeCode", str)
ScenarioCode = NewType("ScenarioCode", str)
Uscc = NewType("Uscc", str)


def _money(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    raise ValueError("not an exact amount")


def _date(value: Any) -> str:
    if isinstance(value, PartialDate):
        return str(value)
    raise ValueError("not a date")


def _instant(value: Any) -> str:
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(CHINA_TIME).isoformat(timespec="milliseconds")
    raise ValueError("not an instant")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise ValueError("not text")


SCALARS: dict[object, ScalarDefinition] = {
    Money: strawberry.scalar(
        name="Money",
        serialize=_money,
        description="人民币金额（元），精确十进制字符串。\n\nExact decimal string in CNY yuan: 12345.60.",
    ),
    CalendarDate: strawberry.scalar(
        name="PartialDate",
        serialize=_date,
        description=(
            "日期，按来源精度：2018、2018-06、2018-06-01；“..”为长期。\n\n"
            "ISO 8601 date with the precision the source knows; `..` (ISO 8601-2) is open-ended."
        ),
    ),
    Instant: strawberry.scalar(
        name="DateTime",
        serialize=_instant,
        specified_by_url="https://scalars.graphql.org/andimarek/date-time",
        description="北京时间时刻（RFC 3339）。\n\nRFC 3339 instant, printed in Asia/Shanghai.",
    ),
    RecordTypeCode: strawberry.scalar(
        name="RecordTypeCode",
        serialize=_text,
        parse_value=_text,
        description="信息类型代码，如 P-FG-03。\n\nCode of a record type of the catalogue, such as P-FG-03.",
    ),
    ScenarioCode: strawberry.scalar(
        name="ScenarioCode",
        serialize=_text,
        parse_value=_text,
        description="应查必查场景代码，如 S04。\n\nCode of a must-check scenario, such as S04.",
    ),
    Uscc: strawberry.scalar(
        name="Uscc",
        serialize=_text,
        parse_value=_text,
        description="统一社会信用代码（GB 32100-2015）。\n\nUnified social credit code, 18 characters.",
    ),
}


def read_member(source: object, name: str) -> object:
    """Read a field of a built node: answers are plain mappings, static types are objects."""
    if isinstance(source, dict):
        return source[name]
    return getattr(source, name)


def config() -> StrawberryConfig:
    """The schema configuration: our scalars, our reader, no suggestions (they echo what was typed)."""
    return StrawberryConfig(scalar_map=SCALARS, default_resolver=read_member, disable_field_suggestions=True)
