"""From a claim to a grant, and the counting of its uses.

A grant is made from a signed artefact in force, for the client it was given to. It opens
nothing by itself: `counting` runs in the intent's own transaction and says whether this use
is left, `holding` runs in the outcome's and says whether the consent still stands. Both see
every act that was committed before them, in whatever process, so a consent taken back stops
the next read at once, and an answer that is not yet out (ruling 19). A process that cannot
reach the store can write neither leaf, and answers nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from cachetools import LRUCache
from sqlalchemy import ScalarSelect, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.actors import Actor
from authz.audit import Within
from authz.consent import tables
from authz.consent.artefact import ConsentArtefact, Frequency, Item
from authz.consent.register import now_in_china, require_partner
from authz.consent.rules import still_relevant
from authz.consent.signing import Signer
from authz.consent.states import Act, Party, State, state_at
from authz.consent.tables import Record, consent, consent_use, millis
from authz.consent.token_scope import ReadGrant
from authz.errors import AccessDenied
from authz.grants import Consent
from authz.references import References
from authz.store import Store
from authz.wording import case_number, purpose_text
from catalogue.model import Catalogue
from catalogue.values import CHINA_TIME

SAME_USE: Final = timedelta(minutes=10)
"""How long operations with one idempotency key are one use (ruling 6)."""
_UNITS: Final = {"DAY": timedelta(days=1), "MONTH": timedelta(days=31), "YEAR": timedelta(days=366)}
_STANDING: Final = (State.ACTIVE, State.USED_UP)
"""A use that was the last one still has its answer and its pages."""
_REFUSALS: Final = {
    State.REQUESTED: ("CONSENT_NOT_ACTIVE", "The person has not agreed yet."),
    State.REJECTED: ("CONSENT_NOT_ACTIVE", "The person did not agree."),
    State.PAUSED: ("CONSENT_NOT_ACTIVE", "The person has paused the consent."),
    State.REVOKED: ("CONSENT_REVOKED", "The person has taken the consent back."),
    State.EXPIRED: ("CONSENT_EXPIRED", "The consent has run out. Ask for a new one."),
    State.USED_UP: ("CONSENT_USED_UP", "Every use of the consent has been made. Ask for a new one."),
}


@dataclass(frozen=True, slots=True)
class Claim:
    """What an operation says of the consent it stands on."""

    consent_id: str
    scenario: str | None
    case_no: str | None
    purpose: str
    idempotency_key: str | None


class ConsentUse:
    """The only maker of consent grants, and the counter of their uses."""

    def __init__(
        self,
        store: Store,
        references: References,
        signer: Signer,
        catalogue: Catalogue,
        *,
        clock: Callable[[], datetime] = now_in_china,
    ) -> None:
        self._store = store
        self._references = references
        self._signer = signer
        self._catalogue = catalogue
        self._clock = clock
        self._verified: LRUCache[tuple[bytes, str], ConsentArtefact] = LRUCache(1024)

    async def grant(self, actor: Actor, claim: Claim) -> Consent:
        """The grant of one operation; raises AccessDenied with a stable code.

        That the consent is another client's is not told apart from its not existing.
        """
        require_partner(actor)
        reach = actor.consent
        if reach is None or reach.consent_id != claim.consent_id:
            raise AccessDenied(
                "CONSENT_TOKEN",
                "The token is not for this consent. Request one whose `authorization_details` name it.",
            )
        async with tables.reading(self._store) as connection:
            record = await tables.load(connection, claim.consent_id)
        if record is None or record.request.grantee.client_id != actor.client_id:
            raise AccessDenied("CONSENT_UNKNOWN", "You have no such consent.")
        now = self._clock()
        artefact = self._artefact(record)
        state = state_at(record.stored_state, artefact.validity.until, now)
        if state not in _STANDING:
            raise _refused(state)
        if artefact.grantee.client_id != actor.client_id or artefact.consent_id != claim.consent_id:
            raise AccessDenied("CONSENT_UNKNOWN", "You have no such consent.")
        self._check_claim(artefact, claim)
        return Consent(
            actor=actor,
            artefact=artefact,
            items=self._items(reach, artefact, now.astimezone(CHINA_TIME).date()),
            subject=self._references.resolve(artefact.subject.subject_ref, actor.client_id),
            granted_at=now,
            use_key=_use_key(artefact.consent_id, claim.idempotency_key),
        )

    def _items(self, reach: ReadGrant, artefact: ConsentArtefact, today: date) -> dict[str, Item]:
        """What the token, the artefact and today's catalogue all allow."""
        scenario = artefact.purpose.scenario_code
        agreed = still_relevant(artefact.authorization_details, scenario, self._catalogue, today)
        return reach.narrows(agreed)

    async def in_force(self, consent_id: str) -> Record | None:
        """A consent that may be used now, whosever it is; raises AuditUnavailable."""
        async with tables.reading(self._store) as connection:
            record = await tables.load(connection, consent_id)
        return record if record is not None and record.state(self._clock()) is State.ACTIVE else None

    def _artefact(self, record: Record) -> ConsentArtefact:
        """What was agreed, once its signature has been found to hold."""
        if record.stored_state in (State.REQUESTED, State.REJECTED):
            raise _refused(record.stored_state)
        key = (record.payload or b"", record.signature or "")
        artefact = self._verified.get(key)
        if artefact is None:
            if not self._signer.holds(*key):
                raise AccessDenied("CONSENT_SIGNATURE", "The consent's signature does not hold.")
            artefact = self._verified[key] = ConsentArtefact.model_validate_json(key[0])
        return artefact

    def _check_claim(self, artefact: ConsentArtefact, claim: Claim) -> None:
        purpose_text(claim.purpose)
        if claim.scenario != artefact.purpose.scenario_code:
            raise AccessDenied("CONSENT_SCENARIO", "Give `access.scenario` as the person agreed to it.")
        if case_number(claim.case_no) != artefact.purpose.case_no:
            raise AccessDenied("CONSENT_CASE", "Give `access.caseNo` as the person agreed to it.")

    def counting(self, grant: Consent) -> Within:
        """Count the operation as a use, or as part of one; AccessDenied when none is left."""

        async def count(connection: AsyncConnection) -> None:
            now = self._clock()
            await _hold(connection, grant, now)
            if not await _same_use(connection, grant, now):
                await _count(connection, grant, now)

        return count

    def holding(self, grant: Consent) -> Within:
        """Look once more whether the consent stands, before the answer leaves; AccessDenied when not."""

        async def hold(connection: AsyncConnection) -> None:
            await _hold(connection, grant, self._clock())

        return hold


async def _hold(connection: AsyncConnection, grant: Consent, now: datetime) -> None:
    query = select(consent.c.state).where(consent.c.id == grant.artefact.consent_id)
    stored = (await connection.execute(query)).scalar_one_or_none()
    if stored is None:
        raise AccessDenied("CONSENT_UNKNOWN", "You have no such consent.")
    state = state_at(State(stored), grant.artefact.validity.until, now)
    if state not in _STANDING:
        raise _refused(state)


async def _same_use(connection: AsyncConnection, grant: Consent, now: datetime) -> bool:
    since = millis(now - SAME_USE)
    of_this = (
        consent_use.c.consent_id == grant.artefact.consent_id,
        consent_use.c.use_key == grant.use_key,
        consent_use.c.used_at > since,
    )
    return (await connection.execute(select(consent_use.c.number).where(*of_this))).first() is not None


async def _count(connection: AsyncConnection, grant: Consent, now: datetime) -> None:
    """One more use, if the artefact leaves one: one conditional statement."""
    artefact = grant.artefact
    allowed = [
        consent.c.id == artefact.consent_id,
        consent.c.state == State.ACTIVE,
        consent.c.uses < artefact.max_uses,
    ]
    if artefact.frequency is not None:
        allowed.append(_recent(artefact.consent_id, artefact.frequency, now) < artefact.frequency.value)
    counted = await connection.execute(
        update(consent).where(*allowed).values(uses=consent.c.uses + 1).returning(consent.c.uses)
    )
    uses = counted.scalar_one_or_none()
    if uses is None:
        raise await _none_left(connection, artefact)
    await connection.execute(
        insert(consent_use).values(
            consent_id=artefact.consent_id, number=uses, use_key=grant.use_key, used_at=millis(now)
        )
    )
    if uses == artefact.max_uses:
        await tables.move(connection, artefact.consent_id, Act.USED_UP, Party.GATEWAY, now)


def _recent(consent_id: str, frequency: Frequency, now: datetime) -> ScalarSelect[int]:
    """How many uses fall within the unit that ends now."""
    since = millis(now - _UNITS[frequency.unit])
    return (
        select(func.count())
        .where(consent_use.c.consent_id == consent_id, consent_use.c.used_at > since)
        .scalar_subquery()
    )


async def _none_left(connection: AsyncConnection, artefact: ConsentArtefact) -> AccessDenied:
    uses = select(consent.c.uses).where(consent.c.id == artefact.consent_id)
    if (await connection.execute(uses)).scalar_one() >= artefact.max_uses:
        return _refused(State.USED_UP)
    return AccessDenied("CONSENT_FREQUENCY", "The consent allows no further use so soon. Wait, then retry.")


def _refused(state: State) -> AccessDenied:
    return AccessDenied(*_REFUSALS[state])


def _use_key(consent_id: str, idempotency_key: str | None) -> str:
    """A hash, for a caller may have put anything into its key; random where none was given."""
    text = idempotency_key or secrets.token_hex(16)
    return hashlib.sha256(f"{consent_id} {text}".encode()).hexdigest()
