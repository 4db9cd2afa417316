"""A department says that one of its lists has changed, and the authorities that use it are told.

Which list, and nothing of whom it holds. Nothing here looks at a department: its steward says so.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from authz import outbox
from authz.actors import Actor, ActorKind
from authz.audit import AuditLog, ListAct, Query
from authz.clients import ClientRegister
from authz.errors import AccessDenied
from authz.moments import millis, now_in_china
from authz.outbox import Notice, NoticeKind, Recipient, RecipientKind
from authz.register.live import LiveRegister
from catalogue.model import Catalogue

APART: Final = timedelta(minutes=10)
"""A list is announced once in each: whoever is told looks at it anew, and finds all of it."""


class Lists:
    """Raises AccessDenied and AuditUnavailable."""

    def __init__(
        self,
        audit: AuditLog,
        register: LiveRegister,
        clients: ClientRegister,
        catalogue: Catalogue,
        *,
        clock: Callable[[], datetime] = now_in_china,
    ) -> None:
        self._audit = audit
        self._register = register
        self._clients = clients
        self._catalogue = catalogue
        self._clock = clock

    async def announce(self, actor: Actor, query: Query, code: str) -> int:
        """Tell the users of a list that it has changed; how many clients. LIST_UNKNOWN, LIST_TOO_SOON."""
        entry = self._catalogue.record_types.get(code)
        if actor.kind is not ActorKind.STEWARD or entry is None or entry.department != actor.department:
            raise AccessDenied(
                "LIST_UNKNOWN", "Your department answers for no such list. Name one of its own."
            )
        now, pointer = self._clock(), f"rt_{code}"
        users = await self._users(code, now)

        async def tell(connection: AsyncConnection) -> None:
            column = outbox.outbox.c
            lately = select(func.count()).where(
                column.pointer == pointer, column.created_at > millis(now - APART)
            )
            if (await connection.execute(lately)).scalar_one():
                raise AccessDenied(
                    "LIST_TOO_SOON", "Its users were told within ten minutes. Tell them later."
                )
            told = (Recipient(RecipientKind.CLIENT, client) for client in users)
            notices = (Notice(one, NoticeKind.LIST_CHANGED, pointer, now) for one in told)
            await outbox.within(connection, *notices)

        await self._audit.list_change(ListAct(code, len(users), actor, query), tell)
        return len(users)

    async def _users(self, code: str, now: datetime) -> list[str]:
        """Approval systems of authorities that have a mandate in force on the type."""
        today, register = now.date(), await self._register.current()
        authorities = {
            mandate.authority
            for mandate in register.mandates
            if code in mandate.record_types
            and not mandate.stopped
            and mandate.valid_from <= today <= mandate.valid_until
        }
        return sorted(
            client.client_id
            for client in self._clients.clients.values()
            if client.kind is ActorKind.OFFICER and client.organization in authorities
        )
