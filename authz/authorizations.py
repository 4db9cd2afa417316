"""What persons allowed at the authorization server, as rows of the store that all processes share.

A request waits under a handle until its person has answered; the answer makes it a grant with
a code; the code is redeemed once, and refresh tokens carry the grant on. Handles, codes and
refresh tokens are 256 random bits of which the store keeps the SHA-256. A code or a rotated
refresh token that comes twice ends the grant and every token issued from it (RFC 9700 §4.14).
Persons are named by the client's own reference. Moments are seconds since the epoch.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    LargeBinary,
    Select,
    String,
    Table,
    Update,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.audit import Act
from authz.consent.artefact import Part
from authz.errors import AccessDenied, StoreUnavailable
from authz.revocations import LONGEST_TOKEN_SECONDS, revoke_within
from authz.store import Store, metadata

PUSHED_SECONDS: Final = 90
"""How long a pushed request waits for the browser (RFC 9126 §2.2)."""
OPENED_SECONDS: Final = 900
"""How long a person may take to log in, read and decide."""
CODE_SECONDS: Final = 60

oauth_request: Final = Table(
    "oauth_request",
    metadata,
    Column("handle", LargeBinary(32), primary_key=True),
    Column("client_id", String(64), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("opened", Boolean, nullable=False),
    Column("until", BigInteger, nullable=False, index=True),
)
oauth_grant: Final = Table(
    "oauth_grant",
    metadata,
    Column("id", String(43), primary_key=True),
    Column("code", LargeBinary(32), nullable=False, unique=True),
    Column("code_until", BigInteger, nullable=False),
    Column("redeemed", Boolean, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("until", BigInteger, nullable=False, index=True),
)
oauth_refresh: Final = Table(
    "oauth_refresh",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("grant_id", ForeignKey("oauth_grant.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("spent", Boolean, nullable=False),
)


class AuthorizationRequest(Part):
    """What a client asked for, once it was found to be in order."""

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    code_challenge: str
    """S256 (RFC 7636)."""
    key_thumbprint: str = ""
    """`dpop_jkt` (RFC 9449 §10): the only key that may redeem the code; empty where any may."""
    details: tuple[dict[str, Any], ...] | None = None
    """`authorization_details` (RFC 9396) as the client sent them."""


class Allowed(Part):
    """What a person allowed a client."""

    grant_id: str
    client_id: str
    subject_ref: str
    redirect_uri: str
    scopes: tuple[str, ...]
    code_challenge: str
    key_thumbprint: str = ""
    consent_id: str | None = None
    strong_login: int | None = None
    """When the person logged in strongly, if they did."""
    refresh_until: int | None = None
    """Until when it may be refreshed; None for never (ruling 21)."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that waits for its person."""

    request: AuthorizationRequest
    until: int


@dataclass(frozen=True, slots=True)
class Held:
    """A grant as found by its code or by a refresh token."""

    allowed: Allowed
    used: bool
    """Whether what it was found by was used before."""
    digest: bytes
    """Of what it was found by."""


class AuthorizationStore:
    """Requests and grants of all processes; raises StoreUnavailable where the store does not answer."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    @property
    def now(self) -> int:
        """The moment by this clock."""
        return int(self._clock())

    async def park(self, request: AuthorizationRequest, *, opened: bool) -> str:
        """Keep a request; returns its handle. `opened` where the browser has come with it."""
        handle, now = secrets.token_urlsafe(32), self.now
        row = {
            "handle": _digest(handle),
            "client_id": request.client_id,
            "content": _stored(request),
            "opened": opened,
            "until": now + (OPENED_SECONDS if opened else PUSHED_SECONDS),
        }
        async with self._writing() as connection:
            for table in (oauth_request, oauth_grant):
                await connection.execute(delete(table).where(table.c.until < now))
            await connection.execute(insert(oauth_request), row)
        return handle

    async def open(self, handle: str, client_id: str) -> bool:
        """The browser has come with a pushed request; whether it is there. It may come again."""
        row = oauth_request.c
        mine = (row.handle == _digest(handle), row.client_id == client_id, row.until >= self.now)
        pushed = update(oauth_request).where(*mine, row.opened.is_(False))
        async with self._writing() as connection:
            await connection.execute(pushed.values(opened=True, until=self.now + OPENED_SECONDS))
            return (await connection.execute(select(row.handle).where(*mine))).first() is not None

    async def waiting(self, handle: str) -> Waiting | None:
        """The request that the browser has come with, while it waits."""
        query = select(oauth_request).where(*self._opened(handle))
        async with self._reading() as connection:
            row = (await connection.execute(query)).first()
        return Waiting(AuthorizationRequest.model_validate_json(row.content), row.until) if row else None

    async def allow(self, handle: str, allowed: Allowed) -> str | None:
        """The person agreed: the request becomes a grant. Returns its code.

        None where another answer came first.
        """
        code, now = secrets.token_urlsafe(32), self.now
        row = {
            "id": allowed.grant_id,
            "code": _digest(code),
            "code_until": now + CODE_SECONDS,
            "redeemed": False,
            "content": _stored(allowed),
            "until": max(allowed.refresh_until or 0, now + LONGEST_TOKEN_SECONDS),
        }
        async with self._writing() as connection:
            gone = await connection.execute(delete(oauth_request).where(*self._opened(handle)))
            if gone.rowcount != 1:
                return None
            await connection.execute(insert(oauth_grant), row)
        return code

    async def drop(self, handle: str) -> bool:
        """The person refused; False where another answer came first."""
        async with self._writing() as connection:
            gone = await connection.execute(delete(oauth_request).where(*self._opened(handle)))
        return gone.rowcount == 1

    async def by_code(self, code: str) -> Held | None:
        """The grant of a code that is in time, or that was redeemed before."""
        grant = oauth_grant.c
        live = (grant.code_until >= self.now) | grant.redeemed
        query = select(grant.content, grant.redeemed.label("used")).where(grant.code == _digest(code), live)
        return await self._held(query.where(grant.until >= self.now), _digest(code))

    async def by_refresh(self, token: str) -> Held | None:
        """The grant of a refresh token, spent or not."""
        query = (
            select(oauth_grant.c.content, oauth_refresh.c.spent.label("used"))
            .join(oauth_refresh, oauth_refresh.c.grant_id == oauth_grant.c.id)
            .where(oauth_refresh.c.digest == _digest(token), oauth_grant.c.until >= self.now)
        )
        return await self._held(query, _digest(token))

    def redeeming(self, held: Held, refresh: str | None, key_thumbprint: str) -> Act:
        """Redeem the code, and keep the refresh token that comes of it; AccessDenied where it was used.

        From here on the grant is bound to the key that redeemed it.
        """
        bound = held.allowed.model_copy(update={"key_thumbprint": key_thumbprint})

        async def redeem(connection: AsyncConnection) -> None:
            grant = oauth_grant.c
            unused = update(oauth_grant).where(grant.code == held.digest, grant.redeemed.is_(False))
            await _first(connection, unused.values(redeemed=True, content=_stored(bound)))
            await self._keep(connection, held, refresh)

        return redeem

    def rotating(self, held: Held, refresh: str) -> Act:
        """Put a new refresh token in the place of the one that came; AccessDenied where it was used."""

        async def rotate(connection: AsyncConnection) -> None:
            token = oauth_refresh.c
            unused = update(oauth_refresh).where(token.digest == held.digest, token.spent.is_(False))
            await _first(connection, unused.values(spent=True))
            await self._keep(connection, held, refresh)

        return rotate

    async def end(self, grant_id: str) -> None:
        """End a grant: its refresh tokens are gone, and its access tokens are revoked."""
        async with self._writing() as connection:
            await connection.execute(delete(oauth_refresh).where(oauth_refresh.c.grant_id == grant_id))
            await connection.execute(delete(oauth_grant).where(oauth_grant.c.id == grant_id))
            await revoke_within(connection, grant_id, self.now + LONGEST_TOKEN_SECONDS)

    async def _keep(self, connection: AsyncConnection, held: Held, refresh: str | None) -> None:
        if refresh is not None:
            row = {"digest": _digest(refresh), "grant_id": held.allowed.grant_id, "spent": False}
            await connection.execute(insert(oauth_refresh), row)

    async def _held(self, query: Select[Any], digest: bytes) -> Held | None:
        async with self._reading() as connection:
            row = (await connection.execute(query)).first()
        return Held(Allowed.model_validate_json(row.content), row.used, digest) if row else None

    def _opened(self, handle: str) -> tuple[ColumnElement[bool], ...]:
        row = oauth_request.c
        return row.handle == _digest(handle), row.opened.is_(True), row.until >= self.now

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._store.writing() as connection:
                yield connection
        except (SQLAlchemyError, OSError):
            raise StoreUnavailable from None

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._store.reading() as connection:
                yield connection
        except (SQLAlchemyError, OSError):
            raise StoreUnavailable from None


class UsedBefore(AccessDenied):
    """A code or a refresh token came twice."""

    def __init__(self) -> None:
        super().__init__("GRANT_USED", "It was used before.")


async def _first(connection: AsyncConnection, change: Update) -> None:
    if (await connection.execute(change)).rowcount != 1:
        raise UsedBefore


def new_grant_id() -> str:
    """A random name; tokens carry it, so it opens nothing."""
    return secrets.token_urlsafe(32)


def new_refresh_token() -> str:
    """256 random bits."""
    return secrets.token_urlsafe(32)


def _stored(part: Part) -> bytes:
    return part.model_dump_json(by_alias=True, exclude_none=True).encode()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
