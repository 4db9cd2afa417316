"""What an access token says of consent: which one it was issued for, and how far it reaches (ruling 18)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from authz.consent.artefact import ConsentId, Item, Part
from authz.consent.rules import intersection

TYPE: Final = "credit_record_read"
"""The type of our authorization details (RFC 9396 §2)."""


class ReadGrant(Part):
    """What a token says of the consent it was issued for."""

    type: Literal["credit_record_read"]
    consent_id: ConsentId
    items: tuple[Item, ...] | None = None
    """What the token is for, of what was agreed; all of it where absent."""

    def narrows(self, items: Mapping[str, Item]) -> dict[str, Item]:
        """Items by record type, as far as the token reaches too (ruling 18)."""
        if self.items is None:
            return dict(items)
        both = (intersection(items[one.record_type], one) for one in self.items if one.record_type in items)
        return {item.record_type: item for item in both if item is not None}


def of_token(claim: object) -> ReadGrant | None:
    """What the claim `authorization_details` says of consent; raises ValueError where that is not clear.

    Details of other types are other services' matter.
    """
    if not isinstance(claim, list) or not all(isinstance(one, dict) for one in claim):
        raise ValueError("authorization_details is a list of objects")
    ours = [one for one in claim if one.get("type") == TYPE]
    if len(ours) > 1:
        raise ValueError("a token is for one consent")
    return ReadGrant.model_validate(ours[0]) if ours else None
