"""What the policy says: values with a rule and a reason, never bare booleans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import NoReturn


class Effect(StrEnum):
    """PERMIT in clear, MASK with a rule, DENY."""

    PERMIT = "PERMIT"
    MASK = "MASK"
    DENY = "DENY"


@dataclass(frozen=True, slots=True)
class RowGuard:
    """Only rows that meet every condition given here (ruling 17)."""

    allowed: Mapping[str, tuple[str | bool, ...]] = field(default_factory=dict)
    """Each named field or role (`severity`) has one of the values."""
    natures: frozenset[str] | None = None
    """The row's nature; for an adverse row its severity."""
    within: tuple[date, date] | None = None
    """The first and the last day of the row's date; a row without one is outside."""

    def as_json(self) -> dict[str, object]:
        """The guard as programs read it."""
        told: dict[str, object] = {name: list(values) for name, values in self.allowed.items()}
        if self.natures is not None:
            told["natures"] = sorted(self.natures)
        if self.within is not None:
            told["within"] = [day.isoformat() for day in self.within]
        return told


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
    """DENY: the department is not called at all. MASK: whether there is a record leaves, and no record.
    Carries the row guard, if any."""
    fields: Mapping[str, Decision] = field(default_factory=dict)

    @property
    def readable(self) -> frozenset[str]:
        """Fields that may be named to a source and leave."""
        if self.existence.effect is Effect.DENY:
            return frozenset()
        return frozenset(name for name, verdict in self.fields.items() if verdict.effect is not Effect.DENY)
