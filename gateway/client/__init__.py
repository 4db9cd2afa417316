"""The gateway for approval systems: typed, small, and free of the server (docs/client.md)."""

from gateway.client.credentials import BearerToken, PrivateKey
from gateway.client.errors import GatewayError, Refused, Unreachable
from gateway.client.transport import Credentials, Transport

__all__ = ["BearerToken", "Credentials", "GatewayError", "PrivateKey", "Refused", "Transport", "Unreachable"]
