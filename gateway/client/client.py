"""The calls of an approval system: `AsyncClient`, and `Client` for programs without an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from pydantic import TypeAdapter, ValidationError

from gateway.client.answers import Check, ManualCheck, Outcome, TakenMeasure
from gateway.client.asking import ByHand, Case, Entity, Person, Reference, Related, Report, Step, said
from gateway.client.errors import GatewayError, Refused, Unreachable
from gateway.client.transport import Credentials, Transport

T = TypeVar("T")
_TRIES: Final = 3
_PAUSE: Final = 0.25
"""Seconds before the second try; the third waits twice as long, or as long as the gateway says."""
_MANUAL: Final = """
mutation Manual($input: ManualCheckInput!, $access: AccessContext!) {
  recordManualCheck(input: $input, access: $access) {
    ... on ManualCheckRecorded { checkId outstanding } ... on ManualCheckRefusal { code message }
  }
}
"""
_OUTCOME: Final = """
mutation Outcome($input: OutcomeInput!, $access: AccessContext!) {
  reportOutcome(input: $input, access: $access) {
    ... on OutcomeReported { id overridden measures { id measureCode state } }
    ... on OutcomeRefusal { code message }
  }
}
"""
_STEP: Final = """
mutation Step($input: MeasureStepInput!, $access: AccessContext!) {
  advanceMeasure(input: $input, access: $access) {
    ... on TakenMeasure { id measureCode state } ... on OutcomeRefusal { code message }
  }
}
"""
Operator = Callable[[], Awaitable[str]]
"""A new operator assertion (docs/mandates.md) for each request, from the system's own login."""


class AsyncClient:
    """Open it with `async with`. Each call raises GatewayError: Refused or Unreachable.

    `operations` is the folder that `credit-gateway scenario operation --out` wrote; `timeout` is in seconds.
    A call is sent again by itself only where nothing of it can have been done: when no connection could be
    made; a report of an outcome also when no answer came, for the same report has the same answer.
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        operations: Path,
        *,
        operator: Operator | None = None,
        timeout: float = 30.0,
    ) -> None:
        self._transport = Transport(url, credentials, timeout=timeout)
        self._operations = operations
        self._operator = operator

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._transport.__aexit__()

    async def must_check(
        self, subject: Person | Entity | Reference, case: Case, related: Sequence[Related] = ()
    ) -> Check:
        """The facts that bear on a case. It is told to the person, and a second one needs a reason."""
        document = (self._operations / f"{case.scenario}.graphql").read_text("utf-8")
        variables = {"lookup": subject.lookup(), "access": said(case)}
        if related:
            variables["relatedPersons"] = said(related)
        return await self._call(Check, document, variables)

    async def record_manual_check(self, done: ByHand, case: Case) -> ManualCheck:
        """That somebody asked a department by hand what a check could not know."""
        return await self._call(ManualCheck, _MANUAL, {"input": said(done), "access": said(case)})

    async def report_outcome(self, report: Report, case: Case) -> Outcome:
        """What a named person concluded; the same report again has the same answer."""
        variables = {"input": said(report), "access": said(case)}
        return await self._call(Outcome, _OUTCOME, variables, repeatable=True)

    async def advance_measure(self, step: Step, case: Case) -> TakenMeasure:
        """Lead a measure one step on."""
        return await self._call(TakenMeasure, _STEP, {"input": said(step), "access": said(case)})

    async def _call(
        self, kind: type[T], document: str, variables: Mapping[str, Any], *, repeatable: bool = False
    ) -> T:
        for attempt in range(1, _TRIES + 1):
            try:
                operator = await self._operator() if self._operator else None
                (answer,) = (await self._transport.ask(document, variables, operator)).values()
                return _taken(kind, answer)
            except GatewayError as error:
                unsent = isinstance(error, Unreachable) and not error.sent
                if attempt == _TRIES or not (unsent or (repeatable and error.retryable)):
                    raise
                await asyncio.sleep(error.retry_after or _PAUSE * attempt)
        raise AssertionError


class Client:
    """The same with plain calls, for one thread; open it with `with`."""

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        operations: Path,
        *,
        operator: Callable[[], str] | None = None,
        timeout: float = 30.0,
    ) -> None:
        async def assertion() -> str:
            return operator() if operator else ""

        self._runner = asyncio.Runner()
        self._client = AsyncClient(
            url, credentials, operations, operator=assertion if operator else None, timeout=timeout
        )

    def __enter__(self) -> Self:
        self._run(self._client.__aenter__())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._client.__aexit__())
        self._runner.close()

    def must_check(
        self, subject: Person | Entity | Reference, case: Case, related: Sequence[Related] = ()
    ) -> Check:
        """As AsyncClient."""
        return self._run(self._client.must_check(subject, case, related))

    def record_manual_check(self, done: ByHand, case: Case) -> ManualCheck:
        """As AsyncClient."""
        return self._run(self._client.record_manual_check(done, case))

    def report_outcome(self, report: Report, case: Case) -> Outcome:
        """As AsyncClient."""
        return self._run(self._client.report_outcome(report, case))

    def advance_measure(self, step: Step, case: Case) -> TakenMeasure:
        """As AsyncClient."""
        return self._run(self._client.advance_measure(step, case))

    def _run(self, call: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(call)


def _taken(kind: type[T], answer: Mapping[str, Any]) -> T:
    """The answer as a value; raises Refused for a refusal, GatewayError for what is none."""
    if "message" in answer:
        raise Refused(answer["code"], answer["message"], retryable=False)
    try:
        return TypeAdapter(kind).validate_python(answer)
    except ValidationError as error:
        told = "The answer lacks what this client reads, or knows more. Renew the operation and the client."
        raise GatewayError("ANSWER_UNKNOWN", told, retryable=False) from error
