"""Run one operation: settle its one grant, execute, and hand back what leaves beside the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    execute,
    get_variable_values,
)
from graphql.execution.values import VariableValues

from authz.actors import Actor, ActorKind
from authz.audit import Query
from authz.consent.use import Claim
from authz.errors import AuditUnavailable, AuthzError
from authz.grants import Consent, Grant, Statutory
from authz.mandates import MandateRegister
from authz.once import Ticket
from catalogue.values import CHINA_TIME
from resolvers.access import grant_of
from resolvers.context import Report, RequestContext, Services
from resolvers.planning import Walk
from resolvers.recording import deny
from resolvers.schema import GraphSchema

_REGISTERED: Final = (ActorKind.OFFICER, ActorKind.PARTNER)
"""Kinds whose grants the register can stop."""


@dataclass(frozen=True, slots=True)
class Request:
    """A validated document and what came with it."""

    document: DocumentNode
    operation: OperationDefinitionNode
    operation_hash: str
    variables: Mapping[str, Any]
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


async def run(schema: GraphSchema, services: Services, request: Request) -> Executed:
    """Execute an operation; raises AuthzError, after recording it, when it has no grant.

    Raises AuditUnavailable when any part of the answer has no proof: then there is no answer.
    """
    variables = get_variable_values(
        schema.executable, request.operation.variable_definitions or [], dict(request.variables)
    )
    if not isinstance(variables, VariableValues):
        return Executed(None, list(variables))
    walk = Walk(schema.executable, _fragments(request.document), variables)
    kind = request.operation.operation
    roots = walk.roots("Query" if kind is OperationType.QUERY else "Mutation", request.operation)
    query = Query(request.operation_name, request.operation_hash, request.request_id)
    try:
        grant = await _grant(walk, roots, services, request) if kind is OperationType.QUERY else None
    except AuthzError as refusal:
        await deny(services, request.actor, query, refusal.code)
        raise
    if request.ticket is not None and not isinstance(grant, Consent):
        await request.ticket.spend()
    context = RequestContext(
        services=services,
        actor=grant.actor if grant else request.actor,
        query=query,
        walk=walk,
        roots=roots,
        grant=grant,
        payer=request.payer,
        ticket=request.ticket,
    )
    result = execute(
        schema.executable,
        request.document,
        context_value=context,
        variable_values=dict(request.variables),
        operation_name=request.operation_name or None,
        hide_suggestions=True,
    )
    if not isinstance(result, ExecutionResult):
        result = await result
    for error in result.errors or ():
        if isinstance(error.original_error, AuditUnavailable):
            # not partly either: whatever was read has no proof, and a 200 would look like an answer
            raise error.original_error
    return Executed(result.data, list(result.errors or []), context.report if grant else None)


async def _grant(
    walk: Walk, roots: Mapping[str, list[FieldNode]], services: Services, request: Request
) -> Grant | None:
    """The grant of a query; a mutation has none, for it reads no department."""
    known = request.actor.kind in _REGISTERED
    register = await services.register.current() if known else MandateRegister()
    vouched = services.operators.vouched(request.actor, request.operator_assertion, datetime.now(CHINA_TIME))
    found = grant_of(walk, roots, vouched.actor, register, services.today())
    if isinstance(found, Statutory):
        await services.operators.spend(vouched)
    if not isinstance(found, Claim):
        return found
    consent = await services.consent_use.grant(request.actor, found)
    register.require_running(consent)
    return consent


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
