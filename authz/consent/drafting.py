"""From what a partner sends to a request, and from a request and a person's choice to the artefact."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from pydantic import ValidationError

from authz.actors import Actor
from authz.clients import Client
from authz.consent.artefact import (
    ANSWER_WITHIN,
    Capacity,
    Confirmation,
    ConsentArtefact,
    ConsentRequest,
    Grantee,
    Item,
    Legal,
    Provider,
    Representative,
    ShownNotice,
    Subject,
    Terms,
    Validity,
    Verification,
)
from authz.consent.notice import VERSION, Notice
from authz.consent.rules import Code, ConsentRefused, age_band
from authz.ids import new_id
from authz.references import References
from catalogue.identifiers import SubjectKey, SubjectKind
from catalogue.model import Catalogue
from catalogue.values import CHINA_TIME

ARTICLES: Final = (
    "个人信息保护法第13条",
    "个人信息保护法第14条",
    "个人信息保护法第23条",
    "征信业管理条例第18条",
)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the person ticked of a request."""

    items: tuple[Item, ...] | None
    """None is everything that was asked for."""
    confirmed: frozenset[Confirmation]
    notice_sha256: str
    """Of the notice that was shown."""


def draft_request(
    terms: Mapping[str, object],
    valid_days: int,
    client: Client,
    subject_ref: str,
    capacity: Capacity | None,
    now: datetime,
) -> ConsentRequest:
    """The request of a registered client; raises ConsentRefused SHAPE."""
    made: dict[str, object] = {
        "consent_id": new_id("ca"),
        "subject_ref": subject_ref,
        "capacity": capacity,
        "grantee": Grantee(
            client_id=client.client_id,
            name=client.organization_name,
            uscc=client.organization,
            contact=client.contact,
        ),
        "valid_days": valid_days,
        "requested_at": now,
        "answer_by": now + ANSWER_WITHIN,
    }
    with_terms = {**terms, **made}
    return checked(lambda: ConsentRequest.model_validate(with_terms))


def draft_subject(
    request: ConsentRequest,
    subject: SubjectKey,
    actor: Actor,
    confirmed_by: str | None,
    references: References,
    now: datetime,
) -> Subject:
    """About whom a consent is and who agreed; `confirmed_by` is the department that let another agree."""
    person = subject.subject_kind is SubjectKind.NATURAL_PERSON
    representative = None
    if request.capacity is not None and confirmed_by is not None and actor.subject is not None:
        representative = Representative(
            capacity=request.capacity,
            subject_ref=references.subject_ref(actor.subject, request.grantee.client_id),
            confirmed_by=confirmed_by,
        )
    return Subject(
        kind=SubjectKind.NATURAL_PERSON if person else SubjectKind.ENTERPRISE,
        subject_ref=request.subject_ref,
        verified_by=Verification(client_id=actor.client_id, at=now),
        age_band=age_band(subject, now.astimezone(CHINA_TIME).date()) if person else None,
        representative=representative,
    )


def draft_artefact(
    request: ConsentRequest,
    items: tuple[Item, ...],
    choice: Choice,
    shown: Notice,
    subject: Subject,
    catalogue: Catalogue,
    locality: str,
) -> ConsentArtefact:
    """What the person agreed to, from this moment on."""
    now = subject.verified_by.at
    terms = {name: getattr(request, name) for name in Terms.model_fields}
    departments = dict.fromkeys(catalogue.record_types[item.record_type].department for item in items)
    return ConsentArtefact(
        **(terms | {"authorization_details": items}),
        consent_id=request.consent_id,
        created_at=now,
        subject=subject,
        grantee=request.grantee,
        providers=tuple(
            Provider(dept_code=code, dept_name=catalogue.departments[code].name.zh) for code in departments
        ),
        notice=ShownNotice(
            notice_id=shown.template,
            version=VERSION,
            sha256=shown.sha256,
            lang=shown.language.value,
            confirmed_at=now,
            items_confirmed=tuple(sorted(choice.confirmed)),
        ),
        legal=Legal(articles=ARTICLES, locality_profile=locality),
        validity=Validity.model_validate({"from": now, "until": now + timedelta(days=request.valid_days)}),
    )


def draft_item(raw: Mapping[str, object]) -> Item:
    """One ticked item; raises ConsentRefused SHAPE."""
    return checked(lambda: Item.model_validate(raw))


_Made = TypeVar("_Made")


def checked(make: Callable[[], _Made]) -> _Made:
    """What is made, or a refusal SHAPE that says where it is wrong and never shows what was sent."""
    try:
        return make()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConsentRefused(Code.SHAPE, f"{place}: {first['msg']}" if place else first["msg"]) from None
