"""What of a grant may travel to another gateway, which decides and audits for itself."""

from __future__ import annotations

from collections.abc import Mapping

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
    access = {"scenario": grant.mandate.scenario, "caseNo": grant.case_no, "purpose": grant.purpose}
    names = {
        key: found.name for key, found in confirmed.items() if isinstance(found, Confirmed) and found.name
    }
    return Case(access, names)
