"""The decoder chain a column needs for a field or role, and what to be unsure of in it.

A status, a severity or a flag is never guessed from its codes alone: what its comment does not
say is left out, so that rows with such a code are rejected where everybody sees it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from catalogue.model import FieldType, RecordField, Role, Severity
from connectors.introspect.fitting import SURE, Pair
from connectors.introspect.shapes import Shape, Words
from connectors.introspect.vocabulary import codes_in, status_of
from connectors.shapes import KeyForm

Chain: TypeAlias = list[object]
ASK: Final = "待填"
"""Stands for codes whose meaning the department must tell: no row has it, so every row is rejected."""

_SEVERITIES: Final = {"轻微": Severity.MINOR, "一般": Severity.GENERAL, "严重": Severity.SERIOUS}
_AMOUNTS: Final = ("金额", "罚款", "资本", "收入")
_SHORT: Final = {KeyForm.ORGANIZATION_CODE, KeyForm.TAXPAYER_15}
_DECODERS: Final = {
    FieldType.DATE: "date",
    FieldType.CITIZEN_ID: "citizenId",
    FieldType.LIST: "split",
}
_YES: Final = frozenset({"1", "Y", "YES", "T", "TRUE", "是", "有"})
_NO: Final = frozenset({"0", "N", "NO", "F", "FALSE", "否", "无"})


@dataclass(frozen=True, slots=True)
class Reading:
    """A decoder chain, and doubts about it."""

    decode: Chain
    doubts: tuple[str, ...] = ()


def for_field(field: RecordField, pair: Pair, shape: Shape, words: Words) -> Reading | None:
    """How a field's column is read; None where no chain can be given (a band of unknown edges)."""
    reading = _of_type(field, pair, shape, words)
    if reading is None:
        return None
    return _finished(reading, pair, shape, by_default=field.type in (FieldType.STRING, FieldType.TEXT))


def for_role(role: Role, pair: Pair, shape: Shape, words: Words) -> Reading:
    """How a control's column is read."""
    comment = pair.column.comment
    match role:
        case Role.STATUS:
            statuses = {word: status_of(word) for word in _told(comment, words)}
            reading = _closed(comment, words, statuses, "ACTIVE")
        case Role.SEVERITY:
            severities = {word: _severity_of(word) for word in _told(comment, words)}
            reading = _closed(comment, words, severities, Severity.GENERAL)
        case Role.UPDATED_AT:
            reading = Reading(["instant"])
        case Role.REPAIR_STATE:
            doubt = "every value but those under nullIf counts as repaired"
            reading = Reading(["trim", {"nullIf": ["0", "否", "无"]}], (doubt, *_seen(words)))
        case Role.APPEAL:
            doubt = "open unless the codes say NONE, CLOSED, FINAL or UPHELD"
            reading = Reading(["trim"], (doubt, *_seen(words)))
        case Role.PROCEDURE | Role.STATEMENT | Role.DISPUTE_CASE_NO | Role.NAME:
            reading = Reading(["trim"])
        case _:
            reading = Reading(["date"])
    return _finished(reading, pair, shape, by_default=False)


def _finished(reading: Reading, pair: Pair, shape: Shape, *, by_default: bool) -> Reading:
    decode, doubts = reading.decode, list(reading.doubts)
    if shape.share(shape.misread) > 0.3:
        decode = [{"charset": "gb18030"}, *decode]
        doubts.append("bytes look like GB 18030 under a wrong label")
    if pair.score < SURE:
        doubts.append(f"{round(pair.score * 100)} % by name and comment")
    if not shape.filled:
        doubts.append("no cell to look at")
    elif "date" in decode and shape.share(shape.dates) < 1:
        doubts.append(f"{round((1 - shape.share(shape.dates)) * 100)} % of the cells are no date")
    return Reading([] if by_default and decode == ["trim"] else decode, tuple(doubts))


def _of_type(field: RecordField, pair: Pair, shape: Shape, words: Words) -> Reading | None:
    match field.type:
        case FieldType.USCC:
            return None if _SHORT & set().union(*shape.forms.values()) else Reading(["uscc"])
        case FieldType.INTEGER:
            years = field.label.zh.endswith("年度") or field.name == "year"
            return Reading(["year" if years else "integer"])
        case FieldType.MONEY:
            return _money(pair, [])
        case FieldType.BAND:
            if any(word in field.label.zh for word in _AMOUNTS):
                return _money(pair, ["band"])
            return None if shape.share(shape.numbers) > 0.5 else Reading(["trim"])
        case FieldType.BOOLEAN:
            return _boolean(pair, words)
        case FieldType.CODE:
            return _code(pair.column.comment, words)
    return Reading([_DECODERS.get(field.type, _text_decoder(field.label.zh))])


def _text_decoder(label: str) -> str:
    return "documentNo" if any(word in label for word in ("文号", "案号", "文书号")) else "trim"


def _money(pair: Pair, more: Chain) -> Reading:
    told = f"{pair.column.comment} {pair.column.name}"
    if "万" in told or "_wan" in told.casefold() or told.casefold().endswith("wy"):
        return Reading(["trim", {"money": {"unit": "万元"}}, *more])
    doubts = () if "元" in told else ("元 or 万元? The comment does not say",)
    return Reading(["trim", {"money": {"unit": "元"}}, *more], doubts)


def _boolean(pair: Pair, words: Words) -> Reading:
    seen = {str(word).upper() for word in words.said}
    if pair.column.kind == "boolean" or (seen and seen <= _YES | _NO):
        return Reading(["boolean"])
    return Reading(["boolean"], ("which words mean yes?", *_seen(words)))


def _code(comment: str, words: Words) -> Reading:
    codes = codes_in(comment)
    if not codes:
        numbered = [word for word in words.said if not isinstance(word, str) or word.isascii()]
        return Reading(["trim"], _seen(words) if numbered else ())
    said = list(map(str, words.said))
    plain = codes | {word: word for word in said if word in codes.values()}
    missing = [word for word in said if word not in plain]
    doubts = (f"the comment does not explain {', '.join(missing)}",) if missing else ()
    return Reading(["trim", {"codes": plain}], doubts)


def _told(comment: str, words: Words) -> list[str]:
    return [*codes_in(comment).values(), *(str(word) for word in words.said)]


def _closed(comment: str, words: Words, known: dict[str, str | None], word: str) -> Reading:
    """A table to a closed list of words; codes whose meaning is not told are left out."""
    table = {code: meaning for code, told in codes_in(comment).items() if (meaning := known.get(told))}
    table |= {said: meaning for said in map(str, words.said) if (meaning := known.get(said))}
    untold = [code for code in _codes(comment, words) if code not in table]
    doubts = []
    if not table:
        table = {ASK: str(word)}
        doubts.append("say which code means what; until then every row is rejected")
    if untold:
        doubts.append(f"rows with {', '.join(untold)} are rejected until you map or filter them")
    if words.unsaid:
        doubts.append(f"{words.unsaid} more values are too rare to be shown")
    return Reading(["trim", {"codes": dict(sorted(table.items()))}], tuple(doubts))


def _codes(comment: str, words: Words) -> list[str]:
    told = codes_in(comment)
    seen = [str(word) for word in words.said if str(word) not in told.values()]
    return list(dict.fromkeys([*told, *seen]))


def _severity_of(word: str) -> str | None:
    return next((severity.value for zh, severity in _SEVERITIES.items() if zh in word), None)


def _seen(words: Words) -> tuple[str, ...]:
    return (f"the cells say {', '.join(map(str, words.said))}",) if words.said else ()
