"""What every read and every refusal passes: quota, lock-outs and the sequence detector.

Each change rides in the transaction of the audit event that it belongs to, so it costs no
commit of its own, holds over all processes on the store, and never exists without its event.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.actors import Actor, ActorKind
from authz.audit import Within
from authz.audit.tables import audit_leaf
from authz.clients import ClientRegister
from authz.grants import Grant, SelfAccess
from authz.references import References
from authz.review import items, lockouts, sequences
from authz.review.events import use_of
from authz.review.items import ALARM_DAYS, EVIDENCE, Item, ItemKind
from authz.review.lockouts import Cause
from authz.review.quota import Counted, spend
from authz.review.terms import SEQUENTIAL_IDS, UseTerms
from catalogue.identifiers import SubjectKey
from catalogue.values import CHINA_TIME

_LOOKED_BACK = 1_000
"""Events of all clients, in which the evidence of a suspension is looked for."""


class UseGuard:
    """Makes the changes that go with intents, outcomes and refusals."""

    def __init__(
        self, clients: ClientRegister, references: References, clock: Callable[[], datetime] | None = None
    ) -> None:
        self._clients = clients
        self._references = references
        self._clock = clock or _now

    def entering(self, grant: Grant, key: SubjectKey | None) -> Within:
        """With an intent: one subject of the quota; refuses with ClientLocked or QuotaExceeded."""
        actor, person = grant.actor, ""
        if isinstance(grant, SelfAccess):
            person = self._references.audit_ref(grant.subject)

        async def enter(connection: AsyncConnection) -> None:
            quota = self._terms(actor).subjects
            named = {"operator": actor.staff, "person": person}
            await spend(connection, Counted.SUBJECT, actor.client_id, quota, self._clock(), **named)
            if not person:
                await self._follow(connection, actor, key)

        return enter

    def refused(self, actor: Actor, key: SubjectKey | None, code: str) -> Within:
        """With a refusal: one of the quota of denials, beyond which it is not an event of its own."""

        async def refuse(connection: AsyncConnection) -> None:
            now, terms = self._clock(), self._terms(actor)
            person = self._references.audit_ref(actor.subject) if actor.subject else ""
            await spend(connection, Counted.DENIAL, actor.client_id, terms.denials, now, person=person)
            if actor.kind is ActorKind.PERSON:
                return
            await self._follow(connection, actor, key)
            if code == "SUBJECT_NOT_CONFIRMED":
                await self._fail(connection, actor, None)

        return refuse

    def unconfirmed(self, actor: Actor, intent_index: int) -> Within:
        """With the outcome of a subject that could not be confirmed."""

        async def fail(connection: AsyncConnection) -> None:
            await self._fail(connection, actor, intent_index)

        return fail

    async def _follow(self, connection: AsyncConnection, actor: Actor, key: SubjectKey | None) -> None:
        if key is None:
            return
        now = self._clock()
        length = await sequences.run_length(connection, self._references, actor.client_id, key, now)
        if length >= SEQUENTIAL_IDS:
            evidence = await _recent(connection, actor.client_id)
            await self._lock(connection, actor, "", Cause.SEQUENTIAL_IDS, (length, evidence))

    async def _fail(self, connection: AsyncConnection, actor: Actor, index: int | None) -> None:
        terms, now = self._terms(actor).lockout, self._clock()
        await lockouts.fail(connection, actor.client_id, actor.staff, index, now)
        own = await lockouts.failures(connection, actor.client_id, actor.staff, terms, now)
        if own[0] >= terms.operator_failures:
            await self._lock(connection, actor, actor.staff, Cause.FAILED_CONFIRMATIONS, own)
        everybodys = await lockouts.failures(connection, actor.client_id, None, terms, now)
        if everybodys[0] >= terms.client_failures:
            await self._lock(connection, actor, "", Cause.FAILED_CONFIRMATIONS, everybodys)

    async def _lock(
        self,
        connection: AsyncConnection,
        actor: Actor,
        operator: str,
        cause: Cause,
        found: tuple[int, list[int]],
    ) -> None:
        now, lasts = self._clock(), self._terms(actor).lockout.lasts_minutes
        passing = cause is Cause.FAILED_CONFIRMATIONS and lasts is not None
        until = now + timedelta(minutes=lasts) if passing and lasts else None
        lock_id = await lockouts.lock(connection, actor.client_id, operator, cause, now, until)
        if lock_id is None:
            return
        number, evidence = found
        alarm = Item(
            id=lock_id.replace("lk_", "al_"),
            kind=ItemKind(cause),
            period=f"{now.astimezone(CHINA_TIME):%Y-%m-%dT%H}",
            client_id=actor.client_id,
            organization=actor.organization,
            operator=operator,
            number=number,
            evidence=tuple(evidence),
            made_at=now,
            due_at=items.due(now, ALARM_DAYS),
            announced=False,
        )
        await items.put(connection, alarm)

    def _terms(self, actor: Actor) -> UseTerms:
        return self._clients.clients[actor.client_id].use


async def _recent(connection: AsyncConnection, client_id: str) -> list[int]:
    """The client's newest reads, in the order they were written."""
    column = audit_leaf.c.leaf_index
    query = select(column, audit_leaf.c.payload).order_by(column.desc()).limit(_LOOKED_BACK)
    rows = (await connection.execute(query)).all()
    uses = ((int(row.leaf_index), use_of(row.payload)) for row in rows)
    found = [index for index, use in uses if use and use.client_id == client_id and not use.denied]
    return sorted(found[:EVIDENCE])


def _now() -> datetime:
    return datetime.now(CHINA_TIME)
