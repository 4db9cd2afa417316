"""Which records may leave, through which channel, on which day (`visible()` of domain.md §2.7).

Three clocks run per record: publication (公示), query and retention, and the measure's own
term, which is told but closes nothing. The rules, protective wherever they leave room:

- Repaired, revoked, sealed, superseded and expired records leave through no channel; a
  status nobody knows withholds.
- An adverse record of someone under 18 at the act, or of simple procedure, leaves through no
  channel; one still open to appeal is for the subject only.
- A partial date counts as its earliest day (ruling 9), which ends every clock soonest; only
  the publication date, which opens a door, counts as its latest. An open-ended start is none.
- A missing clock start withholds the record. So does a start in the future.
- After the longest publication period an adverse record is out of CHECK and REPORT too,
  published or not, unless the profile says otherwise. Only a listing that its source keeps
  until removal, and that no law limits, has no such cap.
- Of a mixed record only the adverse part is stripped when that part may not leave.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, TypeAlias

from authz.grants import Channel
from catalogue import model
from catalogue.model import Locality, Nature, RecordType, Role, Severity
from catalogue.values import PartialDate, Period, Value


class Effect(StrEnum):
    """KEEP the record, STRIP its adverse part, DROP it, or WITHHOLD it for want of a clock start."""

    KEEP = "KEEP"
    STRIP = "STRIP"
    DROP = "DROP"
    WITHHOLD = "WITHHOLD"


class Status(StrEnum):
    """What the source says of the record as a whole (domain.md §2.1); UNKNOWN is any other word."""

    ACTIVE = "ACTIVE"
    DISPUTED = "DISPUTED"
    REPAIRED = "REPAIRED"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    SEALED = "SEALED"
    SUPERSEDED = "SUPERSEDED"
    UNKNOWN = "UNKNOWN"


class Adversity(StrEnum):
    """How much of a record is adverse: nothing, a part of a mixed record, or all of it."""

    NONE = "NONE"
    PART = "PART"
    WHOLE = "WHOLE"


ScenarioClock: TypeAlias = Literal["PUBLICATION", "RETENTION"]


class Clocks(NamedTuple):
    """The computed clocks of one record; None is open-ended or not applicable."""

    publish_from: date | None = None
    publish_until: date | None = None
    retention_until: date | None = None


class Verdict(NamedTuple):
    """What the clocks say about one record."""

    effect: Effect
    rule: str
    clocks: Clocks = Clocks()


class Facts(NamedTuple):
    """What the lifecycle knows of one record; holds no value that is shown."""

    adversity: Adversity
    nature: Nature
    severity: Severity | None = None
    status: Status = Status.ACTIVE
    repaired: bool = False
    simple: bool = False
    appeal_open: bool = False
    dates: Mapping[Role, PartialDate] = MappingProxyType({})
    born: date | None = None
    personal: bool = False

    def on(self, role: Role) -> date | None:
        """The earliest day of a role's date; None when missing or open-ended."""
        found = self.dates.get(role)
        return None if found is None or found.open_ended else found.earliest

    def soonest(self, roles: Iterable[Role]) -> date | None:
        """The earliest of several dates; None when all are missing or open-ended."""
        soonest = None
        for role in roles:
            found = self.dates.get(role)
            if found is None or found.open_ended:
                continue
            if soonest is None or found.earliest < soonest:
                soonest = found.earliest
        return soonest


NATIONAL_MAXIMUM: Final[Mapping[Severity, Period]] = {
    Severity.MINOR: Period(months=3),
    Severity.GENERAL: Period(years=1),
    Severity.SERIOUS: Period(years=3),
}
"""The longest publication by severity where the type's own law sets none (国办发〔2025〕22号)."""

_GONE: Final = frozenset({Status.REPAIRED, Status.REVOKED, Status.EXPIRED, Status.SEALED, Status.SUPERSEDED})
_NOTHING: Final = (None, "", (), 0)
_SIMPLE: Final = frozenset({"SIMPLE", "简易", "简易程序"})
_APPEAL_CLOSED: Final = frozenset(
    {"NONE", "CLOSED", "FINAL", "UPHELD", "无", "未申请", "已终结", "已审结", "维持"}
)
_STATUSES: Final[Mapping[Value, Status]] = {status.value: status for status in Status}
_SEVERITIES: Final[Mapping[Value, Severity]] = {severity.value: severity for severity in Severity}
_UNREAD: Final = object()
_NOT_REPAIRED: Final = frozenset({"NONE", "APPLIED", "ACCEPTED", "PENDING", "REJECTED", "无", "未修复"})
ADULT: Final = Period(years=18)
"""From when a person answers for an act."""
_SURELY_ADULT: Final = Period(years=20)
"""Adult at the act even if only the decision is dated: it follows within two years (行政处罚法 36)."""


def facts(
    entry: RecordType,
    controls: Mapping[Role, Value],
    values: Mapping[str, Value],
    born: date | None,
    *,
    personal: bool = False,
) -> Facts:
    """What the lifecycle needs of a row; `born` from the subject's key, `personal` for D/T 92 too.

    Severity defaults only where the type allows one value. An `adverse_when` field that was not
    read counts as present, one with a value of `adverse_unless` does not. An appeal or repair in
    words nobody knows counts as open, as done.
    """
    told = controls.get(Role.SEVERITY)
    severity = _severity(entry, told)
    adversity = _adversity(entry, values, declared=told is not None)
    plain = adversity is Adversity.NONE
    return Facts(
        adversity,
        entry.nature if plain else Nature.ADVERSE,
        None if plain else severity,
        _status(controls.get(Role.STATUS)),
        _repaired(controls),
        controls.get(Role.PROCEDURE) in _SIMPLE,
        _appeal_open(controls.get(Role.APPEAL)),
        {role: value for role, value in controls.items() if value.__class__ is PartialDate},
        born,
        personal or born is not None,
    )


def _severity(entry: RecordType, value: Value) -> Severity | None:
    if value is None:
        return entry.severities[0] if len(entry.severities) == 1 else None
    return _SEVERITIES.get(value)


def _adversity(entry: RecordType, values: Mapping[str, Value], *, declared: bool) -> Adversity:
    if entry.nature is Nature.ADVERSE:
        return Adversity.WHOLE
    if declared or _present(entry, values):
        return Adversity.PART if entry.adverse_part else Adversity.WHOLE
    return Adversity.NONE


def _present(entry: RecordType, values: Mapping[str, Value]) -> bool:
    """Whether there is an adverse part in any of the fields that may hold one."""
    for name in entry.adverse_when:
        value = values.get(name, _UNREAD)
        if value not in _NOTHING and value not in entry.adverse_unless.get(name, ()):
            return True
    return False


def _status(value: Value) -> Status:
    if value is None:
        return Status.ACTIVE
    return _STATUSES.get(value, Status.UNKNOWN)


def _repaired(controls: Mapping[Role, Value]) -> bool:
    state = controls.get(Role.REPAIR_STATE)
    return controls.get(Role.REPAIRED_ON) is not None or (state is not None and state not in _NOT_REPAIRED)


def _appeal_open(value: Value) -> bool:
    return not (value is None or value is False or value in _APPEAL_CLOSED)


def visible(
    record: Facts,
    entry: RecordType,
    channel: Channel,
    today: date,
    locality: Locality,
    *,
    clock: ScenarioClock = "PUBLICATION",
) -> Verdict:
    """Whether the record may leave. A scenario with the RETENTION clock (S16) looks past publication."""
    if record.status in _GONE:
        return Verdict(Effect.DROP, f"status.{record.status.value.lower()}")
    if record.status is Status.UNKNOWN:
        return Verdict(Effect.WITHHOLD, "status.unknown")
    rules = locality.clocks.get(entry.code, entry.clocks)
    start, published = _start(record, rules), _published(record, rules, locality)
    case = _Case(record, entry, rules, channel, today, locality, clock, start, published)
    if channel is Channel.PUBLIC and not case.published:
        return Verdict(Effect.DROP, "publication.not-ordered")
    if record.adversity is Adversity.WHOLE:
        return _adverse(case)
    base = _base(case)
    if record.adversity is Adversity.NONE or base.effect is not Effect.KEEP:
        return base
    part = _adverse(case)
    return part if part.effect is Effect.KEEP else Verdict(Effect.STRIP, part.rule, base.clocks)


def _start(record: Facts, rules: model.Clocks) -> date | None:
    """The day the clocks start, by the type's order of preference."""
    for role in rules.starts_on:
        if day := record.on(role):
            return day
    return None


def _published(record: Facts, rules: model.Clocks, locality: Locality) -> bool:
    """Whether a law orders publication of such a subject here (domain.md §0.4)."""
    law = rules.publication
    persons = law.persons and locality.persons_public == "BY_LAW"
    return law.by_law and law.term != "NEVER" and (persons or not record.personal)


class _Case(NamedTuple):
    """One record before one door."""

    record: Facts
    entry: RecordType
    rules: model.Clocks
    channel: Channel
    today: date
    locality: Locality
    clock: ScenarioClock
    start: date | None
    published: bool

    @property
    def capped(self) -> bool:
        """Whether a longest publication period binds the adverse part."""
        law = self.rules.publication
        return bool(law.max) or law.term == "LIMITED" or self.rules.retention.kind != "UNTIL_REMOVED"

    def clocks(self, publish_until: date | None, retention_until: date | None) -> Clocks:
        """What is told of the clocks: publication only of what is published."""
        if not self.published:
            return Clocks(retention_until=retention_until)
        found = self.record.dates.get(Role.PUBLISHED_ON)
        opened = None if found is None or found.open_ended else found.latest
        return Clocks(opened or self.start, publish_until, retention_until)


def _base(case: _Case) -> Verdict:
    """A record, or the part of a mixed one, that is not adverse: its own term, no clock of law."""
    record, term = case.record, case.rules.publication.term
    ends = [Role.VALID_UNTIL] if term == "WHILE_VALID" else []
    if record.adversity is Adversity.NONE:
        ends += [Role.UNTIL, Role.REMOVED_ON]
    keep = None
    if case.rules.retention.period and not case.entry.adverse_when:
        if case.start is None:
            return Verdict(Effect.WITHHOLD, "clock.start-missing")
        keep = case.rules.retention.period.after(case.start)
    return _within(case, record.soonest(ends), keep, capped=False)


def _adverse(case: _Case) -> Verdict:
    """A record, or the part of a mixed one, that tells against its subject."""
    record = case.record
    barred = _barred(record, case.channel)
    if barred:
        return Verdict(Effect.DROP, barred)
    start = case.start
    if start is None and (case.capped or record.personal):
        return Verdict(Effect.WITHHOLD, "clock.start-missing")
    if start is not None and start > case.today:
        return Verdict(Effect.WITHHOLD, "clock.start-in-future")
    minor = _minor(record, start)
    if minor:
        return minor
    ends = [Role.UNTIL, Role.REMOVED_ON]
    if record.adversity is Adversity.WHOLE and case.rules.publication.term == "WHILE_VALID":
        ends.append(Role.VALID_UNTIL)
    until = _sooner(record.soonest(ends), _cap(case, start) if case.capped and start else None)
    return _within(case, until, _keep(case, start), capped=True)


def _barred(record: Facts, channel: Channel) -> str | None:
    if record.repaired:
        return "status.repaired"
    if record.simple:
        return "procedure.simple"
    return "appeal.open" if record.appeal_open and channel is not Channel.SELF else None


def _minor(record: Facts, start: date | None) -> Verdict | None:
    """Under 18 at the act, the 18th birthday included (法释〔2006〕1号 2: 从周岁生日的第二天起)."""
    if record.born is None or start is None:
        return None
    occurred = record.on(Role.OCCURRED_ON)
    if (occurred or start) <= ADULT.after(record.born):
        return Verdict(Effect.DROP, "subject.minor")
    if occurred is None and start <= _SURELY_ADULT.after(record.born):
        return Verdict(Effect.WITHHOLD, "subject.age-at-act-unknown")
    return None


def _cap(case: _Case, start: date) -> date:
    """The end of the longest publication; of an unknown severity the shortest that the type allows."""
    law = case.rules.publication.max
    known = case.record.severity
    severities = (known,) if known else case.entry.severities or tuple(Severity)
    return min([law.get(severity, NATIONAL_MAXIMUM[severity]).after(start) for severity in severities])


def _keep(case: _Case, start: date | None) -> date | None:
    """The end of query and use; None while a listing stands until its removal."""
    record, retention = case.record, case.rules.retention
    removed = record.on(Role.REMOVED_ON)
    if retention.kind == "UNTIL_REMOVED" or start is None:
        return removed
    ended = record.on(Role.ENDED_ON) or start
    kind = case.locality.clock_start
    begins = start if kind == "DETERMINED" else ended if kind == "ENDED" else min(start, ended)
    keep = case.locality.adverse_retention.after(begins)
    if retention.period:
        keep = min(keep, retention.period.after(begins))
    listed = record.severity is Severity.SERIOUS and removed is not None
    return max(keep, removed) if listed and removed else keep


def _within(case: _Case, until: date | None, keep: date | None, *, capped: bool) -> Verdict:
    """Compare today with the clocks that bind the channel."""
    clocks = case.clocks(until, keep)
    if keep and case.today > keep:
        return Verdict(Effect.DROP, "clock.retention", clocks)
    public = case.channel is Channel.PUBLIC
    if public and clocks.publish_from and case.today < clocks.publish_from:
        return Verdict(Effect.DROP, "clock.not-yet-published", clocks)
    follows = capped and case.locality.use_ends_with_publication and case.clock == "PUBLICATION"
    binds = public or (follows and case.channel is not Channel.SELF)
    if binds and until and case.today > until:
        return Verdict(Effect.DROP, "clock.publication", clocks)
    return Verdict(Effect.KEEP, "clock.running", clocks)


def _sooner(one: date | None, other: date | None) -> date | None:
    return min(one, other) if one and other else one or other
