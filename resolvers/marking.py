"""Whose records cases have marked, and what has to be read to recognize them."""

from __future__ import annotations

from collections.abc import Mapping

from authz.cases.overlay import Marks, Standing
from catalogue.identifiers import SubjectKey
from catalogue.model import RecordType
from resolvers.healing import document_fields
from resolvers.identity import Confirmation, Confirmed


def marks_on(standing: Standing, confirmed: Mapping[SubjectKey, Confirmation]) -> dict[SubjectKey, Marks]:
    """The marks on confirmed subjects, those made under their former numbers among them."""
    if not standing.by_subject:
        return {}
    found = {
        key: standing.of(key, one.links.former if one.links else ())
        for key, one in confirmed.items()
        if isinstance(one, Confirmed)
    }
    return {key: marks for key, marks in found.items() if marks}


def recognizing(entry: RecordType, marks: Mapping[SubjectKey, Marks]) -> frozenset[str]:
    """Fields to be read too, because a decision that was objected to may stand in another source.

    Like control columns they never leave (ruling 8); nearly always there are none.
    """
    return document_fields(entry) if any(one.by_document for one in marks.values()) else frozenset()
