"""Consent as OAuth carries it: rich authorization requests (RFC 9396) of type `credit_record_read`.

A client asks with one detail that holds the whole request. What was agreed comes back in the
token response with the consent's id (§7.1), and stands in the access token, which narrows
what may be read under it: the consent's id, and where given the items (§9.1).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from authz.consent.artefact import (
    ConsentId,
    DataLife,
    FetchType,
    Frequency,
    Item,
    Mode,
    Part,
    Reason,
)
from authz.consent.drafting import checked
from authz.consent.rules import Code, ConsentRefused
from authz.consent.tables import Record
from authz.consent.token_scope import TYPE, ReadGrant


class ReadRequest(Part):
    """What a client asks a person for; members as in the mutation `requestConsent`."""

    type: Literal["credit_record_read"]
    scenario: str
    reason: Reason
    purpose: str
    case_no: str
    items: tuple[Item, ...] = Field(min_length=1, max_length=60)
    valid_days: Annotated[int, Field(ge=1)]
    data_life: DataLife
    mode: Mode = Mode.CHECK
    fetch_type: FetchType = FetchType.ONETIME
    frequency: Frequency | None = None
    max_uses: int = 1
    parent_id: ConsentId | None = None
    subject_ref: str | None = None
    """The client's own reference of a child or an enterprise that the person agrees for."""
    uscc: str | None = None
    """Or the code of that enterprise. Without either, it is about the person who logs in."""

    @model_validator(mode="after")
    def _one_subject(self) -> Self:
        if self.subject_ref is not None and self.uscc is not None:
            raise ValueError("name one subject")
        return self

    def terms(self) -> dict[str, object]:
        """As `ConsentRegister.request` takes them."""
        return {
            "parent_consent_id": self.parent_id,
            "purpose": {
                "scenario_code": self.scenario,
                "reason_code": self.reason,
                "text": self.purpose,
                "case_no": self.case_no,
            },
            "authorization_details": self.items,
            "mode": self.mode,
            "fetch_type": self.fetch_type,
            "frequency": self.frequency,
            "max_uses": self.max_uses,
            "data_life": self.data_life,
        }


def requested(details: object) -> ReadRequest:
    """The one detail of an `authorization_details` parameter; raises ConsentRefused SHAPE.

    The refusal is RFC 9396 §5's `invalid_authorization_details`; it never shows what was sent.
    """
    if not isinstance(details, list) or len(details) != 1:
        raise ConsentRefused(Code.SHAPE, f"Send a list of one authorization detail of type {TYPE}.")
    return checked(lambda: ReadRequest.model_validate(details[0]))


def granted(record: Record) -> list[dict[str, Any]]:
    """The `authorization_details` of a token response and of its token; raises LookupError before consent."""
    artefact = record.artefact
    if artefact is None:
        raise LookupError("nothing was agreed to yet")
    grant = ReadGrant(type="credit_record_read", consent_id=record.id, items=artefact.authorization_details)
    return [grant.model_dump(mode="json", by_alias=True, exclude_none=True)]
