"""The pages' only way to data: GraphQL documents run in-process as the person, as `/graphql` runs them.

The same document cache and limits, the same executor, hence the same policy and audit,
and the same observers. There is no second path to a source.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final

from graphql import GraphQLError
from starlette.requests import Request

from authz.actors import Actor
from gateway.documents import DocumentCache
from gateway.errors import RequestRefused, code_of, of_exception
from gateway.graphql_http import Execute, ExecutionOutcome, Operation
from gateway.limits import check_variables
from gateway.replies import request_id_of
from gateway.reports import Observer, OperationReport, Outcome
from gateway.settings import Limits
from gateway.values import coerce_variables
from gateway.web.security import PageRefused

PAYER: Final = "web pages"
"""The documents are ours and few; they have a budget of their own."""
_MALFORMED: Final = frozenset({"CURSOR_INVALID", "PERSONAL_LITERAL", "IDENTIFIER_INVALID", "NAME_REQUIRED"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What the graph answered: data, codes of what went wrong beside it, and the paths that are masked."""

    data: Mapping[str, Any]
    codes: frozenset[str]
    masked: frozenset[str]
    denied: frozenset[str]

    @property
    def me(self) -> Mapping[str, Any]:
        """What was answered about the person; raises PageRefused where nothing was."""
        found = self.data.get("me")
        if not isinstance(found, Mapping):
            raise _refused(tuple(self.codes))
        return found


@dataclass(frozen=True, slots=True)
class Graph:
    """Asks the graph on behalf of whoever looks at a page; `deadline` is in seconds."""

    documents: DocumentCache
    execute: Execute
    limits: Limits
    deadline: float
    observers: Sequence[Observer]

    async def ask(
        self, request: Request, actor: Actor, text: str, variables: Mapping[str, object] | None = None
    ) -> Answer:
        """Run one document; raises PageRefused where there is no answer at all."""
        started, report = perf_counter(), OperationReport(client=actor.client_id)
        try:
            outcome = await self._run(request, actor, text, variables or {}, report)
        finally:
            report.seconds = perf_counter() - started
            for observe in self.observers:
                observe(report)
        if not isinstance(outcome.data, Mapping):
            raise _refused(report.codes)
        paths = outcome.extensions.get("authorization", {})
        return Answer(
            outcome.data,
            frozenset(report.codes),
            frozenset(paths.get("masked", ())),  # type: ignore[attr-defined]
            frozenset(paths.get("denied", ())),  # type: ignore[attr-defined]
        )

    async def _run(
        self,
        request: Request,
        actor: Actor,
        text: str,
        variables: Mapping[str, object],
        report: OperationReport,
    ) -> ExecutionOutcome:
        try:
            operation = self._operation(request, actor, text, variables, report)
            async with asyncio.timeout(self.deadline):
                outcome = await self.execute(operation)
        except TimeoutError:
            report.outcome, report.status = Outcome.TIMEOUT, 504
            raise PageRefused(503, "unavailable") from None
        except Exception as fault:
            errors = fault.errors if isinstance(fault, RequestRefused) else (of_exception(fault),)
            report.outcome, report.codes = Outcome.REFUSED, _codes(errors)
            raise _refused(report.codes) from fault
        report.codes = _codes(outcome.errors)
        report.sources = tuple(outcome.sources)
        report.outcome, report.status = Outcome.PARTIAL if outcome.errors else Outcome.OK, 200
        return outcome

    def _operation(
        self,
        request: Request,
        actor: Actor,
        text: str,
        variables: Mapping[str, object],
        report: OperationReport,
    ) -> Operation:
        document = self.documents.get(text, PAYER)
        definition = document.operation(None)
        report.document, report.kind = document.hash, definition.operation.value
        report.operation = definition.name.value if definition.name else ""
        coerced = coerce_variables(document.signature(definition), variables)
        check_variables(variables, coerced.coerced, document.weight.slices, self.limits)
        return Operation(
            document, definition, None, variables, coerced, actor, request_id_of(request.scope), request
        )


def _codes(errors: Sequence[GraphQLError]) -> tuple[str, ...]:
    return tuple(sorted({code_of(error).code for error in errors}))


def _refused(codes: Sequence[str]) -> PageRefused:
    """The page for an operation without an answer."""
    if "SUBJECT_NOT_CONFIRMED" in codes:
        return PageRefused(409, "not_confirmed")
    if not _MALFORMED.isdisjoint(codes):
        return PageRefused(400, "form_malformed")
    return PageRefused(503, "unavailable")
