"""The same graph in stock strawberry: its ASGI view, parser and validation caches, a DataLoader a section.

Rows are decoded and masked by the floor's code, so what differs is who asks and who builds the answer.
As such graphs are written: the register confirms the person, then the sections ask, each through a loader
of its request. No token, policy, audit, deadline or batching across requests; enumerations are strings.
"""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any, Final

import orjson
import strawberry
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, ValidationCache

from bench.databases import urls
from bench.floor.app import records
from bench.floor.batches import statement_for
from bench.floor.pools import Pool, Rows, pool
from bench.floor.sections import REGISTER, REGISTER_SOURCE, SECTIONS, Section, star
from bench.question import ASKED, Asked
from catalogue.values import CHINA_TIME
from gateway.app import GC_THRESHOLD

KINDS: Final[dict[str, Any]] = {"points": int, "reviewYear": int, "behaviourCodes": list[str]}
"""Of fields that are not text."""
_SECTIONS: Final = {section.name: section for section in SECTIONS}
Loaders = dict[str, DataLoader[str, Rows]]


@dataclass(frozen=True, slots=True)
class Who:
    """The person whose sections are asked."""

    number: str
    name: str


@strawberry.input
class PersonLookup:
    """Number and name."""

    citizenId: str  # noqa: N815 - the graph's name
    name: str


@strawberry.input
class SubjectLookup:
    """One way of naming."""

    person: PersonLookup | None = None


@strawberry.input
class AccessContext:
    """Taken, and not looked at."""

    scenario: str
    purpose: str
    caseNo: str  # noqa: N815 - the graph's name
    reasonCode: str  # noqa: N815 - the graph's name
    noConflictOfInterest: bool  # noqa: N815 - the graph's name
    repeatReason: str  # noqa: N815 - the graph's name
    repeatNote: str  # noqa: N815 - the graph's name


@strawberry.type
class Provenance:
    """Where a record comes from."""

    department: str
    system: str
    sourceUpdatedAt: str  # noqa: N815 - the graph's name


@strawberry.interface
class CreditRecord:
    """What all records have."""

    recordType: str  # noqa: N815 - the graph's name
    nature: str
    status: str
    provenance: Provenance


@strawberry.interface
class CreditSubject:
    """What all subjects have."""

    kind: str
    displayName: str  # noqa: N815 - the graph's name


def _type(name: str, fields: dict[str, Any], *bases: type) -> Any:  # noqa: ANN401 - a class made here
    return strawberry.type(type(name, bases, {"__annotations__": fields}))


def _section(asked: Asked) -> Any:  # noqa: ANN401 - a strawberry field
    """The field of one section: rows from its loader, those in force as records."""
    fields = {field: KINDS.get(field, str) | None for field in asked.fields}
    record: Any = _type(asked.type_name, fields, CreditRecord)
    result = _type(f"{asked.type_name}Section", {"state": str, "fetchedAt": str, "records": list[record]})
    section = _SECTIONS[asked.name]

    async def resolve(root: Any, info: Any) -> Any:  # noqa: ANN401 - strawberry reads the annotations below
        rows = await info.context["loaders"][section.name].load(root.who.number)
        found = [_record(record, each) for each in records(section, rows, root.who.name, date.today())]
        return result(state="OK", fetchedAt=_now(), records=found)

    resolve.__annotations__ = {"info": strawberry.Info, "return": result}
    return strawberry.field(resolver=resolve, name=asked.name)


def _record(kind: Callable[..., Any], found: dict[str, Any]) -> Any:  # noqa: ANN401 - an instance of `kind`
    return kind(**found | {"provenance": Provenance(**found["provenance"])})


def _group(name: str, members: Sequence[Asked]) -> Any:  # noqa: ANN401 - a class made here
    fields = {asked.name: _section(asked) for asked in members}
    return strawberry.type(
        type(name[0].upper() + name[1:], (), {"__annotations__": {"who": strawberry.Private[Who]}, **fields})
    )


_GROUPS: Final = {
    name: _group(name, list(members)) for name, members in groupby(ASKED, key=lambda asked: asked.group)
}
NaturalPerson = _type("NaturalPerson", dict(_GROUPS), CreditSubject)


@strawberry.type
class Query:
    """The one root."""

    @strawberry.field
    async def subject(
        self, info: strawberry.Info, lookup: SubjectLookup, access: AccessContext
    ) -> CreditSubject | None:
        """The person, if the register confirms number and name."""
        assert lookup.person
        who = Who(lookup.person.citizenId, lookup.person.name)
        census = await info.context["loaders"][REGISTER].load(who.number)
        if not any(row[2] == who.name and row[3] == "10" for row in census):
            return None
        groups = {name: kind(who=who) for name, kind in _GROUPS.items()}
        subject: CreditSubject = NaturalPerson(kind="NATURAL_PERSON", displayName=star(who.name), **groups)
        return subject


def _now() -> str:
    return datetime.now(CHINA_TIME).isoformat(timespec="milliseconds")


def _loader(source: Pool, sql: str, forms: Callable[[str], Sequence[str]]) -> DataLoader[str, Rows]:
    """Rows by number; all numbers of one tick are one statement."""

    async def load(numbers: list[str]) -> list[Rows]:
        asked = {form: place for place, number in enumerate(numbers) for form in forms(number)}
        found: list[list[Any]] = [[] for _ in numbers]
        for row in await source.fetch(statement_for(sql, len(asked)), *asked):
            found[asked[row[0]]].append(row)
        return list(found)

    return DataLoader(load)


class View(GraphQL[Any, Any]):
    """The stock view with the faster JSON."""

    pools: dict[str, Pool]

    async def get_context(self, *_: Any, **__: Any) -> dict[str, Loaders]:  # noqa: ANN401 - as the base has it
        """Loaders of this request."""
        loaders = {each.name: self._of(each) for each in SECTIONS}
        loaders[REGISTER] = _loader(self.pools[REGISTER_SOURCE], REGISTER, lambda number: (number,))
        return {"loaders": loaders}

    def encode_json(self, data: object) -> bytes:
        return orjson.dumps(data)

    def _of(self, section: Section) -> DataLoader[str, Rows]:
        return _loader(self.pools[section.source], section.sql, section.forms)


def create_app(persons: int) -> Starlette:
    """The application over the databases of so many persons."""
    caches: Any = [
        ParserCache(),
        ValidationCache(),
    ]  # instances, as documented: a class would be made per request
    schema = strawberry.Schema(Query, types=[NaturalPerson], extensions=caches)
    view = View(schema, graphql_ide=None)
    view.pools = {source: pool(url) for source, url in urls(persons).items()}

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for each in view.pools.values():
                await each.open()
                stack.push_async_callback(each.close)
            gc.collect()
            gc.freeze()
            gc.set_threshold(*GC_THRESHOLD)  # as the gateway does
            yield

    endpoint: Any = view
    return Starlette(routes=[Route("/graphql", endpoint)], lifespan=lifespan)
