"""Who asks in a job of many requests: a client's token, and a new operator assertion for each request."""

from __future__ import annotations

import asyncio
import shlex
from datetime import datetime
from pathlib import Path
from typing import Protocol

from authz.clients import load_clients
from authz.demo_tokens import issue_operator, issue_token
from authz.keys import load_keys
from catalogue.values import CHINA_TIME
from gateway.cli.common import CommandError, settings_of
from gateway.client import BearerToken, Credentials, GatewayError

_DEMO_OPERATOR = "op-0001"


class Officer(Protocol):
    """An officer at an approval system."""

    credentials: Credentials

    async def assertion(self) -> str | None:
        """A new operator assertion (docs/mandates.md), where the system's login makes them."""
        ...


class GivenOfficer:
    """With a token, and a command of the approval system's login; raises CommandError."""

    def __init__(self, token: str | None, command: str | None) -> None:
        if token is None:
            raise CommandError("TOKEN_MISSING", "Give --token, or --client with the demo keys of --config.")
        self.credentials: Credentials = BearerToken(token)
        self._command = shlex.split(command) if command else None

    async def assertion(self) -> str | None:
        """What the command prints."""
        if self._command is None:
            return None
        try:
            process = await asyncio.create_subprocess_exec(*self._command, stdout=asyncio.subprocess.PIPE)
            printed, _ = await process.communicate()
        except OSError as error:
            raise _failed() from error
        if process.returncode:
            raise _failed()
        return printed.decode("ascii", "replace").strip()


def _failed() -> GatewayError:
    return GatewayError("OPERATOR_COMMAND", "The command of --operator-command failed.", retryable=False)


class DemoOfficer:
    """With demo keys, which everybody knows; raises ConfigurationError for others."""

    def __init__(self, config: Path, client_id: str) -> None:
        settings = settings_of(config)
        self._keys, self._audience, self._issuer = (
            load_keys(settings.keys),
            settings.audience,
            settings.issuer,
        )
        now = datetime.now(CHINA_TIME)
        self._client = load_clients(settings.clients).active(client_id, now.date())
        token = issue_token(
            self._keys,
            self._client,
            issuer=self._issuer,
            audience=self._audience,
            now=now,
            operator=_DEMO_OPERATOR,
        )
        self.credentials: Credentials = BearerToken(token)

    async def assertion(self) -> str | None:
        """One that the demo's login signs."""
        now = datetime.now(CHINA_TIME)
        return issue_operator(
            self._keys, self._client, audience=self._audience, now=now, operator=_DEMO_OPERATOR
        )
