"""`me { export }`: everything departments hold on the person, signed, to take along (PIPL 45).

It is the answer to one query over every section and field of the person, made from the schema
and run as their own: the same policy, clocks, masks and audit as any other read of `me`.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

import strawberry
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    execute,
    get_named_type,
    get_variable_values,
    is_leaf_type,
    is_required_argument,
    parse,
)
from graphql.execution.values import VariableValues
from strawberry.types.info import Info

from authz.audit import Query
from authz.errors import AccessDenied
from authz.once import Kind, Replayed, Use
from catalogue.identifiers import SubjectKind
from catalogue.model import DataClass
from catalogue.values import CHINA_TIME
from resolvers.consents import person_of
from resolvers.context import Report, RequestContext
from resolvers.fields import bilingual, described
from resolvers.planning import Walk
from resolvers.recording import RefusalsRecorded
from resolvers.roots import read_roots
from resolvers.scalars import Instant
from resolvers.subjects import GRAPHQL_NAME

FORMAT: Final = "urn:credit-subject-gateway:subject-export:1"
NAME: Final = "Export"
PERSON: Final = GRAPHQL_NAME[SubjectKind.NATURAL_PERSON]
SPAN: Final = timedelta(minutes=10)
MOST_IN_SPAN: Final = 10
"""Exports and reports of a person: enough for as many readers, and never more than departments can bear."""
_WHOLE: Final = frozenset({"OK", "NOT_CONNECTED", "DENIED"})
"""Nothing is missing that this county could have told the person."""
_LEFT_OUT: Final = frozenset({"records", "subject"})
"""Of the person: the merged list, which holds the sections once more. Of a record: whose it is."""


@strawberry.type(
    description=bilingual("本人信息导出", "Everything departments hold on the person, to take along")
)
class SubjectExport:
    """A compact JWS (RFC 7515, ES256) over JSON; its keys are those of consents."""

    jws: str = described("签名的本人信息（紧凑 JWS）", "Compact JWS over the JSON", DataClass.RESTRICTED)
    exportedAt: Instant = described("导出时间", "When")
    complete: bool = described(
        "是否所有已接入部门均已完整答复", "Whether every department that is connected answered in full"
    )


async def my_export(self: Any, info: Info) -> Any:
    """All of it, after a strong login; raises AccessDenied STEP_UP_REQUIRED or EXPORT_TOO_SOON."""
    context: RequestContext = info.context
    now = datetime.now(CHINA_TIME)
    await spend(context, now)
    person, report = await everything(context.walk.schema, context)
    context.report.sources.extend(report.sources)
    content = {
        "format": FORMAT,
        "exportedAt": now.isoformat(timespec="milliseconds"),
        "catalogueVersion": context.services.catalogue.version,
        "legalBasis": ["个人信息保护法第45条"],
        "person": person,
        **report.as_extensions(),
    }
    return SubjectExport(
        jws=context.services.signer.export(content),
        exportedAt=Instant(now),
        complete=is_whole(person),
    )


async def spend(context: RequestContext, now: datetime) -> None:
    """So many exports and reports in each span of time, in whatever process, after a strong login only.

    Raises AccessDenied STEP_UP_REQUIRED or EXPORT_TOO_SOON, recorded.
    """
    async with RefusalsRecorded(context):
        if not context.actor.step_up:
            raise AccessDenied("STEP_UP_REQUIRED", "Log in strongly once more, then export.")
        await _spend(context, now)


async def _spend(context: RequestContext, now: datetime) -> None:
    span = int(now.timestamp() // SPAN.total_seconds())
    owner = context.services.references.audit_ref(person_of(context))
    until = (span + 2) * SPAN.total_seconds()
    for number in range(MOST_IN_SPAN):
        with suppress(Replayed):
            await context.services.once.spend(Use(Kind.EXPORT, owner, f"{span} {number}", until))
            return
    raise AccessDenied("EXPORT_TOO_SOON", f"At most {MOST_IN_SPAN} in ten minutes. Wait, then try again.")


async def everything(schema: GraphQLSchema, context: RequestContext) -> tuple[dict[str, Any], Report]:
    """The person's node and what is to be said about it; raises the error in its place."""
    return await read_by(schema, context, NAME, export_text(schema), ("me", "person"))


async def read_by(
    schema: GraphQLSchema,
    context: RequestContext,
    name: str,
    text: str,
    place: tuple[str, ...],
    variables: Mapping[str, Any] = {},
) -> tuple[dict[str, Any], Report]:
    """What stands at a place of the answer to a query of ours, on the operation's own grant.

    Raises the error that stands there instead.
    """
    document, digest = _parsed(text)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)  # noqa: S101 - it was made by us
    coerced = get_variable_values(schema, operation.variable_definitions or (), dict(variables))
    assert isinstance(coerced, VariableValues)  # noqa: S101 - so were these
    own = replace(
        context,
        query=Query(name, digest, context.request_id),
        walk=Walk(schema, {}, coerced),
        plan=context.services.plans.of(schema, document, digest, operation, coerced),
        answers={},
        report=Report(),
    )
    await read_roots(own)
    result = execute(schema, document, context_value=own, variable_values=dict(variables))
    if not isinstance(result, ExecutionResult):
        result = await result
    found: Any = result.data
    for step in place:
        found = (found or {}).get(step)
    if found is None:
        failed = (result.errors or [])[0]
        raise failed.original_error or failed
    return found, own.report


def is_whole(person: Mapping[str, Any]) -> bool:
    """Whether every department that is connected told all it has."""
    return {section["state"] for group in person.values() for section in _sections(group)} <= _WHOLE


def _sections(group: object) -> list[dict[str, Any]]:
    """The sections of one domain; what else a person has is no group of sections."""
    if not isinstance(group, dict):
        return []
    return [each for each in group.values() if isinstance(each, dict) and "state" in each]


@lru_cache(maxsize=8)
def export_text(schema: GraphQLSchema) -> str:
    """The query over everything of a person that needs no argument."""
    return f"query {NAME} {{ me {{ person {_selection(schema, PERSON)} }} }}"


@lru_cache(maxsize=64)
def _parsed(text: str) -> tuple[DocumentNode, str]:
    return parse(text, no_location=True), sha256(text.encode()).hexdigest()[:32]


def _selection(schema: GraphQLSchema, type_name: str, above: tuple[str, ...] = ()) -> str:
    kind = schema.get_type(type_name)
    assert isinstance(kind, GraphQLObjectType)  # noqa: S101 - persons hold no interfaces below
    parts = []
    for name, field in kind.fields.items():
        below = get_named_type(field.type)
        if name in _LEFT_OUT and not (name == "records" and type_name != PERSON):
            continue
        if any(map(is_required_argument, field.args.values())) or below.name in above:
            continue
        if is_leaf_type(below):
            parts.append(name)
        elif isinstance(below, GraphQLObjectType):
            parts.append(f"{name} {_selection(schema, below.name, (*above, type_name))}")
    return "{ " + " ".join(parts) + " }"
