"""What every read and every refusal passes: quota, lock-outs and the sequence detector.

Each is counted in the transaction of the audit event that it belongs to, so it costs no
commit of its own, holds over all processes on the store, and never exists without its event.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from authz.actors import Actor, ActorKind
from authz.audit import Entry, Ledger
from authz.audit.tables import audit_leaf
from authz.clients import ClientRegister
from authz.grants import Grant, SelfAccess
from authz.references import References
from authz.review import items, lockouts
from authz.review.events import use_of
from authz.review.items import ALARM_DAYS, EVIDENCE, Item, ItemKind
from authz.review.lockouts import Cause, Locks
from authz.review.quota import Account, Accounts, Counted
from authz.review.sequences import Runs, Traces, traces_of
from authz.review.terms import SEQUENTIAL_IDS, UseTerms
from catalogue.identifiers import SubjectKey
from catalogue.values import CHINA_TIME

_LOOKED_BACK = 1_000
"""Events of all clients, in which the evidence of a suspension is looked for."""


class UseGuard:
    """Says what is counted with intents, outcomes and refusals."""

    def __init__(
        self, clients: ClientRegister, references: References, clock: Callable[[], datetime] | None = None
    ) -> None:
        self._clients = clients
        self._references = references
        self._clock = clock or _now

    def entering(self, grant: Grant, key: SubjectKey | None) -> Entry:
        """With an intent: one subject of the quota; refused with ClientLocked or QuotaExceeded."""
        own = grant.actor.subject if isinstance(grant, SelfAccess) else None
        return self._use(grant.actor, Counted.SUBJECT, own, None if own else key)

    def refused(self, actor: Actor, key: SubjectKey | None, code: str) -> Entry:
        """With a refusal: one of the quota of denials, beyond which it is not an event of its own."""
        person = actor.kind is ActorKind.PERSON
        failed = not person and code == "SUBJECT_NOT_CONFIRMED"
        return self._use(actor, Counted.DENIAL, actor.subject, None if person else key, failed=failed)

    def unconfirmed(self, actor: Actor, intent_index: int) -> Entry:
        """With the outcome of a subject that could not be confirmed."""
        return _Use(actor, self._terms(actor), self._clock(), failed=True, intent_index=intent_index)

    def _use(
        self, actor: Actor, what: Counted, own: SubjectKey | None, key: SubjectKey | None, **failed: bool
    ) -> Entry:
        person = self._references.audit_ref(own) if own else ""
        account = Account(actor.client_id, person, what)
        traces = traces_of(self._references, actor.client_id, key)
        return _Use(actor, self._terms(actor), self._clock(), account, traces, **failed)

    def _terms(self, actor: Actor) -> UseTerms:
        return self._clients.clients[actor.client_id].use


class _Uses(Ledger["_Use"]):
    """Quotas, locks and sequences of the clients of a batch."""

    def __init__(self, connection: Connection, entries: Sequence[_Use]) -> None:
        self._connection = connection
        self._now = now = max(entry.at for entry in entries)
        self._accounts = Accounts(connection, (entry.account for entry in entries if entry.account), now)
        self._locks = Locks(connection, {entry.actor.client_id for entry in entries}, now)
        self._runs = Runs(connection, [entry.traces for entry in entries if entry.traces], now)

    def check(self, entry: _Use) -> None:
        account, quota = entry.account, entry.terms.denials
        if account is None:
            return
        if account.what is Counted.SUBJECT:
            self._locks.check(account.client_id, entry.actor.staff)
            quota = entry.terms.subjects
        self._accounts.check(account, quota)

    def enter(self, entry: _Use) -> None:
        if entry.account:
            self._accounts.count(entry.account)
        if entry.traces:
            self._follow(entry, self._runs.length(entry.traces))
        if entry.failed:
            self._fail(entry)

    def close(self) -> None:
        self._accounts.write()
        self._runs.write()

    def _follow(self, entry: _Use, length: int) -> None:
        if length >= SEQUENTIAL_IDS:
            evidence = _recent(self._connection, entry.actor.client_id)
            self._lock(entry, "", Cause.SEQUENTIAL_IDS, (length, evidence))

    def _fail(self, entry: _Use) -> None:
        client_id, staff, terms = entry.actor.client_id, entry.actor.staff, entry.terms.lockout
        lockouts.fail(self._connection, client_id, staff, entry.intent_index, self._now)
        own = lockouts.failures(self._connection, client_id, staff, terms, self._now)
        if own[0] >= terms.operator_failures:
            self._lock(entry, staff, Cause.FAILED_CONFIRMATIONS, own)
        everybodys = lockouts.failures(self._connection, client_id, None, terms, self._now)
        if everybodys[0] >= terms.client_failures:
            self._lock(entry, "", Cause.FAILED_CONFIRMATIONS, everybodys)

    def _lock(self, entry: _Use, operator: str, cause: Cause, found: tuple[int, list[int]]) -> None:
        actor, now, lasts = entry.actor, self._now, entry.terms.lockout.lasts_minutes
        passing = cause is Cause.FAILED_CONFIRMATIONS and lasts is not None
        until = now + timedelta(minutes=lasts) if passing and lasts else None
        lock_id = self._locks.lock(actor.client_id, operator, cause, until)
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
        items.put(self._connection, alarm)


@dataclass(frozen=True, slots=True)
class _Use(Entry):
    """What a client did: used a quota, asked about a place, had a subject wrong."""

    actor: Actor
    terms: UseTerms
    at: datetime
    account: Account | None = None
    traces: Traces | None = None
    failed: bool = False
    intent_index: int | None = None

    ledger = _Uses


def _recent(connection: Connection, client_id: str) -> list[int]:
    """The client's newest reads, in the order they were written."""
    column = audit_leaf.c.leaf_index
    query = select(column, audit_leaf.c.payload).order_by(column.desc()).limit(_LOOKED_BACK)
    rows = connection.execute(query).all()
    uses = ((int(row.leaf_index), use_of(row.payload)) for row in rows)
    found = [index for index, use in uses if use and use.client_id == client_id and not use.denied]
    return sorted(found[:EVIDENCE])


def _now() -> datetime:
    return datetime.now(CHINA_TIME)
