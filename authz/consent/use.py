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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from cachetools import LRUCache
from sqlalchemy import Connection, bindparam, insert, select, update

from authz.actors import Actor
from authz.audit import Entry, Ledger
from authz.consent import tables
from authz.consent.artefact import ConsentArtefact, Frequency, Item
from authz.consent.register import require_partner
from authz.consent.rules import still_relevant
from authz.consent.signing import Signer
from authz.consent.states import Act, Party, State, state_at
from authz.consent.tables import Agreed, Event, Record, consent, consent_use
from authz.consent.token_scope import ReadGrant
from authz.errors import AccessDenied
from authz.given import given
from authz.grants import Consent
from authz.moments import millis, now_in_china
from authz.prepared import Prepared
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
_CONSENTS: Final = Prepared(
    select(consent.c.id, consent.c.state, consent.c.uses).where(consent.c.id.in_(given("ids")))
)
_RECENT: Final = Prepared(
    select(consent_use.c.consent_id, consent_use.c.use_key, consent_use.c.used_at).where(
        consent_use.c.consent_id.in_(given("ids")),
        consent_use.c.used_at > bindparam("since"),
    )
)
_COUNT: Final = Prepared(
    update(consent)
    .where(consent.c.id == bindparam("counted"))
    .values(uses=bindparam("so_often"), state=bindparam("became"))
)
_NOTE: Final = Prepared(insert(consent_use))
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
        agreed = await tables.agreed(self._store, claim.consent_id)
        if agreed is None or agreed.client_id != actor.client_id:
            raise AccessDenied("CONSENT_UNKNOWN", "You have no such consent.")
        now = self._clock()
        artefact = self._artefact(agreed)
        state = state_at(agreed.stored_state, artefact.validity.until, now)
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

    def _artefact(self, agreed: Agreed) -> ConsentArtefact:
        """What was agreed, once its signature has been found to hold."""
        if agreed.stored_state in (State.REQUESTED, State.REJECTED):
            raise _refused(agreed.stored_state)
        key = (agreed.payload or b"", agreed.signature or "")
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

    def counting(self, grant: Consent) -> Entry:
        """With an intent: the operation is a use, or part of one; refused when none is left."""
        return _Use(grant, self._clock(), counts=True)

    def holding(self, grant: Consent) -> Entry:
        """With an outcome: looks once more whether the consent stands; refused when not."""
        return _Use(grant, self._clock(), counts=False)


class _Uses(Ledger["_Use"]):
    """The state of the consents of a batch, and their recent uses."""

    def __init__(self, connection: Connection, entries: Sequence[_Use]) -> None:
        self._connection = connection
        found = _CONSENTS.all(connection, ids={(entry.id,) for entry in entries})
        self._state = {row.id: (State(row.state), row.uses) for row in found}
        self._used: dict[str, list[tuple[str, int]]] = {}
        self._new: list[dict[str, object]] = []
        self._used_up: list[_Use] = []
        counting = [entry for entry in entries if entry.counts]
        if counting:
            ids = {(entry.id,) for entry in counting}
            since = millis(min(entry.at - entry.looked_back for entry in counting))
            for row in _RECENT.all(connection, ids=ids, since=since):
                self._used.setdefault(row.consent_id, []).append((row.use_key, row.used_at))

    def check(self, entry: _Use) -> None:
        stored, uses = self._state.get(entry.id, (None, 0))
        artefact = entry.grant.artefact
        if stored is None:
            raise AccessDenied("CONSENT_UNKNOWN", "You have no such consent.")
        state = state_at(stored, artefact.validity.until, entry.at)
        if state not in _STANDING:
            raise _refused(state)
        if not entry.counts or self._is_same_use(entry):
            return
        if stored is not State.ACTIVE or uses >= artefact.max_uses:
            raise _refused(State.USED_UP)
        if artefact.frequency and self._recent(entry, artefact.frequency) >= artefact.frequency.value:
            raise AccessDenied(
                "CONSENT_FREQUENCY", "The consent allows no further use so soon. Wait, then retry."
            )

    def enter(self, entry: _Use) -> None:
        if not entry.counts or self._is_same_use(entry):
            return
        number, at, key = self._state[entry.id][1] + 1, millis(entry.at), entry.grant.use_key
        last = number == entry.grant.artefact.max_uses
        self._state[entry.id] = State.USED_UP if last else State.ACTIVE, number
        self._used.setdefault(entry.id, []).append((key, at))
        self._new.append({"consent_id": entry.id, "number": number, "use_key": key, "used_at": at})
        if last:
            self._used_up.append(entry)

    def close(self) -> None:
        if not self._new:
            return
        counted = ((name, *self._state[name]) for name in {str(row["consent_id"]) for row in self._new})
        rows = [{"counted": name, "so_often": uses, "became": state} for name, state, uses in counted]
        _COUNT.run(self._connection, rows)
        _NOTE.run(self._connection, self._new)
        if self._used_up:
            gateway = Act.USED_UP, State.USED_UP, Party.GATEWAY
            tables.note(self._connection, *((one.id, Event(*gateway, one.at)) for one in self._used_up))

    def _is_same_use(self, entry: _Use) -> bool:
        since, key = millis(entry.at - SAME_USE), entry.grant.use_key
        return any(used == key and at > since for used, at in self._used.get(entry.id, ()))

    def _recent(self, entry: _Use, frequency: Frequency) -> int:
        """How many uses fall within the unit that ends now."""
        since = millis(entry.at - _UNITS[frequency.unit])
        return sum(at > since for _, at in self._used.get(entry.id, ()))


@dataclass(frozen=True, slots=True)
class _Use(Entry):
    """An operation stands on a consent, and may be a use of it."""

    grant: Consent
    at: datetime
    counts: bool

    ledger = _Uses

    @property
    def id(self) -> str:
        return self.grant.artefact.consent_id

    @property
    def looked_back(self) -> timedelta:
        """How far the uses reach that decide on this one."""
        frequency = self.grant.artefact.frequency
        return _UNITS[frequency.unit] if frequency else SAME_USE


def _refused(state: State) -> AccessDenied:
    return AccessDenied(*_REFUSALS[state])


def _use_key(consent_id: str, idempotency_key: str | None) -> str:
    """A hash, for a caller may have put anything into its key; random where none was given."""
    text = idempotency_key or secrets.token_hex(16)
    return hashlib.sha256(f"{consent_id} {text}".encode()).hexdigest()
