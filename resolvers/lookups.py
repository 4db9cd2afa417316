"""How a subject is named in a query: exactly, never by search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import strawberry

from authz.errors import AuthzError
from authz.references import References
from catalogue.identifiers import SubjectKey
from resolvers.fields import bilingual
from resolvers.identity import Lookup

LONGEST_NAME = 100


@strawberry.input(
    description=bilingual(
        "自然人：公民身份号码和姓名须同时提供并一致；只能以变量传入",
        "A natural person: number and name together; by variables only",
    )
)
class PersonLookup:
    """GB 11643 number and the full name as registered."""

    citizenId: str = strawberry.field(
        description=bilingual(
            "公民身份号码（15 或 18 位）", "Citizen id, 15 or 18 digits, any spacing or width"
        )
    )
    name: str = strawberry.field(description=bilingual("姓名", "Full name as registered"))


@strawberry.input(
    one_of=True,
    description=bilingual(
        "查找主体，三选一：证件号和姓名、统一社会信用代码、主体标识",
        "Exactly one of: a person's number and name, a USCC, or a subject reference",
    ),
)
class SubjectLookup:
    """No search and no listing exist."""

    person: PersonLookup | None = strawberry.field(
        default=strawberry.UNSET, description=bilingual("自然人", "A natural person")
    )
    uscc: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=bilingual("统一社会信用代码", "Unified social credit code, any spacing or case"),
    )
    subjectRef: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description=bilingual("主体标识", "Reference given to this client before")
    )


UsccArgument = Annotated[
    str,
    strawberry.argument(
        description=bilingual("统一社会信用代码", "Unified social credit code, any spacing or case")
    ),
]


def lookup_of(given: Mapping[str, Any]) -> SubjectLookup:
    """The lookup in coerced arguments."""
    named = given.get("person")
    return SubjectLookup(
        person=PersonLookup(**named) if named else None,
        uscc=given.get("uscc"),
        subjectRef=given.get("subjectRef"),
    )


def resolve_lookup(lookup: SubjectLookup, references: References, client_id: str) -> Lookup:
    """The normalized key behind a lookup; raises IdentifierError or AuthzError."""
    if lookup.person:
        return person(lookup.person)
    if isinstance(lookup.uscc, str):  # what an input leaves out is UNSET, and an empty code is a code
        return Lookup(SubjectKey.entity(lookup.uscc))
    # @oneOf is validated before execution
    return Lookup(references.resolve(str(lookup.subjectRef), client_id))


def person(given: PersonLookup) -> Lookup:
    """A person by number and name; raises IdentifierError, NAME_REQUIRED."""
    if not given.name.strip() or len(given.name) > LONGEST_NAME:
        raise AuthzError("NAME_REQUIRED", f"Give the person's full name, at most {LONGEST_NAME} characters.")
    return Lookup(SubjectKey.person(given.citizenId), given.name)
