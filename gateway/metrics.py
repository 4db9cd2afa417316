"""Prometheus metrics on a registry of their own. No label ever leads to a person or a client."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.errors import ERRORS, Stage
from gateway.reports import OperationReport, Outcome
from gateway.source_counts import SourceCounts

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.8, 1.0, 2.5, 5.0)
"""Bucket bounds; 0.8 is the default deadline of a source."""
_KINDS: Final = ("query", "mutation", "subscription")


class Metrics:
    """What the gateway counts. One instance a process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.operations = self._counter(
            "gateway_operations", "Operations by kind and outcome", "kind", "outcome"
        )
        self.seconds = Histogram(
            "gateway_operation_seconds",
            "Time to answer an operation",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.errors = self._counter("gateway_errors", "Operations with an error of this code", "code")
        self.denials = Counter(
            "gateway_denials", "Operations refused for who asked, why or about whom", registry=self.registry
        )
        self.sources = SourceCounts(SECONDS)
        self.registry.register(self.sources)
        self.audit = self._counter(
            "gateway_audit_events", "Audit events by phase and result", "phase", "result"
        )
        self.alarms = self._counter("gateway_use_alarms", "Alarms of the review of use by kind", "kind")
        self.left = self._counter(
            "gateway_uncompiled_operations",
            "Operations graphql-core printed something of, for a document or a value: right, but slower",
            "kind",
            "why",
        )
        self.running = 0
        """Requests in flight."""
        in_flight = Gauge("gateway_requests_in_flight", "Requests in flight", registry=self.registry)
        in_flight.set_function(lambda: self.running)
        for outcome in Outcome:
            self.operations.labels("query", outcome.value)
        # `labels` checks and locks at every call
        self._operations_of, self._audit_of = cache(self.operations.labels), cache(self.audit.labels)

    def _counter(self, name: str, told: str, *labels: str) -> Counter:
        return Counter(name, told, labels, registry=self.registry)

    def observe(self, report: OperationReport) -> None:
        """Count one operation."""
        kind = report.kind if report.kind in _KINDS else "none"
        self._operations_of(kind, report.outcome.value).inc()
        self.seconds.observe(report.seconds)
        if report.left:
            self.left.labels(kind, report.left).inc()
        if report.codes:
            self._failed(report.codes)
        for source in report.sources:
            self.sources.observe(source)

    def _failed(self, codes: tuple[str, ...]) -> None:
        for code in codes:
            self.errors.labels(code).inc()
        if any(ERRORS[code].stage is Stage.ACCESS for code in codes):
            self.denials.inc()

    def audited(self, phase: str, *, written: bool) -> None:
        """Count one audit event; `phase` is `intent` or `outcome`."""
        self._audit_of(phase, "written" if written else "failed").inc()

    def alarmed(self, kind: str) -> None:
        """Count one alarm, in the process that told of it first."""
        self.alarms.labels(kind).inc()

    def page(self, token: str) -> Callable[[Request], Awaitable[Response]]:
        """The page that Prometheus reads at `/metrics`, for who presents the token; 404 for all others."""
        expected = f"Bearer {token}".encode()

        async def respond(request: Request) -> Response:
            offered = request.headers.get("authorization", "").encode()
            if not hmac.compare_digest(offered, expected):
                raise HTTPException(404)
            return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

        return respond
