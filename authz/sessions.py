"""Sessions of the web pages: rows of the gateway's own store, so that every process knows them.

A cookie holds 256 random bits and the store their SHA-256, so nobody who reads the store
can enter a session. A row names the person by the pages' own sealed reference; there is no
number and no name in it. Moments are seconds since the epoch.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    RowMapping,
    String,
    Table,
    delete,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from authz.errors import StoreUnavailable
from authz.references import References
from authz.store import Store, metadata
from catalogue.identifiers import SubjectKey

TOKEN_BYTES: Final = 32
LONGEST_LOGIN: Final = 600
"""Seconds that a login may take at the identity provider."""
_TOUCH_SECONDS: Final = 30
"""How exactly idleness is known: a page does not write each time it is read."""

web_session: Final = Table(
    "web_session",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("subject_ref", String(64)),
    Column("strong", Boolean, nullable=False),
    Column("authenticated_at", BigInteger, nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("state", JSON, nullable=False),
    Column("begun_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False, index=True),
)


@dataclass(frozen=True, slots=True)
class Session:
    """One browser, before or after its person logged in."""

    id: str
    """SHA-256 of what the cookie holds."""
    subject_ref: str | None
    """The pages' reference of the person; None while a login is under way."""
    strong: bool
    """Whether the provider says that the person logged in strongly."""
    authenticated_at: int
    csrf: str
    begun_at: int
    state: Mapping[str, Any]
    """What a login or a decision under way remembers: never a number, a name or a record."""

    def strong_within(self, seconds: int, now: float) -> bool:
        """Whether a strong login is recent enough (ruling 26)."""
        return self.strong and 0 <= now - self.authenticated_at <= seconds


@dataclass(frozen=True, slots=True)
class Login:
    """What the identity provider said about a person who logged in."""

    subject: SubjectKey
    strong: bool
    authenticated_at: int


class Sessions:
    """Begins, finds and ends sessions of one client's pages; `idle` and `longest` are seconds."""

    def __init__(
        self,
        store: Store,
        references: References,
        client_id: str,
        *,
        idle: int,
        longest: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._references = references
        self._client_id = client_id
        self._idle = idle
        self._longest = longest
        self._clock = clock

    @property
    def now(self) -> float:
        """The moment by this clock."""
        return self._clock()

    async def begin(self, state: Mapping[str, Any], replaces: Session | None = None) -> str:
        """A session for a login under way; returns what its cookie holds.

        A person who is logged in stays so while they log in more strongly.
        """
        kept = replaces if replaces and replaces.subject_ref else None
        return await self._put(
            replaces,
            subject_ref=kept.subject_ref if kept else None,
            strong=bool(kept and kept.strong),
            authenticated_at=kept.authenticated_at if kept else 0,
            state=dict(state),
            **({"begun_at": kept.begun_at} if kept else {}),
        )

    async def enter(self, session: Session, login: Login) -> str:
        """The person has logged in: a new session in place of the old one, against fixation."""
        reference = self._references.subject_ref(login.subject, self._client_id)
        return await self._put(
            session,
            subject_ref=reference,
            strong=login.strong,
            authenticated_at=login.authenticated_at,
            state=_without_attempt(session) if session.subject_ref else {},
        )

    def subject_of(self, session: Session) -> SubjectKey | None:
        """The person of a session; raises SubjectNotConfirmed for a reference of a key that is gone."""
        if session.subject_ref is None:
            return None
        return self._references.resolve(session.subject_ref, self._client_id)

    async def find(self, token: str) -> Session | None:
        """The session of a cookie, unless it is over."""
        now = int(self._clock())
        async with _available(), self._store.reading() as connection:
            query = select(web_session).where(web_session.c.id == _hashed(token))
            row = (await connection.execute(query)).mappings().first()
        if row is None or self._over(row, now):
            return None
        if now - row["seen_at"] >= _TOUCH_SECONDS:
            async with _available(), self._store.writing() as connection:
                seen = update(web_session).where(web_session.c.id == row["id"]).values(seen_at=now)
                await connection.execute(seen)
        return Session(
            row["id"],
            row["subject_ref"],
            row["strong"],
            row["authenticated_at"],
            row["csrf"],
            row["begun_at"],
            row["state"],
        )

    async def remember(self, session: Session, state: Mapping[str, Any]) -> None:
        """What the session is in the middle of; nothing of what it was before works twice."""
        async with _available(), self._store.writing() as connection:
            kept = update(web_session).where(web_session.c.id == session.id).values(state=dict(state))
            await connection.execute(kept)

    async def end(self, session: Session) -> None:
        """Sign out; the cookie opens nothing from now on, in every process."""
        async with _available(), self._store.writing() as connection:
            await connection.execute(delete(web_session).where(web_session.c.id == session.id))

    def _over(self, row: RowMapping, now: int) -> bool:
        idle = self._idle if row["subject_ref"] else LONGEST_LOGIN
        return bool(now - row["seen_at"] > idle or now - row["begun_at"] > self._longest)

    async def _put(self, replaces: Session | None, **columns: object) -> str:
        """Write a new row, forget the one it replaces and all that are over."""
        now, token = int(self._clock()), secrets.token_urlsafe(TOKEN_BYTES)
        row = {
            "id": _hashed(token),
            "csrf": secrets.token_urlsafe(TOKEN_BYTES),
            "begun_at": now,
            "seen_at": now,
            **columns,
        }
        over = or_(
            web_session.c.begun_at < now - self._longest,
            web_session.c.seen_at < now - max(self._idle, LONGEST_LOGIN),
        )
        async with _available(), self._store.writing() as connection:
            await connection.execute(delete(web_session).where(over))
            if replaces is not None:
                await connection.execute(delete(web_session).where(web_session.c.id == replaces.id))
            await connection.execute(insert(web_session).values(row))
        return token


@asynccontextmanager
async def _available() -> AsyncIterator[None]:
    """What goes wrong with the store, as the one error that pages know."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        raise StoreUnavailable from error


def _without_attempt(session: Session) -> dict[str, Any]:
    """A step-up ends a login under way, and not the decision it was made for."""
    return {name: value for name, value in session.state.items() if name != "attempt"}


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
