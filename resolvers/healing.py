"""Which fetched rows may leave: identity, row guards and the lifecycle clocks, before any masking."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final, NamedTuple
from unicodedata import normalize

from authz.cases.overlay import Marks
from authz.decisions import RowGuard
from authz.grants import Channel
from authz.lifecycle import Adversity, Effect, Facts, ScenarioClock, Verdict, facts, visible
from catalogue.identifiers import KeyKind, SubjectKey, birth_date
from catalogue.model import Locality, RecordType, Role, Severity
from catalogue.values import PartialDate
from connectors.protocol import Row, Source

_DATED_BY: Final = (
    Role.DETERMINED_ON,
    Role.PUBLISHED_ON,
    Role.OCCURRED_ON,
    Role.VALID_FROM,
    Role.UPDATED_AT,
)
"""What dates a record, the first that it has."""

_DOCUMENT: Final = frozenset({"documentNo", "authority"})

_DATED_AFTER_STRIPPING: Final = (Role.PUBLISHED_ON, Role.VALID_FROM, Role.UPDATED_AT)
"""The dates of an adverse part that has run out must not show in the order either."""


CONFLICT: Final = "IDENTITY_CONFLICT"
"""A row names another person: two people sharing a number exist (ruling 10)."""
CLOCK_MISSING: Final = "CLOCK_MISSING"
"""An adverse row does not say when its clock began (ruling 9)."""

_SAYS_NOTHING: Final = frozenset({Role.KEY, Role.NAME, Role.STATUS, Role.UPDATED_AT})


class Healed(NamedTuple):
    """A row that may leave, with what the clocks made of it."""

    source: Source
    row: Row
    facts: Facts
    verdict: Verdict

    @property
    def stripped(self) -> bool:
        """Whether the adverse part of a mixed record has run out."""
        return self.verdict.effect is Effect.STRIP

    @property
    def day(self) -> date | None:
        """The record's date, by its earliest day; never that of an adverse part that has run out."""
        for role in _DATED_AFTER_STRIPPING if self.stripped else _DATED_BY:
            value = self.row.controls.get(role)
            if isinstance(value, PartialDate) and not value.open_ended:
                return value.earliest
            if isinstance(value, datetime):
                return value.date()
        return None

    @property
    def age(self) -> int:
        """Days from the record's date to the end of time, so that small is new; undated ones are oldest."""
        return (date.max - self.day).days if self.day else date.max.toordinal()

    def order(self) -> tuple[int, str, str]:
        """Newest first; records of one day by their identity at the source."""
        return self.age, self.source.name, self.row.identity


class Healing(NamedTuple):
    """The rows of one record type and subject that may leave, and what was held back."""

    kept: list[Healed]
    """Newest first, ties by source and record identity."""
    suppressed: int
    faulty: list[tuple[str, Source, Row]]
    """Rows of somebody else, and adverse ones without a clock start, for the department's tickets."""

    @property
    def reason(self) -> str:
        """The gravest reason for which a row is faulty."""
        return CONFLICT if CONFLICT in [reason for reason, _, _ in self.faulty] else CLOCK_MISSING


@dataclass(slots=True)
class Lens:
    """Through what rows are looked at: the subject, the channel, the day and the locality."""

    key: SubjectKey
    name: str | None
    channel: Channel
    today: date
    locality: Locality
    marks: Marks | None
    """What objections, repairs and statements make of the subject's records; None for nearly everybody."""
    clock: ScenarioClock = "PUBLICATION"
    minor: bool = True
    """Whether minor adverse records leave: in a check they never count, so none leaves."""
    named: bool = field(init=False)
    """Whether rows must bear the subject's name: entities rename, so only their code counts."""
    personal: bool = field(init=False)
    born: date | None = field(init=False)
    """Birth date of a natural person."""

    def __post_init__(self) -> None:
        person = self.key.kind is KeyKind.CITIZEN_ID
        self.named, self.personal = person and self.name is not None, self.key.personal
        self.born = birth_date(self.key.value) if person else None


def heal(
    entry: RecordType, guard: RowGuard | None, rows: Iterable[tuple[Source, Row]], lens: Lens
) -> Healing:
    """Sort rows into kept and held back; counts only, so that nothing tells which rule bit."""
    kept: list[Healed] = []
    faulty: list[tuple[str, Source, Row]] = []
    suppressed = 0
    for source, row in rows:
        if lens.named and not same_name(lens, named_in(entry, row)):
            faulty.append((CONFLICT, source, row))
            continue
        if lens.marks is not None:
            row = marked(entry, source, row, lens.marks, lens.channel)
        known = facts(entry, row.controls, row.values, lens.born, personal=lens.personal)
        verdict = visible(known, entry, lens.channel, lens.today, lens.locality, clock=lens.clock)
        if not lens.minor and known.severity is Severity.MINOR:
            verdict = _without_minor(known, verdict)
        if guard and not _admits(guard, entry, Healed(source, row, known, verdict)):
            suppressed += 1
        elif verdict.effect is Effect.WITHHOLD:
            faulty.append((CLOCK_MISSING, source, row))
        elif verdict.effect is Effect.DROP or (verdict.effect is Effect.STRIP and _bare(entry, source)):
            suppressed += 1
        else:
            kept.append(Healed(source, row, known, verdict))
    if len(kept) > 1:
        kept.sort(key=Healed.order)
    return Healing(kept, suppressed, faulty)


def _bare(entry: RecordType, source: Source) -> bool:
    """Whether nothing but whose it is remains of a source's records without their adverse part."""
    mapped = source.manifest.records[entry.code].fields
    plain = (field for field in entry.fields if not field.adverse and field.role not in _SAYS_NOTHING)
    return not any(field.name in mapped and mapped[field.name].value is None for field in plain)


def _without_minor(known: Facts, verdict: Verdict) -> Verdict:
    """A minor record does not leave; of a mixed one its adverse part."""
    if verdict.effect is not Effect.KEEP:
        return verdict
    effect = Effect.DROP if known.adversity is Adversity.WHOLE else Effect.STRIP
    return Verdict(effect, "severity.minor", verdict.clocks)


def marked(entry: RecordType, source: Source, row: Row, marks: Marks, channel: Channel) -> Row:
    """The row as its subject's cases make it."""
    found = marks.on(source.name, entry.code, row.identity, document_of(entry, row))
    return replace(row, controls=marks.controls(found, row.controls, channel)) if found else row


def document_fields(entry: RecordType) -> frozenset[str]:
    """The fields by which one decision is recognized in two sources; none where the type lacks either."""
    return _DOCUMENT if entry.field_by_name.keys() >= _DOCUMENT else frozenset()


def document_of(entry: RecordType, row: Row) -> tuple[str, str] | None:
    """Document number and authority, where the row was read with both and has them."""
    if not document_fields(entry):
        return None
    number, authority = row.values.get("documentNo"), row.values.get("authority")
    return (number, authority) if isinstance(number, str) and isinstance(authority, str) else None


def named_in(entry: RecordType, row: Row) -> object:
    """What person the row is about: in an entity's decision it is the responsible one."""
    if entry.responsible:
        return row.values.get(entry.responsible.name)
    return row.controls.get(Role.NAME)


def same_name(lens: Lens, found: object) -> bool:
    """Whether a row's name column, if it has a text, names the confirmed person."""
    return lens.name is None or not isinstance(found, str) or names_match(found, lens.name)


def names_match(one: str, other: str) -> bool:
    """Equal after Unicode and spacing differences; every kind of middle dot is one."""
    return one == other or canonical_name(one) == canonical_name(other)


def canonical_name(name: str) -> str:
    """NFKC without blanks, middle dots made one, case folded."""
    plain = "".join(normalize("NFKC", name).split())
    return plain.translate(_DOTS).casefold()


_DOTS = str.maketrans(dict.fromkeys("•・‧∙⋅.．", "·"))


def _admits(guard: RowGuard, entry: RecordType, healed: Healed) -> bool:
    """Whether a row meets every condition of the guard."""
    for name, allowed in guard.allowed.items():
        value = healed.facts.severity if name == "severity" else healed.row.values.get(name)
        if value not in allowed:
            return False
    if guard.natures is not None and _nature(entry, healed) not in guard.natures:
        return False
    if guard.within is None:
        return True
    first, last = guard.within
    return healed.day is not None and first <= healed.day <= last


def _nature(entry: RecordType, healed: Healed) -> str | None:
    """A row's nature as a consent names it: of an adverse row its severity, which may not be known."""
    plain = healed.stripped or healed.facts.adversity is Adversity.NONE
    return entry.nature if plain else healed.facts.severity
