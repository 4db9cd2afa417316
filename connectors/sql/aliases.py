"""Which tables a statement calls by another name: plans name aliases, departments know tables."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

_QUOTES: Final = str.maketrans("", "", '`"[]')
_PLACE: Final = re.compile(r"\b(?:FROM|JOIN)\s+([\w.$#`\"\[\]]+)(?:\s+(?:AS\s+)?([\w`\"]+))?", re.IGNORECASE)
_CLAUSES: Final = frozenset(
    {"where", "on", "using", "left", "right", "inner", "outer", "cross", "full", "natural", "join"}
    | {"group", "order", "limit", "union", "having", "fetch", "for", "window", "use", "force", "ignore"}
)
"""What may stand behind a table that is called nothing else."""


def tables_called(sql: str) -> Mapping[str, Sequence[str]]:
    """Tables by the name that the statement gives them (folded), in the order of the text."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, alias in _PLACE.findall(sql):
        table, called = name.translate(_QUOTES), alias.translate(_QUOTES).casefold()
        own = table.rpartition(".")[2].casefold()
        found[called if called and called not in _CLAUSES else own].append(table)
    return found
