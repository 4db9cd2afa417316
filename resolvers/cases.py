"""What of a grant may travel to another gateway, which decides and audits for itself."""

from __future__ import annotations

from collections.abc import Mapping

from authz.declarations import Declared
from authz.grants import Grant, Public, Statutory
from catalogue.identifiers import SubjectKey
from connectors.protocol import Case
from resolvers.identity import Confirmation, Confirmed


def case_of(grant: Grant, confirmed: Mapping[SubjectKey, Confirmation]) -> Case | None:
    """The case of a statutory read, or that anyone may ask; None for a person's own login and a consent.

    Those two were given to this gateway and its client alone.
    """
    if isinstance(grant, Public):
        return Case(None, {})
    if not isinstance(grant, Statutory):
        return None
    access: dict[str, object] = {
        "scenario": grant.mandate.scenario,
        "caseNo": grant.case_no,
        "purpose": grant.purpose,
        **_declared(grant.declared),
    }
    names = {
        key: found.name for key, found in confirmed.items() if isinstance(found, Confirmed) and found.name
    }
    return Case(access, names, grant.actor.operator)


def _declared(declared: Declared | None) -> dict[str, object]:
    """What the officer declared here is what they declare there."""
    if declared is None:
        return {}
    found: dict[str, object] = {"reasonCode": declared.reason.value, "noConflictOfInterest": True}
    if declared.repeat:
        found |= {"repeatReason": declared.repeat.reason.value, "repeatNote": declared.repeat.note}
    return found
