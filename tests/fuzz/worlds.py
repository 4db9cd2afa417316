"""Random worlds: what was read of a subject under random decisions, with faults where none may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from typing import Any, Final, cast

from graphql import GraphQLError

from authz.actors import Actor, ActorKind
from authz.decisions import Decision, Effect, TypeDecisions
from authz.errors import AccessDenied, SubjectNotConfirmed
from authz.grants import Grant, Public, SelfAccess
from authz.keys import generate_keys
from authz.lifecycle import Adversity, Clocks, Facts, Status, Verdict
from authz.lifecycle import Effect as Fate
from authz.masks import known_rules
from authz.references import References
from catalogue.identifiers import SubjectKey, SubjectKind
from catalogue.model import Catalogue, FieldType, Label, Nature, RecordField, RecordType, Role, Severity
from catalogue.values import CHINA_TIME, PartialDate
from connectors.errors import SectionState
from connectors.protocol import Row, Source
from resolvers.building import Section, Subject
from resolvers.context import RequestContext
from resolvers.deciding import Decided, decided_by
from resolvers.fetching import Fault
from resolvers.healing import Healed
from resolvers.paging import Position, Start, start_of
from resolvers.planning import PageRead, SubjectPlan
from resolvers.reading import Manner, Outcome, Reading, SubjectRead
from tests.fuzz.documents import KIND_OF_ROOT, USCC

REFERENCES: Final = References(generate_keys(demo=True))
PERSON: Final = SubjectKey.person("990101196307080059")


class Other(str):
    """A text, but not just a text."""


@dataclass(frozen=True)
class Department:
    """What printing knows of a source."""

    name: str
    department: str
    system: Label
    contact: str


_VALID: Final[dict[FieldType, Callable[[Random], object]]] = {
    FieldType.DATE: lambda dice: dice.choice(
        [PartialDate.of(2019), PartialDate.of(2020, 5), PartialDate.of(2021, 2, 28), PartialDate.parse("..")]
    ),
    FieldType.INTEGER: lambda dice: dice.choice([0, 1, -5, 2**31 - 1]),
    FieldType.BOOLEAN: lambda dice: dice.random() < 0.5,
    FieldType.MONEY: lambda dice: dice.choice([Decimal("1.10"), Decimal("1E+3"), Decimal("-0.00")]),
    FieldType.LIST: lambda dice: dice.choice([(), ("一",), ("甲", "乙")]),
}
_FAULTS: Final[tuple[Callable[[], object], ...]] = (
    lambda: None,
    object,
    dict,
    lambda: "zz",
    lambda: Other("zz"),
    lambda: 3,
    lambda: 2.5,
    lambda: float("nan"),
    lambda: True,
    lambda: 2**40,
    lambda: Decimal(7),
    lambda: PartialDate.of(2020),
    lambda: date(2020, 1, 1),
    lambda: datetime(2020, 1, 1),  # noqa: DTZ001 - naive on purpose
    lambda: datetime(2020, 1, 1, tzinfo=UTC),
    lambda: ["a"],
    lambda: ("a", None),
    lambda: b"bytes",
    lambda: Severity.MINOR,
    lambda: RuntimeError("a value that is an error"),
    lambda: GraphQLError("another", extensions={"code": "INTERNAL"}),
)
_STATES: Final = (
    *[SectionState.OK] * 6,
    SectionState.PARTIAL,
    SectionState.TIMEOUT,
    SectionState.UNAVAILABLE,
)


@dataclass
class World:
    """Makes what was read; `bad` is how often a value is not what it should be."""

    catalogue: Catalogue
    dice: Random
    bad: float

    def outcome(self, context: RequestContext, plan: SubjectPlan, pages: list[PageRead]) -> Outcome:
        """One subject of the plan's kind, or an error; raises AuthzError for a foreign cursor."""
        dice = self.dice
        if dice.random() < 0.06:
            return dice.choice([SubjectNotConfirmed(), AccessDenied("X", "No."), RuntimeError("broken")])
        grant, key = self._granted(plan.kind)
        decided = self._decided(plan)
        name = dice.choice(["测试甲", None])
        subject = Subject(self.catalogue, REFERENCES, "client", key, name)
        sections = {code: self._section(entry, decided) for code, entry in decided.entries.items()}
        starts = {page.key: (page, self._start(page, grant, key)) for page in pages}
        reading = Reading(context, grant, plan, decided, Manner())
        return SubjectRead(reading, subject, sections, starts, None)

    def _granted(self, kind: SubjectKind) -> tuple[Grant, SubjectKey]:
        if kind is not SubjectKind.NATURAL_PERSON:
            return Public(Actor(ActorKind.ANONYMOUS, "client")), SubjectKey.entity(USCC[kind])
        return SelfAccess(Actor(ActorKind.PERSON, "client", step_up=self.dice.random() < 0.5), PERSON), PERSON

    def cursor(self, root: str, types: object) -> str:
        """Of a subject that this root field may have, and of these types; of all where that is no list."""
        kind = KIND_OF_ROOT.get(root, SubjectKind.NATURAL_PERSON)
        every = frozenset(entry.code for entry in self.catalogue.of_kind(kind))
        page = PageRead("", frozenset(map(str, types)) if isinstance(types, list) else every, 1, None)
        seal = start_of(page, *self._granted(kind), REFERENCES).seal
        return REFERENCES.seal_cursor(Position(5 * 10**6, "P-FG-03", "rr_x").dump(), seal)

    def _start(self, page: PageRead, grant: Grant, key: SubjectKey) -> Start:
        """Where the client's cursor says, which is opened as ever; without one anywhere."""
        if page.after:
            return start_of(page, grant, key, REFERENCES)
        after = Position(self.dice.randint(0, 10**7), "P-FG-03", "rr_x") if self.dice.random() < 0.3 else None
        return Start(b"seal", after)

    def _decided(self, plan: SubjectPlan) -> Decided:
        types = {code: self.catalogue.record_types[code] for code in plan.types}
        decisions = {code: self._decisions(entry) for code, entry in types.items()}
        return decided_by(self.catalogue, plan, decisions, dated=self.dice.random() < 0.7)

    def _decisions(self, entry: RecordType) -> TypeDecisions:
        if entry.pointer is not None:
            return TypeDecisions(
                self._decision(Effect.DENY), {f.name: self._decision(Effect.DENY) for f in entry.fields}
            )
        existence = self.dice.choice([*[Effect.PERMIT] * 6, Effect.MASK, Effect.DENY])
        effects = [*[Effect.PERMIT] * 3, Effect.MASK, Effect.DENY]
        return TypeDecisions(
            self._decision(existence),
            {f.name: self._decision(self.dice.choice(effects), f.mask) for f in entry.fields},
        )

    def _decision(self, effect: Effect, declared: str | None = None) -> Decision:
        """Masked as the catalogue declares; in a bad world by any mask, also one for other types of value."""
        mask = self.dice.choice([None, *sorted(known_rules())]) if self.bad else declared
        return Decision(effect, "fuzz", "fuzz", mask if effect is Effect.MASK else None)

    def _section(self, entry: RecordType, decided: Decided) -> Section:
        dice = self.dice
        if entry.pointer is not None:
            return Section(entry, SectionState.OK, fetched_at=self.moment())
        if entry.code not in decided.asked:
            return Section(entry, SectionState.DENIED, "NO_BASIS")
        state = dice.choice(_STATES)
        if not state.answered:
            fault = Fault("SOURCE_TIMEOUT", "department", state, "SOURCE_TIMEOUT", retryable=True)
            return Section(entry, state, fault.reason, fault=fault if dice.random() < 0.9 else None)
        healed = tuple(self._healed(entry, decided) for _ in range(dice.choice([0, 1, 1, 2, 4])))
        reason = dice.choice([None, "ROW_CAP"])
        return Section(entry, state, reason, self.moment(), healed)

    def moment(self) -> Any:
        """When something was asked; may be a fault."""
        if self.dice.random() < self.bad / 3:
            return self.fault()
        return self.dice.choice(
            [datetime(2026, 6, 1, 12, tzinfo=CHINA_TIME), datetime(2026, 6, 1, 12, 0, 0, 123456, tzinfo=UTC)]
        )

    def _healed(self, entry: RecordType, decided: Decided) -> Healed:
        dice = self.dice
        values = {name: self._own(entry.field_by_name[name]) for name in sorted(decided.asked[entry.code])}
        if values and dice.random() < self.bad:
            values.pop(dice.choice(sorted(values)))
        controls = {role: self._control(role) for role in Role if dice.random() < 0.6}
        known = Facts(
            dice.choice(list(Adversity)),
            cast(Nature, self._or_fault(dice.choice(list(Nature)))),
            cast(Severity, self._or_fault(dice.choice([None, *Severity]))),
            dice.choice([Status.ACTIVE, Status.DISPUTED])
            if dice.random() >= self.bad / 5
            else Status.REPAIRED,
        )
        clocks = Clocks(date(2020, 1, 1), dice.choice([None, date(2023, 1, 1)]), None)
        verdict = Verdict(dice.choice([Fate.KEEP, Fate.KEEP, Fate.STRIP]), "fuzz", clocks)
        department = dice.choice(sorted(self.catalogue.departments))
        source = Department("source", department, Label(zh="系统", en="system"), "12345")
        row = Row(str(dice.randint(0, 9)), cast(Any, values), cast(Any, controls))
        return Healed(cast(Source, source), row, known, verdict)

    def _own(self, field: RecordField) -> object:
        if field.role is Role.SEVERITY:
            return self._or_fault(self.dice.choice([None, *map(str, Severity)]))
        return self._value(field.type)

    def _control(self, role: Role) -> object:
        if role in (Role.NAME, Role.STATEMENT, Role.DISPUTE_CASE_NO, Role.REPAIR_STATE):
            return self._or_fault(self.dice.choice(["测试甲", "说明：990101196307080059"]))
        if role is Role.UPDATED_AT:
            return self.moment() if self.dice.random() < 0.8 else None
        return self._value(FieldType.DATE)

    def _value(self, kind: FieldType) -> object:
        if self.dice.random() < 0.1:
            return None
        make = _VALID.get(kind, lambda dice: dice.choice(["某", "990101196307080059", "A-1"]))
        return self._or_fault(make(self.dice))

    def _or_fault(self, value: object) -> object:
        return self.fault() if self.dice.random() < self.bad else value

    def fault(self) -> object:
        """What no field may be, or not this one."""
        return self.dice.choice(_FAULTS)()
