"""How well a column's name or comment fits a label of the catalogue: from 0 (not at all) to 1 (surely).

Names are compared with the label's pinyin, whole and by initials, with the English name and
label, and with the habits listed in `vocabulary.yaml`; comments with the Chinese label.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from functools import cache
from importlib.resources import files
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from catalogue.model import Label

_HAN: Final = re.compile(r"[\u4e00-\u9fff]")
_ASIDE: Final = re.compile(r"[（(【\[].*?[）)】\]]")
_COMMENT_ENDS: Final = re.compile(r"[\s,，;；:：。.、/0-9（(【\[=]")
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PAIR: Final = re.compile(r"([0-9]{1,3}|[A-Z]{1,2})\s*[-—=:：.、]?\s*([\u4e00-\u9fff]{1,12})")
_SURE_INITIALS: Final = 3
"""Two letters of pinyin mean too much; from three on they are a name."""


class Flags(BaseModel):
    """Names and comments by which a column of flags is known."""

    names: tuple[str, ...]
    comments: tuple[str, ...]
    tables: tuple[str, ...] = ()


class Vocabulary(BaseModel):
    """What `vocabulary.yaml` says."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)

    fields: dict[str, tuple[str, ...]]
    roles: dict[str, tuple[str, ...]]
    labels: dict[str, tuple[str, ...]]
    statuses: dict[str, tuple[str, ...]]
    soft_delete: Flags
    history: Flags
    other_persons: tuple[str, ...]
    other_persons_comments: tuple[str, ...]
    tables: dict[str, tuple[str, ...]]


@cache
def vocabulary() -> Vocabulary:
    """The habits, read once."""
    text = (files("connectors.introspect") / "vocabulary.yaml").read_text("utf-8")
    return Vocabulary.model_validate(yaml.safe_load(text))


def head(comment: str) -> str:
    """The words a comment begins with, before codes and explanations."""
    return _COMMENT_ENDS.split(comment.strip(), 1)[0]


def by_comment(comment: str, labels: Iterable[str]) -> float:
    """How well a comment says one of the Chinese labels."""
    said = head(comment)
    return max((_alike(said, _bare(label)) for label in labels), default=0.0) if said else 0.0


def by_name(column: str, synonyms: Iterable[str], label: Label | None = None, english: str = "") -> float:
    """How well a column's name means a thing with these synonyms and label."""
    name = _plain(column)
    parts = name.split("_")
    found = 0.0
    for synonym in synonyms:
        if name == synonym or name.replace("_", "") == synonym.replace("_", ""):
            return 0.9
        if name.endswith(f"_{synonym}"):
            found = max(found, 0.75)
    if label:
        found = max(found, _by_pinyin(name, parts[-1], label.zh), _by_english(parts, english, label.en))
    return found


def is_flag(column: str, comment: str, flags: Flags) -> bool:
    """Whether a column is one of these flags, by its whole name or the start of its comment."""
    return _plain(column) in flags.names or any(word in comment for word in flags.comments)


def of_another(column: str, comment: str) -> bool:
    """Whether a key column names somebody beside the subject: a representative, a clerk."""
    words = vocabulary()
    parts = _plain(column).split("_")
    named = any(part.startswith(words.other_persons) for part in parts)
    return named or any(word in comment for word in words.other_persons_comments)


def codes_in(comment: str) -> dict[str, str]:
    """`1 发布 2 屏蔽 9 测试` as code → word; at least two make a table."""
    pairs = dict(_PAIR.findall(comment))
    return pairs if len(pairs) > 1 else {}


def status_of(word: str) -> str | None:
    """The status that a word beside a code means, the longest match first."""
    matches = [
        (len(one), status)
        for status, words in vocabulary().statuses.items()
        for one in words
        if one in word and not word.startswith(("不", "非", "未", "无"))
    ]
    exact = [status for status, words in vocabulary().statuses.items() if word in words]
    return exact[0] if exact else max(matches)[1] if matches else None


def by_table(name: str, comment: str, code: str, label: Label) -> float:
    """How well a table's name and comment mean a record type."""
    plain = re.sub(r"\d+$", "", _plain(name.rpartition(".")[2]).replace("_", ""))
    known = vocabulary().tables.get(code, ())
    found = 0.9 if any(word.replace("_", "") in plain for word in known) else 0.0
    initials = _initials(_bare(label.zh))
    if len(plain) > _SURE_INITIALS:
        found = max(found, SequenceMatcher(None, plain, initials).ratio() * 0.7)
    said = _bare(comment)
    return max(found, _alike(said, _bare(label.zh)) if said else 0.0)


def _bare(text: str) -> str:
    return _ASIDE.sub("", text).strip()


def _plain(column: str) -> str:
    own = column.rpartition(".")[2]
    return (_HUMP.sub("_", own) if not own.isupper() else own).casefold().strip("_")


def _alike(said: str, label: str) -> float:
    if said == label:
        return 1.0
    if len(label) > 1 and (said.endswith(label) or label.endswith(said)) and min(len(said), len(label)) > 1:
        return 0.6 + 0.3 * min(len(said), len(label)) / max(len(said), len(label))
    return SequenceMatcher(None, said, label).ratio() * 0.85


def _by_pinyin(name: str, last: str, label: str) -> float:
    if not _HAN.search(label):
        return 0.0
    bare = _bare(label)
    joined, initials = name.replace("_", ""), _initials(bare)
    if joined == _spelled(bare):
        return 0.95
    if joined == initials:
        return 0.8 if len(initials) >= _SURE_INITIALS else 0.55
    if len(initials) >= _SURE_INITIALS and (last == initials or joined.endswith(initials)):
        return 0.7
    return 0.5 if len(last) >= _SURE_INITIALS and initials.endswith(last) else 0.0


def _by_english(parts: list[str], name: str, label: str) -> float:
    """Words in common with the field's own name, or with its English label."""
    mine = {part for part in parts if len(part) > 1}
    named = {word.casefold() for word in _HUMP.split(name)}
    told = {word.casefold() for word in re.findall(r"[A-Za-z]+", label)} - {"of", "the", "or", "and"}
    shares = (len(mine & words) / len(mine | words) for words in (named, told) if mine | words)
    return max(shares, default=0.0) * 0.9


def _initials(label: str) -> str:
    return "".join(syllable[0] for syllable in _syllables(label))


def _spelled(label: str) -> str:
    return "".join(_syllables(label))


@cache
def _syllables(label: str) -> tuple[str, ...]:
    from pypinyin import lazy_pinyin  # a dictionary of half a second, which nothing else needs

    return tuple(syllable.casefold() for syllable in lazy_pinyin(label))
