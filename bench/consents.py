"""Consents in force, as persons gave them at a bank: one use each, as the scenario of a loan allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from authz.actors import Actor, ActorKind
from authz.consent import tables
from authz.consent.artefact import ConsentArtefact, ConsentRequest, Level
from authz.consent.drafting import Choice, draft_artefact, draft_request, draft_subject
from authz.consent.notice import notice_of
from authz.consent.rules import needed
from authz.consent.signing import canonical_bytes
from authz.consent.states import Act, Party
from authz.consent.token_scope import TYPE, of_token
from authz.consent.use import Claim, ConsentUse
from authz.grants import Consent
from authz.store import Store
from catalogue.identifiers import SubjectKey, SubjectKind
from gateway.deployment import Deployment

BANK: Final = "bench-bank"
SCENARIO: Final = "S17"
VALID_DAYS: Final = 7
_CASE: Final = "BENCH-LN-0001"
_TEXT: Final = "用于审查本人提交的经营贷款申请"


async def consented(
    gateway: Deployment, store: Store, use: ConsentUse, persons: Sequence[SubjectKey], now: datetime
) -> list[Consent]:
    """The grants of a bank to which each of these persons gave a consent."""
    given = [_given(gateway, key, now) for key in persons]

    def keep(connection: Connection) -> None:
        for key, (request, artefact) in zip(persons, given, strict=True):
            _keep(gateway, connection, key, request, artefact)

    await store.write(keep)
    bank = gateway.clients.active(BANK, now.date())
    actor = Actor(ActorKind.PARTNER, BANK, bank.organization, bank.organization_name)

    async def grant(consent_id: str) -> Consent:
        reach = of_token([{"type": TYPE, "consentId": consent_id}])
        claim = Claim(consent_id, SCENARIO, _CASE, _TEXT, None)
        return await use.grant(replace(actor, consent=reach), claim)

    return [await grant(request.consent_id) for request, _ in given]


def _given(gateway: Deployment, key: SubjectKey, now: datetime) -> tuple[ConsentRequest, ConsentArtefact]:
    catalogue, bank = gateway.catalogue, gateway.clients.active(BANK, now.date())
    reference = gateway.references.subject_ref(key, BANK)
    request = draft_request(_terms(gateway), VALID_DAYS, bank, reference, None, now)
    items, notice = request.authorization_details, notice_of(request, catalogue)
    choice = Choice(None, needed(items, catalogue, None), notice.sha256)
    person = Actor(ActorKind.PERSON, "citizen-app", subject=key, step_up=True)
    subject = draft_subject(request, key, person, None, gateway.references, now)
    return request, draft_artefact(request, items, choice, notice, subject, catalogue, gateway.locality.code)


def _keep(
    gateway: Deployment,
    connection: Connection,
    key: SubjectKey,
    request: ConsentRequest,
    artefact: ConsentArtefact,
) -> None:
    """As the register does, without a leaf of the log for each."""
    payload, now = canonical_bytes(artefact), artefact.created_at
    tables.add(connection, request, canonical_bytes(request), gateway.references.audit_ref(key), now)
    signed = {
        "artefact": payload,
        "signature": gateway.signer.sign(payload),
        "receipt": gateway.signer.receipt(artefact, payload, now),
    }
    tables.move(connection, request.consent_id, Act.GIVEN, Party.SUBJECT, now, signed)


def _terms(gateway: Deployment) -> dict[str, object]:
    """Whatever of a person the scenario may ask for, masked."""
    relevant = gateway.catalogue.scenarios[SCENARIO].relevance
    types = gateway.catalogue.record_types
    items = [
        {"record_type": each.record_type, "named": each.fields, "level": Level.MASKED}
        for each in relevant
        if SubjectKind.NATURAL_PERSON in types[each.record_type].subjects and each.fields
    ]
    return {
        "purpose": {
            "scenario_code": SCENARIO,
            "reason_code": "LOAN_APPROVAL",
            "text": _TEXT,
            "case_no": _CASE,
        },
        "authorization_details": items,
        "data_life": {"unit": "DAY", "value": 30},
    }
