"""Documents over every record type of a kind of subject, and answers taken apart again."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from catalogue.identifiers import SubjectKind
from catalogue.loader import load_catalogue
from catalogue.model import Catalogue, RecordType
from resolvers.access import ENTITY_ROOT_OF
from tests.support.county import COUNTY

BASE: Final = """
fragment Base on CreditRecord {
  recordId recordType nature severity status determinedOn publishUntil provenance { department system }
}
"""


@cache
def catalogue() -> Catalogue:
    """The shipped catalogue with the demo county's own types."""
    return load_catalogue(COUNTY / "catalogue")


def types_of(kind: SubjectKind) -> list[RecordType]:
    """Record types of a kind of subject that some department is asked for."""
    return [entry for entry in catalogue().of_kind(kind) if entry.pointer is None]


def selection(kind: SubjectKind) -> str:
    """Every section with three of its own fields and the base of its records."""
    parts = []
    for entry in types_of(kind):
        own = " ".join(field.name for field in entry.fields[:3])
        domain = catalogue().domains[entry.domain].field
        parts.append(f"{domain} {{ {entry.section} {{ state reason records {{ ...Base {own} }} }} }}")
    return "\n".join(parts)


@cache
def about_me() -> str:
    """Everything on the person who is logged in."""
    return f"query Me {{ me {{ person {{ {selection(SubjectKind.NATURAL_PERSON)} }} }} }} {BASE}"


@cache
def about(kind: SubjectKind) -> str:
    """Everything on an entity."""
    root = ENTITY_ROOT_OF[kind]
    return f"query Entity($uscc: String!) {{ {root}(uscc: $uscc) {{ {selection(kind)} }} }} {BASE}"


def sections(kind: SubjectKind, subject: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The sections of one answer by the code of their record type."""
    domains = catalogue().domains
    return {entry.code: subject[domains[entry.domain].field][entry.section] for entry in types_of(kind)}
