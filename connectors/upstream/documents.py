"""The operations that another graph is asked, one for each record type and set of columns.

Names come from the manifest and the catalogue, checked to be GraphQL names; keys travel as
variables only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from catalogue.identifiers import SubjectKey, SubjectKind
from catalogue.model import Catalogue, RecordType
from connectors.errors import ManifestError
from connectors.manifest import RecordSource
from connectors.parts import Upstream
from connectors.protocol import Case

SUBJECT: Final = "subject"
"""The column that stands for the key that was asked: every row of an answer has it."""

TYPE_OF: Final = {
    SubjectKind.NATURAL_PERSON: "NaturalPerson",
    SubjectKind.ENTERPRISE: "Enterprise",
    SubjectKind.SOCIAL_ORGANIZATION: "SocialOrganization",
    SubjectKind.PUBLIC_INSTITUTION: "PublicInstitution",
}
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")

_Tree: TypeAlias = dict[str, "_Tree"]


@dataclass(frozen=True, slots=True)
class Operation:
    """A document and its variables."""

    document: str
    variables: dict[str, object]


class Documents:
    """The operations of one record type. Raises ManifestError for what is no GraphQL name."""

    def __init__(self, catalogue: Catalogue, entry: RecordType, record: RecordSource) -> None:
        self.upstream = record.graphql or Upstream()
        self._domain = catalogue.domains[entry.domain].field
        self._section = entry.section
        self._where = f"records.{entry.code}"
        own = (self.upstream.entity, self.upstream.key, self.upstream.rows)
        self._check(name for name in own if name)

    @property
    def section(self) -> tuple[str, str]:
        """Where the records stand under a subject, by response keys."""
        return self._domain, self._section

    def selection(self, columns: Sequence[str]) -> str:
        """The selection set of one row."""
        names = [name for name in columns if name != SUBJECT]
        self._check(names)
        tree: _Tree = {}
        for name in names or ["__typename"]:
            branch = tree
            for step in name.split("."):
                branch = branch.setdefault(step, {})
        return _printed(tree)

    def of_subject(self, key: SubjectKey, columns: Sequence[str], case: Case) -> Operation:
        """One subject at another gateway: in a case, or without one what is public of an entity."""
        section = f"{{ {self._section} {{ state reason records {self.selection(columns)} }} }}"
        kind = key.subject_kind
        if case.access is None:
            root = TYPE_OF[kind][0].lower() + TYPE_OF[kind][1:]
            document = (
                f"query Upstream($uscc: String!) {{ subject: {root}(uscc: $uscc)"
                f" {{ {self._domain} {section} }} }}"
            )
            return Operation(document, {"uscc": key.value})
        document = (
            "query Upstream($lookup: SubjectLookup!, $access: AccessContext!) {"
            f" subject(lookup: $lookup, access: $access)"
            f" {{ ... on {TYPE_OF[kind]} {{ {self._domain} {section} }} }} }}"
        )
        return Operation(document, {"lookup": _lookup(key, case), "access": dict(case.access)})

    def of_entities(self, keys: Sequence[SubjectKey], columns: Sequence[str]) -> Operation:
        """Entities of a federated subgraph (Apollo Federation v2, `_entities`)."""
        row = self.selection(columns)
        for step in reversed((self.upstream.rows or "").split(".") if self.upstream.rows else []):
            row = f"{{ {step} {row} }}"
        # the entity names itself, so that a graph that mixes them up is found out
        row = f"{{ {self.upstream.key} {row.removeprefix('{ ')}"
        document = (
            "query Upstream($representations: [_Any!]!) { _entities(representations: $representations)"
            f" {{ ... on {self.upstream.entity} {row} }} }}"
        )
        representations = [{"__typename": self.upstream.entity, self.upstream.key: key.value} for key in keys]
        return Operation(document, {"representations": representations})

    def _check(self, names: object) -> None:
        for name in names:  # type: ignore[attr-defined]
            if not _NAME.fullmatch(name):
                raise ManifestError("MANIFEST_GRAPHQL", self._where, f"`{name}` is no GraphQL name")


def _lookup(key: SubjectKey, case: Case) -> dict[str, object]:
    if key.subject_kind is SubjectKind.NATURAL_PERSON:
        return {"person": {"citizenId": key.value, "name": case.names.get(key, "")}}
    return {"uscc": key.value}


def _printed(tree: _Tree) -> str:
    parts = (name + (f" {_printed(branch)}" if branch else "") for name, branch in tree.items())
    return f"{{ {' '.join(parts)} }}"
