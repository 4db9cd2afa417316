"""What every entry of the catalogue is made of: labels, codes, and the rule that unknown keys are refused."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel

RecordTypeCode = Annotated[str, StringConstraints(pattern=r"^[PE]-[A-Z]{2,3}-\d{2}$")]
FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][A-Za-z0-9]*$")]
TypeName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z0-9]*$")]


class Entry(BaseModel):
    """Base of all entries: immutable, camelCase in YAML, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class Label(Entry):
    """A name people read: Chinese first, English beside it."""

    zh: str
    en: str


class Severity(StrEnum):
    """失信等级; only ever from the source's decision or from the law of the list."""

    MINOR = "MINOR"
    GENERAL = "GENERAL"
    SERIOUS = "SERIOUS"
