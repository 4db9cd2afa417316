"""The gateway for approval systems: typed, small, and free of the server (docs/client.md)."""

from gateway.client.answers import (
    Check,
    Finding,
    Item,
    ManualCheck,
    Measure,
    Outcome,
    Predicate,
    Receipt,
    TakenMeasure,
    Task,
    Truth,
)
from gateway.client.asking import ByHand, Case, Entity, Person, Reference, Related, Report, Step
from gateway.client.client import AsyncClient, Client
from gateway.client.credentials import BearerToken, PrivateKey
from gateway.client.errors import GatewayError, Refused, Unreachable
from gateway.client.receipts import Proof, check_receipt
from gateway.client.transport import Credentials, Transport

__all__ = [
    "AsyncClient",
    "BearerToken",
    "ByHand",
    "Case",
    "Check",
    "Client",
    "Credentials",
    "Entity",
    "Finding",
    "GatewayError",
    "Item",
    "ManualCheck",
    "Measure",
    "Outcome",
    "Person",
    "Predicate",
    "PrivateKey",
    "Proof",
    "Receipt",
    "Reference",
    "Refused",
    "Related",
    "Report",
    "Step",
    "TakenMeasure",
    "Task",
    "Transport",
    "Truth",
    "Unreachable",
    "check_receipt",
]
