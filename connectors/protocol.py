"""The contract between the graph and a department's source.

The graph asks for permitted fields of one record type for a set of subject keys;
the source answers decoded rows by normalized key. A source knows nothing of users,
grants, GraphQL or HTTP servers. Control columns (key, name, clocks, status) are
always read and are not output fields.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Protocol, TypeAlias, runtime_checkable

from catalogue.identifiers import KeyKind, SubjectKey
from catalogue.model import Label, Role
from catalogue.values import Value
from connectors.manifest import Manifest

_NOTHING: Final[Mapping[Any, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, repr=False)
class Case:
    """For what a question is asked, passed on to sources that decide and audit for themselves.

    Opaque here. Questions of different cases are different questions: never ask them as one.
    """

    access: Mapping[str, object] | None
    """Scenario, case, purpose and what the officer declared; None for what anyone may read."""
    names: Mapping[SubjectKey, str]
    """The persons' names as confirmed."""
    operator: str = ""
    """Staff reference of the officer who asks."""


@dataclass(frozen=True, slots=True)
class Links:
    """Other numbers of one subject, as its identity authority knows them; kept for one request only."""

    current: SubjectKey | None = None
    """The number that replaced this one."""
    former: tuple[SubjectKey, ...] = ()
    """Numbers that this one replaced, as they were: a wrong one may not be valid."""
    numbers: tuple[str, ...] = field(default=(), repr=False)
    """Numbers of another kind, such as the registration number of a firm."""
    cut: bool = False
    """There are more than were read: what stands under those is not known, so every section is PARTIAL."""


@dataclass(slots=True)
class Ask:
    """One question: these output fields of this record type for these subjects.

    Nobody changes it. That is not enforced: nine are made for each request, and to freeze one takes
    three times as long as to make it.
    """

    record_type: str
    fields: frozenset[str]
    keys: tuple[SubjectKey, ...]
    """Valid numbers; where it says `follow`, former ones among them may be none."""
    trace: str = ""
    """Id that travels in a SQL comment or header, so that the department can tell who asked."""
    case: Case | None = field(default=None, compare=False, repr=False)
    """None where the basis cannot be passed on: a person's own login, a consent."""
    links: Mapping[SubjectKey, Links] = field(default_factory=dict)
    """Under which other numbers the rows of an asked key may stand."""
    follow: bool = False
    """Of an identity authority: tell the links of each key, and the rows of the numbers they lead to."""
    permitted: frozenset[str] = field(default=frozenset(), compare=False, repr=False)
    """All fields that the grant permits: a source may read these instead, to keep few statements."""
    asker: str = field(default="", compare=False, repr=False)
    """Whose turn it takes where questions wait. Opaque here."""


@dataclass(slots=True)
class Row:
    """One decoded record of one subject. Nobody changes it; as with `Ask`, that is not enforced."""

    identity: str
    """Stable identity inside the source (its primary key or the manifest's `identity:`), never shown."""
    values: Mapping[str, Value]
    """Asked output fields, by catalogue name."""
    controls: Mapping[Role, Value]
    """Control values by role, whether or not an output field carries them too."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A row left out, and why. Never holds a value of the row."""

    reason: str
    column: str | None = None
    mark: str | None = None
    """By which the department finds the row: its mark (`connectors.marks`), or its file and line."""


class Answer(NamedTuple):
    """What a source said to one Ask."""

    rows: Mapping[SubjectKey, tuple[Row, ...]]
    """Every asked key is present, with an empty tuple where the source holds nothing."""
    fetched_at: datetime
    rejects: Mapping[SubjectKey, tuple[Reject, ...]] = _NOTHING
    """Rows that could not be decoded, by the subject they were found for: the section is PARTIAL."""
    truncated: frozenset[SubjectKey] = frozenset()
    """Subjects whose rows were cut by the row cap: the section is PARTIAL, reason ROW_CAP."""
    links: Mapping[SubjectKey, Links] = _NOTHING
    """Other numbers of the asked keys, where the ask says `follow` and there are any."""
    strays: tuple[Reject, ...] = ()
    """Bad rows of a delivery that are of no subject, told once to whoever asks first."""
    batch: str = ""
    """The trace under which the source was asked, where the question travelled with others."""


Told: TypeAlias = "asyncio.Future[Answer | Exception]"
"""A question under way, which will be told its answer, or why there is none. Cancelling it is leaving."""


@dataclass(frozen=True, slots=True)
class Tally:
    """So many decisions of one day that were published on one day. Nothing else of them."""

    department: str
    """Whose they are; empty where the source names one that the manifest does not know."""
    determined_on: date
    published_on: date | None
    """None while they are not."""
    decisions: int


@dataclass(frozen=True, slots=True)
class Tallies:
    """A month's decisions of one record type."""

    tallies: tuple[Tally, ...]
    unread: int
    """Decisions whose days cannot be read."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing `source check` found wrong, or worth knowing."""

    level: str
    """`error` | `warning` | `info`."""
    code: str
    where: str
    message: str


@runtime_checkable
class Source(Protocol):
    """A department's system behind one manifest."""

    @property
    def manifest(self) -> Manifest:
        """What the source was built from."""
        ...

    @property
    def name(self) -> str:
        """The manifest's `source`, unique in a deployment."""
        ...

    @property
    def department(self) -> str:
        """Code of the owning department."""
        ...

    @property
    def system(self) -> Label:
        """Name of the department's system, for provenance."""
        ...

    @property
    def contact(self) -> str:
        """Whom to call about a record of this source."""
        ...

    @property
    def record_types(self) -> frozenset[str]:
        """Codes of the record types this source serves."""
        ...

    def key_kinds(self, record_type: str) -> frozenset[KeyKind]:
        """Which keys the source can be asked by for this type."""
        ...

    def settled(self, ask: Ask) -> Ask:
        """The question as it will be asked: its own fields, or all that are permitted."""
        ...

    def lane(self, ask: Ask) -> Hashable | None:
        """Questions of one lane may travel as one; None: this one travels alone."""
        ...

    async def fetch(self, ask: Ask) -> Answer:
        """Answer, or raise a SourceError. Cancelling the call cancels the query at the source."""
        ...

    def begin(self, ask: Ask) -> Told:
        """The same without waiting: whoever asks several at once needs no task for each."""
        ...

    async def tallies(self, record_type: str, month: date) -> Tallies:
        """Decisions of the month of this day, as `publicity` counts them; raises a SourceError."""
        ...

    def explain(self, record_type: str, fields: frozenset[str]) -> str:
        """The exact question that would be sent for these fields; asks nothing, shows no value."""
        ...

    def row_source(self, record_type: str, fields: frozenset[str]) -> str:
        """The Python text that reads the rows of that question."""
        ...

    async def check(self) -> list[Finding]:
        """Verify the manifest against the living source; never writes, never prints a value."""
        ...

    async def ping(self) -> None:
        """Cheap liveness for readiness; raises a SourceError."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...
