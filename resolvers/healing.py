"""Which fetched rows may leave: identity, row guards and the lifecycle clocks, before any masking."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from unicodedata import normalize

from authz.decisions import RowGuard
from authz.grants import Channel
from authz.lifecycle import Effect, Facts, Verdict, facts, visible
from catalogue.identifiers import KeyKind, SubjectKey, birth_date
from catalogue.model import Locality, RecordType, Role
from connectors.protocol import Row, Source


@dataclass(frozen=True, slots=True)
class Healed:
    """A row that may leave, with what the clocks made of it."""

    source: Source
    row: Row
    facts: Facts
    verdict: Verdict

    @property
    def stripped(self) -> bool:
        """Whether the adverse part of a mixed record has run out."""
        return self.verdict.effect is Effect.STRIP


@dataclass(slots=True)
class Healing:
    """The rows of one record type and subject that may leave, and what was held back."""

    kept: list[Healed] = field(default_factory=list)
    suppressed: int = 0
    conflicts: int = 0
    """Rows whose name is another person's: two people sharing a number exist (ruling 10)."""
    withheld: int = 0
    """Adverse rows without a clock start (ruling 9)."""


@dataclass(frozen=True, slots=True)
class Lens:
    """Through what rows are looked at: the subject, the channel, the day and the locality."""

    key: SubjectKey
    name: str | None
    channel: Channel
    today: date
    locality: Locality

    @property
    def born(self) -> date | None:
        """Birth date of a natural person."""
        return birth_date(self.key.value) if self.key.kind is KeyKind.CITIZEN_ID else None


def heal(
    entry: RecordType, guard: RowGuard | None, rows: Iterable[tuple[Source, Row]], lens: Lens
) -> Healing:
    """Sort rows into kept and held back; counts only, so that nothing tells which rule bit."""
    healing = Healing()
    for source, row in rows:
        if not same_name(lens, named_in(entry, row, lens)):
            healing.conflicts += 1
            continue
        known = facts(entry, row.controls, row.values, lens.born, personal=lens.key.personal)
        if guard and not _admits(guard, row, known):
            healing.suppressed += 1
            continue
        verdict = visible(known, entry, lens.channel, lens.today, lens.locality)
        if verdict.effect is Effect.WITHHOLD:
            healing.withheld += 1
        elif verdict.effect is Effect.DROP:
            healing.suppressed += 1
        else:
            healing.kept.append(Healed(source, row, known, verdict))
    return healing


def named_in(entry: RecordType, row: Row, lens: Lens) -> object:
    """Whom the row is about: a person in an entity's decision is its responsible person."""
    if entry.responsible and lens.key.kind is KeyKind.CITIZEN_ID:
        return row.values.get(entry.responsible.name)
    return row.controls.get(Role.NAME)


def same_name(lens: Lens, found: object) -> bool:
    """Whether a row's name column names the confirmed person; entities rename, so only their code counts."""
    if lens.key.kind is not KeyKind.CITIZEN_ID or not isinstance(found, str) or lens.name is None:
        return True
    return names_match(found, lens.name)


def names_match(one: str, other: str) -> bool:
    """Equal after Unicode and spacing differences; every kind of middle dot is one."""
    return canonical_name(one) == canonical_name(other)


def canonical_name(name: str) -> str:
    """NFKC without blanks, middle dots made one, case folded."""
    plain = "".join(normalize("NFKC", name).split())
    return plain.translate(_DOTS).casefold()


_DOTS = str.maketrans(dict.fromkeys("•・‧∙⋅.．", "·"))


def _admits(guard: RowGuard, row: Row, known: Facts) -> bool:
    for name, allowed in guard.allowed.items():
        value = known.severity if name == "severity" else row.values.get(name)
        if value not in allowed:
            return False
    return True
