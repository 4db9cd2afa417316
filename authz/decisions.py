"""What the policy says: values with a rule and a reason, never bare booleans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NoReturn


class Effect(StrEnum):
    """PERMIT in clear, MASK with a rule, DENY."""

    PERMIT = "PERMIT"
    MASK = "MASK"
    DENY = "DENY"


@dataclass(frozen=True, slots=True)
class RowGuard:
    """Only rows where each named field or role (`severity`) has one of the values (ruling 17)."""

    allowed: Mapping[str, tuple[str | bool, ...]]

    def as_json(self) -> dict[str, object]:
        """The guard as programs read it."""
        return {name: list(values) for name, values in self.allowed.items()}


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict on one field, or on the existence of one record type."""

    effect: Effect
    rule: str
    """Name of the policy rule that decided, stable for explain and audit."""
    reason: str
    """About the grant, never about the subject (ruling 2)."""
    mask: str | None = None
    guard: RowGuard | None = None

    def __bool__(self) -> NoReturn:
        raise TypeError("a Decision is not a truth value; compare its effect")


@dataclass(frozen=True, slots=True)
class TypeDecisions:
    """Decisions for one record type under one grant."""

    existence: Decision
    """DENY: the department is not called at all. Carries the row guard, if any."""
    fields: Mapping[str, Decision] = field(default_factory=dict)

    @property
    def readable(self) -> frozenset[str]:
        """Fields that may be named to a source."""
        if self.existence.effect is Effect.DENY:
            return frozenset()
        return frozenset(name for name, verdict in self.fields.items() if verdict.effect is not Effect.DENY)
