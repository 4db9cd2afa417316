"""Consent between a client and the person in front of the screen: for the authorization server and pages.

`check` when a client pushes its request, `ask` once the person has logged in, `shown` to lay
out the notice, `give` or `reject` with what was ticked. What comes back names the consent, and
is what the token is issued for. Every act goes through the register: the same rules, the
same audit, the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from authz.actors import Actor
from authz.audit import Query
from authz.clients import ClientRegister
from authz.consent import rar
from authz.consent.artefact import Confirmation, Item
from authz.consent.drafting import Choice
from authz.consent.notice import Notice
from authz.consent.notice_words import Language
from authz.consent.register import ConsentRegister, person_of
from authz.consent.representation import Caller
from authz.consent.rules import Code, ConsentRefused
from authz.consent.states import Act, State
from authz.consent.tables import Record
from authz.errors import SubjectNotConfirmed
from authz.references import References
from catalogue.identifiers import IdentifierError, SubjectKey
from catalogue.values import CHINA_TIME

_QUERY: Final = "authorize"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as a page shows it."""

    consent_id: str
    client_id: str
    state: State
    answer_by: datetime
    notice: Notice


@dataclass(frozen=True, slots=True)
class Given:
    """What was agreed."""

    consent_id: str
    authorization_details: list[dict[str, Any]]
    """For the token response and the token (RFC 9396 §7, §9.1)."""
    valid_until: datetime
    once: bool
    """One use only: no refresh token (ruling 21)."""


class ConsentDialogue:
    """Raises ConsentRefused for what may not be done, AccessDenied for who may not, AuditUnavailable."""

    def __init__(self, register: ConsentRegister, clients: ClientRegister, references: References) -> None:
        self._register = register
        self._references = references
        self._clients = clients

    def check(self, client_id: str, details: object) -> None:
        """Whether a client's `authorization_details` could be asked of anybody; nothing is recorded.

        Raises ConsentRefused: `invalid_authorization_details` (RFC 9396 §5).
        """
        asked = rar.requested(details)
        about = self._about(client_id, asked)
        self._register.check(self._client(client_id), asked.terms(), asked.valid_days, about)

    async def ask(self, client_id: str, details: object, person: Actor, request_id: str) -> Asked:
        """Put a client's request to the person who has logged in; the waiting one where they come again.

        Where it names another subject, it is about that one, and the person has to be confirmed as
        its legal representative or guardian: before it is made, and when they agree.
        """
        asked = rar.requested(details)
        caller = Caller(self._client(client_id), _query(request_id))
        about = self._about(client_id, asked) or person_of(person)
        record = await self._register.request(
            caller, asked.terms(), asked.valid_days, about, brought_by=person
        )
        return self._asked(record, Language.CHINESE)

    async def shown(
        self,
        person: Actor,
        consent_id: str,
        language: Language = Language.CHINESE,
        *,
        request_id: str = "",
    ) -> Asked:
        """The request again, in a language; raises ConsentRefused UNKNOWN for anybody else's."""
        return self._asked(await self._known(Caller(person, _query(request_id)), consent_id), language)

    async def give(
        self,
        person: Actor,
        consent_id: str,
        *,
        ticked: Mapping[str, Collection[str]],
        confirmed: Collection[Confirmation],
        notice_sha256: str,
        request_id: str,
    ) -> Given:
        """Agree to what was ticked: fields by record type, none for a type asked for at level BOOLEAN.

        AccessDenied STEP_UP_REQUIRED asks for a fresh strong login first.
        """
        caller = Caller(person, _query(request_id))
        record = await self._known(caller, consent_id)
        offers = {item.record_type: item for item in record.request.authorization_details}
        items = tuple(_ticked(offers, code, fields) for code, fields in ticked.items())
        choice = Choice(items, frozenset(confirmed), notice_sha256)
        made = await self._register.give(caller, consent_id, choice)
        artefact = made.artefact
        if artefact is None:
            raise LookupError("a consent that was just given has no artefact")
        return Given(made.id, rar.granted(made), artefact.validity.until, once=artefact.max_uses == 1)

    async def reject(self, person: Actor, consent_id: str, request_id: str) -> None:
        """Do not agree; nothing else changes for the person."""
        await self._register.change(Caller(person, _query(request_id)), consent_id, Act.REJECTED)

    def _about(self, client_id: str, asked: rar.ReadRequest) -> SubjectKey | None:
        """Whom the request names; None for the person who logs in. Raises ConsentRefused SHAPE."""
        try:
            if asked.subject_ref is not None:
                return self._references.resolve(asked.subject_ref, client_id)
            return SubjectKey.entity(asked.uscc) if asked.uscc is not None else None
        except (IdentifierError, SubjectNotConfirmed):
            raise ConsentRefused(Code.SHAPE, "No subject has this `subjectRef` or `uscc`.") from None

    async def _known(self, caller: Caller, consent_id: str) -> Record:
        person_of(caller.actor)
        record = await self._register.see(caller, consent_id)
        if record is None:
            raise ConsentRefused(Code.UNKNOWN, "You have no such consent.")
        return record

    def _asked(self, record: Record, language: Language) -> Asked:
        return Asked(
            consent_id=record.id,
            client_id=record.request.grantee.client_id,
            state=record.state(self._register.now),
            answer_by=record.request.answer_by,
            notice=self._register.notice(record, language),
        )

    def _client(self, client_id: str) -> Actor:
        """The registered client as the one that asks."""
        client = self._clients.active(client_id, self._register.now.astimezone(CHINA_TIME).date())
        return Actor(
            client.kind,
            client.client_id,
            organization=client.organization,
            organization_name=client.organization_name,
            scopes=client.scopes,
        )


def _ticked(offers: Mapping[str, Item], code: str, fields: Collection[str]) -> Item:
    """The offer, with only the ticked fields."""
    offer = offers.get(code)
    if offer is None or not set(fields) <= set(offer.named):
        raise ConsentRefused(Code.WIDENED, f"{code}: agree to what was asked, or to less.")
    return offer.model_copy(update={"named": tuple(name for name in offer.named if name in fields)})


def _query(request_id: str) -> Query:
    """How the log names the operation of a page, which has no document."""
    return Query(_QUERY, "", request_id)
