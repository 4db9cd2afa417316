"""Numbers: integers, money, bands."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Final

from connectors.decoders.numerals import han_amount
from connectors.decoders.registry import CodeTables, DecodeError, StepFunction, configured, plain

_GROUPED: Final = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")
_UNITS: Final = {"分": Decimal("0.01"), "角": Decimal("0.1"), "元": Decimal(1), "万元": Decimal(10_000)}
_SCALES: Final = {"十": 10, "百": 100, "千": 1_000, "万": 10_000, "百万": 10**6, "千万": 10**7, "亿": 10**8}
_AMOUNT: Final = re.compile(
    r"(?:人民币|RMB|CNY|¥)?(?P<number>[+-]?[\d,]*\.?\d+)(?P<scale>百万|千万|[十百千万亿])?(?P<yuan>元整?|圆整?|角|分)?",
    re.IGNORECASE,
)
_CENT: Final = Decimal("0.01")
_MOST_DIGITS: Final = 100
"""Before the point; a longer number is no number of a record, and costs seconds as an integer."""
_MONEY_EDGES: Final = (1_000, 10_000, 100_000, 1_000_000)


def number(cell: object) -> Decimal:
    """An exact number, with or without thousands separators; raises DecodeError."""
    if isinstance(cell, bool):
        raise DecodeError("NUMBER")
    if isinstance(cell, int | Decimal):
        exact = Decimal(cell)
    elif isinstance(cell, float):
        exact = Decimal(repr(cell))
    elif isinstance(cell, str):
        exact = _from_text(cell)
    else:
        raise DecodeError("NUMBER")
    if not exact.is_finite() or exact.adjusted() >= _MOST_DIGITS:
        raise DecodeError("NUMBER")
    return exact


def _from_text(text: str) -> Decimal:
    bare = re.sub(r"\s", "", unicodedata.normalize("NFKC", text))
    if not _GROUPED.fullmatch(bare):
        raise DecodeError("NUMBER")
    return Decimal(bare.replace(",", ""))


@plain("integer", gives=int)
def integer(cell: object) -> int:
    """A whole number; `12.0` is one, `12.5` is rejected."""
    exact = number(cell)
    if exact != exact.to_integral_value():
        raise DecodeError("INTEGER")
    return int(exact)


@configured("money", gives=Decimal)
def money(argument: object, _tables: CodeTables) -> StepFunction:
    """An amount in CNY yuan; a unit written in the text wins over the manifest's `unit` (元)."""
    unit = argument.get("unit") if isinstance(argument, Mapping) else argument or "元"
    if unit not in _UNITS or (isinstance(argument, Mapping) and set(argument) != {"unit"}):
        raise ValueError(f"write `money: {{unit: …}}` with one of {', '.join(_UNITS)}")
    factor = _UNITS[str(unit)]

    def decode(cell: object) -> Decimal:
        return _cents(_written(cell) if isinstance(cell, str) else number(cell) * factor)

    def _written(cell: str) -> Decimal:
        text = re.sub(r"\s", "", unicodedata.normalize("NFKC", cell))
        found = _AMOUNT.fullmatch(text)
        if not found:
            return han_amount(text)
        amount, scale, yuan = number(found["number"]), found["scale"], found["yuan"]
        if not scale and not yuan:
            return amount * factor
        return (
            amount
            * (_SCALES[scale] if scale else 1)
            * _UNITS[(yuan or "元").replace("圆", "元").removesuffix("整")]
        )

    return decode


def _cents(amount: Decimal) -> Decimal:
    """Two decimals where that is exact; more only if the source wrote more."""
    try:
        cents = amount.quantize(_CENT)
    except InvalidOperation:
        raise DecodeError("NUMBER") from None
    return cents if cents == amount else amount.normalize()


@configured("band", gives=str)
def band(argument: object, _tables: CodeTables) -> StepFunction:
    """The interval a number falls in; bare, the money bands of M_BAND. An edge belongs to the band below."""
    edges, unit = _edges(argument)
    names = [_edge_name(edge, unit) for edge in edges]
    between = [_between(low, high) for low, high in pairwise(names)]
    labels = [f"≤{names[0]}", *between, f">{names[-1]}"]

    def decode(cell: object) -> str:
        amount = number(cell)
        return labels[sum(amount > edge for edge in edges)]

    return decode


def _edges(argument: object) -> tuple[list[Decimal], str]:
    if argument is None:
        argument = _MONEY_EDGES
    given = dict(argument) if isinstance(argument, Mapping) else {"edges": argument}
    unit, listed = given.pop("unit", "元"), given.pop("edges", None)
    if given or not isinstance(unit, str) or not isinstance(listed, list | tuple) or not listed:
        raise ValueError("list the edges: `band: [1000, 10000]` or `band: {edges: [5, 10], unit: 人}`")
    try:
        edges = [number(edge) for edge in listed]
    except DecodeError:
        raise ValueError("every edge is a number") from None
    if edges != sorted(set(edges)):
        raise ValueError("edges rise")
    return edges, unit


def _edge_name(edge: Decimal, unit: str) -> str:
    return f"{edge / 10_000:f}万" if edge and edge % 10_000 == 0 else f"{edge:f}{unit}"


def _between(low: str, high: str) -> str:
    """`1万`, `10万` → `1–10万`; `1000元`, `1万` → `1000元–1万`."""
    suffix = high.lstrip("-.0123456789")
    return f"{low.removesuffix(suffix)}–{high}"
