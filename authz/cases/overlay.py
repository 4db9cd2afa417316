"""What cases make of records, known to every process before it answers.

A process holds the marks that stand, which are few, by the keyed hash of their subject, and asks
the store for newer ones at every read: in the transaction of its intent, or where it has none,
in a look that concurrent reads share. A store that does not answer means no answer, for nobody
can say then that nothing was objected to.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, select

from authz.audit import Entry, Ledger
from authz.cases.sealed import Seal
from authz.cases.states import Effect
from authz.cases.tables import record_mark
from authz.freshness import Freshness
from authz.grants import Channel
from authz.lifecycle import Status
from authz.prepared import Prepared
from authz.references import References
from authz.store import Store
from catalogue.identifiers import SubjectKey
from catalogue.model import Role
from catalogue.values import PartialDate, Value

_NEW: Final = Prepared(
    select(record_mark).where(record_mark.c.number > bindparam("known")).order_by(record_mark.c.number)
)
_DISPUTABLE: Final = frozenset({None, Status.ACTIVE, Status.DISPUTED})
"""What the source may say of a record that an objection marks; all else has left or is withheld."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What one case makes of one record."""

    case_id: str
    subject: str
    record: str
    document: str | None
    effect: Effect
    since: date
    words: bytes | None


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks on one subject's records, and how a record of theirs is recognized."""

    marks: Sequence[Mark]
    numbers: Sequence[SubjectKey]
    """The subject's number and those it had before."""
    references: References
    seal: Seal

    @property
    def by_document(self) -> bool:
        """Whether a row's document number has to be known, to recognize the decision in another source."""
        return any(mark.document for mark in self.marks)

    def on(
        self, source: str, record_type: str, identity: str, document: tuple[str, str] | None
    ) -> list[Mark]:
        """The marks on one row: the very record, or the same decision in another source (ruling 31)."""
        known = set(self.references.record_hashes(source, record_type, identity))
        if document and self.by_document:
            for number in self.numbers:
                known.update(self.references.document_hashes(*document, number))
        return [mark for mark in self.marks if mark.record in known or mark.document in known]

    def controls(
        self, marks: Iterable[Mark], controls: Mapping[Role, Value], channel: Channel
    ) -> dict[Role, Value]:
        """A row's control values as its marks make them; what ended at the source stays ended."""
        changed = dict(controls)

        def unless_told(role: Role, value: Value) -> None:
            """The source's own word comes first."""
            if changed.get(role) is None:
                changed[role] = value

        for mark in marks:
            if mark.effect is Effect.STOPPED:
                changed[Role.STATUS] = Status.REVOKED
            elif mark.effect is Effect.REPAIRED:
                changed[Role.REPAIR_STATE] = Effect.REPAIRED
            elif mark.effect is Effect.APPLIED:
                unless_told(Role.REPAIR_STATE, Effect.APPLIED)
            elif mark.effect is Effect.STATED and mark.words is not None:
                changed[Role.STATEMENT] = self.seal.open(mark.words, mark.case_id)
            elif mark.effect is Effect.DISPUTED and changed.get(Role.STATUS) in _DISPUTABLE:
                changed[Role.STATUS] = Status.DISPUTED
                unless_told(Role.DISPUTED_ON, PartialDate(mark.since))
                if channel is Channel.SELF:  # to others it would join what their references keep apart
                    unless_told(Role.DISPUTE_CASE_NO, mark.case_id)
        return changed


@dataclass(frozen=True, slots=True)
class Standing:
    """The marks that stood at one look."""

    by_subject: Mapping[str, Mapping[str, Mark]]
    """By the subject's reference, then by case."""
    references: References
    seal: Seal

    def of(self, key: SubjectKey, former: Iterable[SubjectKey] = ()) -> Marks | None:
        """The marks on a subject, under whichever number they were made; None for nearly everybody."""
        if not self.by_subject:
            return None
        numbers = (key, *former)
        refs = [ref for number in numbers for ref in self.references.audit_refs(number)]
        marks = [mark for ref in refs for mark in self.by_subject.get(ref, {}).values()]
        return Marks(marks, numbers, self.references, self.seal) if marks else None


@dataclass(frozen=True, slots=True)
class _Known:
    """The marks that stand after the acts up to one number."""

    by_subject: Mapping[str, Mapping[str, Mark]]
    last: int

    def after(self, connection: Connection) -> _Known:
        """What is known once the acts that are new in the store are known too."""
        rows = _NEW.all(connection, known=self.last)
        if not rows:
            return self
        standing = dict(self.by_subject)
        for row in rows:
            # made anew, never altered: a read under way keeps the look it had
            marks = dict(standing.get(row.subject, {}))
            marks.pop(row.case_id, None)
            if row.effect != Effect.ENDED:
                marks[row.case_id] = _mark(row)
            standing[row.subject] = marks
        return _Known({subject: marks for subject, marks in standing.items() if marks}, rows[-1].number)


class Overlay:
    """The register of marks of one process."""

    def __init__(
        self,
        store: Store,
        references: References,
        seal: Seal,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._known = _Known({}, 0)
        self._taking_over = threading.Lock()
        self._references = references
        self._seal = seal
        self._freshness = Freshness(store, self.learn, timer)

    async def current(self) -> Standing:
        """What stands at this moment; raises AuditUnavailable."""
        await self._freshness.confirm()
        return self.standing

    def looking(self) -> Look:
        """With an intent: its `standing` is what stands when the intent is written."""
        return Look(self)

    @property
    def standing(self) -> Standing:
        """What stood at the newest look."""
        return Standing(self._known.by_subject, self._references, self._seal)

    def learn(self, connection: Connection) -> None:
        """Look once more; in whichever thread, what is known never goes back."""
        found = self._known.after(connection)
        with self._taking_over:
            if found.last > self._known.last:
                self._known = found


class _Looks(Ledger["Look"]):
    """One look for all reads of a batch; counts nothing."""

    def __init__(self, connection: Connection, entries: Sequence[Look]) -> None:
        overlay = entries[0].overlay
        overlay.learn(connection)
        self._standing = overlay.standing

    def check(self, entry: Look) -> None:
        """Nobody is refused for it."""

    def enter(self, entry: Look) -> None:
        entry.standing = self._standing


@dataclass(slots=True)
class Look(Entry):
    """A read wants to know what stands."""

    overlay: Overlay
    standing: Standing | None = None
    """None until the intent has been written."""

    ledger = _Looks


def _mark(row: Row[Any]) -> Mark:
    return Mark(row.case_id, row.subject, row.record, row.document, Effect(row.effect), row.since, row.words)
