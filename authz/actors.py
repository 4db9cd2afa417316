"""Who asks. An actor is what a verified token says; nothing else is believed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from authz.consent.token_scope import ReadGrant
from catalogue.identifiers import SubjectKey


class ActorKind(StrEnum):
    """The kinds of party that may ask; no kind both grants and uses a mandate."""

    ANONYMOUS = "ANONYMOUS"
    PERSON = "PERSON"
    OFFICER = "OFFICER"
    PARTNER = "PARTNER"
    OPERATOR = "OPERATOR"
    AUDITOR = "AUDITOR"
    STEWARD = "STEWARD"
    PEER = "PEER"


@dataclass(frozen=True, slots=True)
class Actor:
    """A verified party: the client, its organization, and the human behind it."""

    kind: ActorKind
    client_id: str
    organization: str = ""
    """USCC of the organization."""
    organization_name: str = ""
    operator: str = ""
    """Staff reference of the officer, as the client's own issuer claims it; never a name."""
    vouched: bool = False
    """Whether an issuer registered for the client signed who the operator is."""
    own_subject: SubjectKey | None = None
    """The operator's own person, where the client's issuer told; nobody reads it through a mandate."""
    subject: SubjectKey | None = None
    """The person themself, for PERSON."""
    step_up: bool = False
    """A fresh strong login: what unmasked self view needs (ruling 26)."""
    scopes: frozenset[str] = frozenset()
    department: str = ""
    """Code of the department whose records it answers for, for STEWARD."""
    consent: ReadGrant | None = None
    """The one consent the token was issued for, and how far it reaches (ruling 18)."""

    @property
    def staff(self) -> str:
        """Who the operator is, however their client spells the reference: what counts and locks go by."""
        return self.operator.casefold()


ANONYMOUS = Actor(ActorKind.ANONYMOUS, client_id="anonymous")
