"""The eight departments: each module has its tables and makes the rows of a person and of an entity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from sqlalchemy import MetaData

from . import civil, court, housing, hr, market, psb, sgs, tax
from .columns import Row
from .dice import Dice
from .entities import Entity
from .people import Person


class Department(Protocol):
    """What a department's module offers."""

    NAME: str
    metadata: MetaData

    def person_rows(self, person: Person, dice: Dice) -> Iterator[Row]:
        """Rows this department holds of a person."""
        ...

    def entity_rows(self, entity: Entity, dice: Dice) -> Iterator[Row]:
        """Rows this department holds of an entity."""
        ...


DEPARTMENTS: tuple[Department, ...] = (psb, court, market, tax, hr, housing, civil, sgs)
