"""What a person is shown before agreeing: the matters of PIPL 17, 23, 29 and 30, from the request.

It is data, so that a page can lay it out: headings, sentences, items to tick, confirmations
to make one by one. It is made from the request and the catalogue alone, and the hash of its
`text` says what was shown, in whichever language.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from authz.consent.artefact import Confirmation, ConsentRequest, Item, Level
from authz.consent.notice_words import WORDS, Language, Words
from authz.consent.rules import needed, sensitive
from authz.consent.signing import digest_of
from catalogue.model import Catalogue, DataClass, Label, RecordField

VERSION: Final = "2"


@dataclass(frozen=True, slots=True)
class OfferedField:
    """One field that can be ticked."""

    name: str
    label: str
    sensitive: bool


@dataclass(frozen=True, slots=True)
class OfferedItem:
    """One record type that can be ticked; at level BOOLEAN it has no fields."""

    record_type: str
    name: str
    department: str
    level: Level
    level_words: str
    fields: tuple[OfferedField, ...]
    sensitive: bool
    """Whether anything of it is (PIPL 28)."""
    limits: tuple[str, ...]
    """To which natures and days it is limited, in words."""
    text: str
    """All of it in one line."""


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing the person is told."""

    heading: str
    text: str
    """Empty for the matter under which the items stand."""


@dataclass(frozen=True, slots=True)
class Notice:
    """The whole notice in one language."""

    language: Language
    template: str
    matters: tuple[Matter, ...]
    items: tuple[OfferedItem, ...]
    confirmations: tuple[tuple[Confirmation, str], ...]
    """What agreeing takes, each with the words beside its box. None is ticked beforehand."""
    text: str

    @property
    def sha256(self) -> str:
        """What comes back with the agreement."""
        return digest_of(self.text.encode())


def notice_of(request: ConsentRequest, catalogue: Catalogue, language: Language = Language.CHINESE) -> Notice:
    """The notice of a request."""
    words = WORDS[language]
    items = tuple(offered(item, catalogue, language) for item in request.authorization_details)
    confirmations = tuple(
        (each, words.confirmations[each].format(name=request.grantee.name))
        for each in sorted(needed(request.authorization_details, catalogue, request.capacity))
    )
    sentences = tuple(_sentences(request, catalogue, language))
    matters = tuple(Matter(*each) for each in zip(words.headings, sentences, strict=True))
    lists = {3: [item.text for item in items], 8: [text for _, text in confirmations]}
    lines = list(_lines(words, matters, lists))
    return Notice(
        language, f"N-{request.purpose.scenario_code}", matters, items, confirmations, "\n".join(lines)
    )


def offered(item: Item, catalogue: Catalogue, language: Language = Language.CHINESE) -> OfferedItem:
    """One item in words; a type or field that today's catalogue no longer has keeps its code."""
    words, entry = WORDS[language], catalogue.record_types.get(item.record_type)
    name = _named(entry.name, language) if entry else item.record_type
    department = _named(catalogue.departments[entry.department].name, language) if entry else ""
    known = entry.field_by_name if entry else {}
    fields = tuple(_field(one, known.get(one), language) for one in item.named)
    limits = _limits(item, words)
    told = words.item.format(name=name, department=department, level=words.levels[item.level])
    labels = [words.joint.join(field.label for field in fields)] if fields else []
    return OfferedItem(
        record_type=item.record_type,
        name=name,
        department=department,
        level=item.level,
        level_words=words.levels[item.level],
        fields=fields,
        sensitive=sensitive([item], catalogue),
        limits=limits,
        text=words.break_.join((told, *labels, *limits)),
    )


def language_of(request: ConsentRequest, catalogue: Catalogue, sha256: str) -> Language | None:
    """In which language the notice with this hash was shown; None if it is another notice."""
    return next((each for each in Language if notice_of(request, catalogue, each).sha256 == sha256), None)


def _sentences(request: ConsentRequest, catalogue: Catalogue, language: Language) -> Iterator[str]:
    words, grantee, purpose, life = WORDS[language], request.grantee, request.purpose, request.data_life
    scenario = catalogue.scenarios.get(purpose.scenario_code)
    yield words.who.format(name=grantee.name, uscc=grantee.uscc, contact=grantee.contact)
    yield words.why.format(
        scenario=_named(scenario.name, language) if scenario else purpose.scenario_code,
        text=purpose.text,
        case_no=purpose.case_no,
    )
    yield words.how.format(
        mode=words.modes[request.mode], times=_times(request, words), days=request.valid_days
    )
    yield ""
    yield words.kept.format(value=life.value, unit=words.units[life.unit])
    yield words.sensitive if sensitive(request.authorization_details, catalogue) else words.not_sensitive
    yield words.rights
    yield words.withdrawal
    yield ""


def _lines(words: Words, matters: tuple[Matter, ...], lists: dict[int, list[str]]) -> Iterator[str]:
    colon = "：" if words.numerals else ": "
    for at, matter in enumerate(matters):
        number = words.numerals[at] if words.numerals else str(at + 1)
        yield f"{number}{words.separator}{matter.heading}{colon}{matter.text}".rstrip()
        yield from (f"  · {line}" for line in lists.get(at, ()))


def _times(request: ConsentRequest, words: Words) -> str:
    often = request.frequency
    if often is None:
        return words.once
    return words.again.format(uses=request.max_uses, unit=words.units[often.unit], often=often.value)


def _field(name: str, field: RecordField | None, language: Language) -> OfferedField:
    if field is None:
        return OfferedField(name, name, sensitive=False)
    return OfferedField(name, _named(field.label, language), field.data_class is DataClass.RESTRICTED)


def _limits(item: Item, words: Words) -> tuple[str, ...]:
    limits = []
    if item.natures:
        limits.append(words.only.format(natures=words.joint.join(words.natures[one] for one in item.natures)))
    if item.since or item.until:
        limits.append(
            words.between.format(since=item.since or words.beginning, until=item.until or words.today)
        )
    return tuple(limits)


def _named(label: Label, language: Language) -> str:
    return label.zh if language is Language.CHINESE else label.en
