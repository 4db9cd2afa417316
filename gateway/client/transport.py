"""One GraphQL operation over HTTP, once: who asks is presented, and errors become exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

import aiohttp

from gateway.client.errors import GatewayError, Refused, Unreachable

ACCEPT: Final = "application/graphql-response+json"
OPERATOR: Final = "Operator-Assertion"
REQUEST_ID: Final = "X-Request-ID"


class Credentials(Protocol):
    """Presents a client to the gateway."""

    async def headers(self, session: aiohttp.ClientSession, url: str) -> Mapping[str, str]:
        """Headers for one POST of this address; raises GatewayError where no token is to be had."""
        ...

    def heard(self, headers: Mapping[str, str]) -> None:
        """Take in what an answer says for the next request, such as a nonce."""
        ...


class Transport:
    """Sends operations to one gateway; an `async with` opens and closes its connections.

    `timeout` is in seconds, for one request and its answer.
    """

    def __init__(self, url: str, credentials: Credentials, *, timeout: float = 30.0) -> None:
        self.url = url
        self._credentials = credentials
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Transport:
        self._session = aiohttp.ClientSession(timeout=self._timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session:
            await self._session.close()

    async def ask(
        self, document: str, variables: Mapping[str, Any], operator: str | None = None
    ) -> dict[str, Any]:
        """`data` of the answer; raises Refused, Unreachable. A nonce that is asked for is given, once."""
        try:
            return await self._ask(document, variables, operator)
        except Refused as refusal:
            if refusal.code != "DPOP_NONCE":
                raise
        return await self._ask(document, variables, operator)

    async def _ask(self, document: str, variables: Mapping[str, Any], operator: str | None) -> dict[str, Any]:
        if self._session is None:
            raise RuntimeError("open the client with `async with`")
        headers = {"Accept": ACCEPT, **await self._credentials.headers(self._session, self.url)}
        if operator:
            headers[OPERATOR] = operator
        body = {"query": document, "variables": variables}
        try:
            async with self._session.post(self.url, json=body, headers=headers) as response:
                self._credentials.heard(response.headers)
                answer = await response.json(content_type=None)
        except aiohttp.ClientConnectorError as error:
            raise Unreachable(
                "GATEWAY_UNREACHABLE", f"No gateway answers at {self.url}.", sent=False
            ) from error
        except TimeoutError as error:
            raise Unreachable("GATEWAY_TIMEOUT", "The gateway did not answer in time.", sent=True) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Unreachable("GATEWAY_RUBBISH", "The answer did not arrive whole.", sent=True) from error
        return _data(answer, response.headers.get(REQUEST_ID))


def _data(answer: object, request_id: str | None) -> dict[str, Any]:
    """The data of an answer; raises Refused where there is none, even if only one field of it is null."""
    if not isinstance(answer, dict):
        raise Unreachable("GATEWAY_RUBBISH", "The answer is not GraphQL.", sent=True)
    data, errors = answer.get("data"), answer.get("errors") or []
    if isinstance(data, dict) and any(one is not None for one in data.values()):
        return data
    if errors:
        raise Refused.of(errors[0], request_id)
    raise GatewayError("GATEWAY_RUBBISH", "The answer is empty.", retryable=False)
