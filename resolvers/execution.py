"""Run one operation: settle its one grant, execute, and hand back what leaves beside the data."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    OperationDefinitionNode,
    OperationType,
    execute,
)
from graphql.execution.collect_fields import FieldDetailsList
from graphql.execution.incremental.incremental_executor import IncrementalExecutor
from graphql.execution.values import VariableValues
from graphql.pyutils import Path

from authz.actors import Actor, ActorKind
from authz.audit import Query
from authz.cases.refusals import CaseRefused
from authz.consent.representation import Caller
from authz.consent.use import Claim
from authz.errors import AuditUnavailable, AuthzError, SubjectNotConfirmed
from authz.grants import Consent, Grant, SelfAccess, Statutory
from authz.mandates import MandateRegister
from authz.once import Ticket
from catalogue.identifiers import IdentifierError
from catalogue.values import CHINA_TIME
from resolvers.access import Represented, grant_of
from resolvers.compiled.answer import printed
from resolvers.compiled.objects import Printed
from resolvers.context import Report, RequestContext, Services
from resolvers.lookups import lookup_of, resolve_lookup
from resolvers.planning import Walk
from resolvers.recording import deny
from resolvers.roots import read_roots
from resolvers.schema import GraphSchema

_REGISTERED: Final = (ActorKind.OFFICER, ActorKind.PARTNER)
"""Kinds whose grants the register can stop."""


class Request(NamedTuple):
    """A validated document and what came with it."""

    document: DocumentNode
    operation: OperationDefinitionNode
    operation_hash: str
    digest: str
    """Of the document's text, literals included."""
    variables: Mapping[str, Any]
    """As sent."""
    coerced: VariableValues
    actor: Actor
    request_id: str
    payer: str = ""
    """Whose quota of the public channel is used."""
    ticket: Ticket | None = None
    """The DPoP proof it came with, where that is still to be used up."""
    operator_assertion: str | None = None
    """Who asks, signed by an issuer that is registered for the client (`authz.operators`)."""

    @property
    def operation_name(self) -> str:
        """The operation's name, for the audit; may be empty."""
        return self.operation.name.value if self.operation.name else ""


@dataclass(slots=True)
class Executed:
    """The answer: data, errors, and the report of what was read."""

    data: dict[str, Any] | None
    errors: list[GraphQLError]
    report: Report | None = None
    """None when nothing was read."""
    left: str = ""
    """Why graphql-core printed it or an object in it: for its document or for a value; else empty."""


async def run(schema: GraphSchema, services: Services, request: Request) -> Executed:
    """Execute an operation; raises AuthzError, after recording it, when it has no grant.

    Raises AuditUnavailable when any part of the answer has no proof: then there is no answer.
    """
    plan = services.plans.of(
        schema.executable, request.document, request.digest, request.operation, request.coerced
    )
    walk = Walk(schema.executable, plan.fragments, request.coerced, plan.readers)
    kind, recorded_as = request.operation.operation, plan.recorded_as
    query = Query(request.operation_name, request.operation_hash, request.request_id)
    actor = request.actor
    try:
        grant, assertion = await _grant(walk, plan.roots, services, request, query)
        if kind is OperationType.MUTATION and grant is None:
            actor = await _vouched(services, request)
    except AuthzError as refusal:
        await deny(services, request.actor, query, refusal.code, kind=recorded_as)
        raise
    except IdentifierError:
        await deny(services, request.actor, query, "IDENTIFIER_INVALID", kind=recorded_as)
        raise
    if request.ticket is not None and not isinstance(grant, Consent):
        await request.ticket.spend()
    context = RequestContext(
        services=services,
        actor=grant.actor if grant else actor,
        query=query,
        walk=walk,
        plan=plan,
        grant=grant,
        payer=request.payer,
        ticket=request.ticket,
        assertion=assertion,
        kind=recorded_as,
    )
    if grant is not None:
        await _read(context, request.actor)
    result = printed(context)
    data, errors = result if result is not None else await _by_reference(schema, request, context)
    context.answers.clear()  # they refer to the context: only the garbage collector would find them
    return Executed(data, errors, context.report if grant else None, context.left)


class _Executor(IncrementalExecutor):
    """graphql-core, which takes what is printed already as it is."""

    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        if result.__class__ is Printed:
            return result.data
        return super().complete_object_value(
            return_type, field_details_list, info, path, result, position_context
        )


async def _by_reference(
    schema: GraphSchema, request: Request, context: RequestContext
) -> tuple[dict[str, Any] | None, list[GraphQLError]]:
    """Printed by graphql-core: what is not compiled, and what is out of the ordinary."""
    result = execute(
        schema.executable,
        request.document,
        context_value=context,
        variable_values=dict(request.variables),
        operation_name=request.operation_name or None,
        hide_suggestions=True,
        executor_class=_Executor,
    )
    if not isinstance(result, ExecutionResult):
        result = await result
    for error in result.errors or ():
        if isinstance(error.original_error, AuditUnavailable):
            raise error.original_error
    return result.data, list(result.errors or [])


async def _read(context: RequestContext, presented: Actor) -> None:
    """Read what the root fields want; an assertion that nothing in it has used up is used up after it.

    Raises Replayed where it was used before, which is recorded of who presented it; AuditUnavailable,
    StoreUnavailable.
    """
    assertion = context.assertion
    try:
        await read_roots(context)
        _require_proof(context)
    except BaseException:  # whoever left before the answer has used it up too
        if assertion is not None:
            with suppress(AuthzError):
                await assertion.spend()
        raise
    if assertion is None:
        return
    try:
        await assertion.settle()
    except AuthzError as refusal:
        await deny(context.services, presented, context.query, refusal.code, kind=context.kind)
        raise


def _require_proof(context: RequestContext) -> None:
    """Raises AuditUnavailable where a part has no proof: a 200 would look like an answer."""
    for answer in context.answers.values():
        if isinstance(answer, AuditUnavailable):
            raise answer


async def _grant(
    walk: Walk, roots: Mapping[str, list[FieldNode]], services: Services, request: Request, query: Query
) -> tuple[Grant | None, Ticket | None]:
    """The grant of an operation, None where nothing in it needs one, as in most mutations.

    With a statutory one the assertion that it stands on, to be used up by what is read.
    """
    known = request.actor.kind in _REGISTERED
    register = await services.register.current() if known else MandateRegister()
    vouched = services.operators.vouched(request.actor, request.operator_assertion, datetime.now(CHINA_TIME))
    found = grant_of(walk, roots, vouched.actor, register, services.today())
    if isinstance(found, Statutory):
        return found, services.operators.ticket(vouched)
    if isinstance(found, Represented):
        return await _represented(services, found, query), None
    if not isinstance(found, Claim):
        return found, None
    consent = await services.consent_use.grant(request.actor, found)
    register.require_running(consent)
    return consent, None


async def _represented(services: Services, claim: Represented, query: Query) -> SelfAccess:
    """The right over a child or an enterprise, confirmed now; whom a stranger names is as one unknown."""
    found = resolve_lookup(lookup_of(claim.lookup), services.references, claim.actor.client_id)
    try:
        return await services.cases.right_of(Caller(claim.actor, query), found.key)
    except CaseRefused:
        raise SubjectNotConfirmed from None


async def _vouched(services: Services, request: Request) -> Actor:
    """Who acts in a mutation, with what the client's issuer says of them."""
    vouched = services.operators.vouched(request.actor, request.operator_assertion, datetime.now(CHINA_TIME))
    await services.operators.spend(vouched)
    return vouched.actor
