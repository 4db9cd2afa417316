"""What the lint says: one broken rule, where, and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias, TypeVar


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule: a stable code, the entry (and field), and what to do."""

    code: str
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message} [{self.code}]"


Problems: TypeAlias = Iterator[Problem]
_T = TypeVar("_T", bound=Hashable)


def unknown(where: str, kind: str, name: str) -> Problem:
    """A name that leads nowhere."""
    return Problem("UNKNOWN_REFERENCE", where, f"there is no {kind} `{name}`; correct the name or add it")


def repeated(names: Iterable[_T]) -> list[_T]:
    """What stands more than once."""
    return [name for name, times in Counter(names).items() if times > 1]
