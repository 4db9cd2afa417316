"""The root fields that read departments: from their arguments to what was read, to be printed after."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from graphql import FieldNode

from authz.errors import AuthzError
from authz.grants import Grant, Statutory
from authz.wording import refuse_name
from catalogue.identifiers import SubjectKey, SubjectKind
from resolvers.access import ENTITY_ROOT_OF
from resolvers.context import RequestContext
from resolvers.identity import Lookup
from resolvers.lookups import lookup_of, resolve_lookup
from resolvers.planning import ResponsePath, pages_of
from resolvers.plans import READING
from resolvers.reading import Outcome, read_subjects
from resolvers.recording import RefusalsRecorded
from resolvers.subjects import GRAPHQL_NAME

REPRESENTATIONS_MAX: Final = 100
_KIND_OF: Final = {root: kind for kind, root in ENTITY_ROOT_OF.items()}

Answer: TypeAlias = Outcome | list[Outcome | None] | dict[str, Outcome]
"""Of `_entities` a list, of `me` its persons by response key, of the others one subject."""


async def read_roots(context: RequestContext) -> None:
    """Read what the root fields want into `context.answers`; a refusal stands in its field's place."""
    wanted = {key: nodes for key, nodes in context.plan.roots.items() if nodes[0].name.value in READING}
    if len(wanted) == 1:  # needs no task of its own
        ((key, nodes),) = wanted.items()
        context.answers[key] = await _answered(context, key, nodes)
        return
    answers = await asyncio.gather(*(_answered(context, key, nodes) for key, nodes in wanted.items()))
    context.answers.update(zip(wanted, answers, strict=True))


async def _answered(context: RequestContext, key: str, nodes: list[FieldNode]) -> Answer:
    name = nodes[0].name.value
    try:
        if name == "me":
            return await _me(context, key)
        arguments = context.walk.arguments("Query", nodes[0])
        if name == "_entities":
            return await _entities(context, key, nodes, arguments["representations"])
        found = await _lookup(context, name, arguments)
        return await _read(context, found, nodes, (key,))
    except Exception as fault:
        return fault


async def _lookup(context: RequestContext, name: str, arguments: Mapping[str, Any]) -> Lookup:
    """Whom a root field names; a refusal is recorded."""
    async with RefusalsRecorded(context):
        if name in _KIND_OF:
            return Lookup(_entity_key(arguments["uscc"], _KIND_OF[name]))
        references, client = context.services.references, context.actor.client_id
        found = resolve_lookup(lookup_of(arguments["lookup"]), references, client)
        refuse_named(context, found)
        return found


def refuse_named(context: RequestContext, lookup: Lookup) -> None:
    """What is written down of a read names nobody."""
    grant = grant_of_operation(context)
    repeat = grant.declared.repeat if isinstance(grant, Statutory) and grant.declared else None
    refuse_name(lookup.name, grant.purpose, repeat.note if repeat else None)


async def _me(context: RequestContext, key: str) -> dict[str, Outcome]:
    subject = getattr(grant_of_operation(context), "subject")  # noqa: B009
    return {
        inner: await _read(context, Lookup(subject), members, (key, inner))
        for inner, members in context.plan.persons[key].items()
        if members[0].name.value == "person"
    }


def _entity_key(uscc: str, kind: SubjectKind) -> SubjectKey:
    """The key of an entity of this kind; raises IdentifierError, AuthzError."""
    key = SubjectKey.entity(uscc)
    if key.subject_kind is not kind:
        raise AuthzError(
            "SUBJECT_KIND_MISMATCH",
            f"This code is registered for {GRAPHQL_NAME[key.subject_kind]}, not {GRAPHQL_NAME[kind]}.",
        )
    return key


async def _entities(
    context: RequestContext, root: str, nodes: list[FieldNode], representations: list[Any]
) -> list[Outcome | None]:
    """Entities by USCC for a federation router, batched: one question per source for all of a kind."""
    if len(representations) > REPRESENTATIONS_MAX:
        raise AuthzError("LIST_LIMIT", f"At most {REPRESENTATIONS_MAX} representations at a time.")
    outcomes: list[Outcome | None] = [None] * len(representations)
    wanted: dict[SubjectKind, list[tuple[int, SubjectKey]]] = {}
    for place, raw in enumerate(representations):
        found = _represented(raw)
        if isinstance(found, SubjectKey):
            wanted.setdefault(found.subject_kind, []).append((place, found))
        else:
            outcomes[place] = found
    for kind, places in wanted.items():
        lookups = [Lookup(key) for _, key in places]
        read = await _read_all(context, lookups, nodes, (root,), kind)
        for (place, _), outcome in zip(places, read, strict=True):
            outcomes[place] = outcome
    return outcomes


def _represented(raw: Any) -> SubjectKey | Exception:
    """The key in a representation: entities only, for persons have none (ruling 23)."""
    refused = AuthzError("REPRESENTATION_INVALID", "Give `__typename` of an entity and its `uscc`.")
    if not isinstance(raw, dict) or not isinstance(raw.get("uscc"), str):
        return refused
    try:
        key = SubjectKey.entity(raw["uscc"])
    except ValueError as error:
        return error
    if key.personal or raw.get("__typename") != GRAPHQL_NAME[key.subject_kind]:
        return refused
    return key


async def _read(
    context: RequestContext, lookup: Lookup, nodes: list[FieldNode], path: ResponsePath
) -> Outcome:
    (outcome,) = await _read_all(context, [lookup], nodes, path, lookup.key.subject_kind)
    return outcome


async def _read_all(
    context: RequestContext,
    lookups: list[Lookup],
    nodes: list[FieldNode],
    path: ResponsePath,
    kind: SubjectKind,
) -> list[Outcome]:
    plan = context.plan.subject(context.services.plans.planner, context.walk, nodes, path, kind)
    pages = pages_of(plan, context.walk)
    return await read_subjects(context, grant_of_operation(context), plan, lookups, pages=pages)


def grant_of_operation(context: RequestContext) -> Grant:
    """The operation's grant; reading without one is a fault of ours, so it refuses."""
    if context.grant is None:
        raise AuthzError("NO_GRANT", "This operation has no basis to read.")
    return context.grant
