"""Quotas in the transaction of the audit event: right in however many processes.

A row a client (and person) holds the windows that run. What is refused changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Insert, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from authz.errors import QuotaExceeded
from authz.given import given
from authz.moments import millis
from authz.prepared import Prepared
from authz.review.tables import client_use
from authz.review.terms import Quota

_MINUTE: Final = 60_000
SPANS: Final = {"minute": _MINUTE, "hour": 60 * _MINUTE, "day": 24 * 60 * _MINUTE}
"""Lengths in milliseconds."""
_CHINA: Final = 8 * SPANS["hour"]
_KEYS: Final = ("client_id", "person", "what")
_USED: Final = Prepared(
    select(client_use).where(tuple_(*(client_use.c[name] for name in _KEYS)).in_(given("accounts", 3)))
)


class Counted(StrEnum):
    """What a quota is of."""

    SUBJECT = "SUBJECT"
    DENIAL = "DENIAL"


class Account(NamedTuple):
    """Whose quota of what: the key of the table."""

    client_id: str
    person: str
    """The audit reference of one who asks about themself, each with a quota of their own; else empty."""
    what: Counted


class Accounts:
    """What is used of some accounts at a moment, read once and written once."""

    def __init__(self, connection: Connection, accounts: Iterable[Account], now: datetime) -> None:
        self._connection = connection
        self._now = millis(now)
        self._rows = {account: self._running({}) for account in set(accounts)}
        if self._rows:
            for row in _USED.all(connection, accounts=list(map(tuple, self._rows))):
                account = Account(row.client_id, row.person, Counted(row.what))
                self._rows[account] = self._running(row._asdict())
        self._changed: set[Account] = set()

    def check(self, account: Account, quota: Quota) -> None:
        """Raise QuotaExceeded where a window that runs has no room for one more."""
        used = self._rows[account]
        limits = quota.per_minute, quota.per_hour, quota.per_day
        full = [span for span, limit in zip(SPANS, limits, strict=True) if used[f"in_{span}"] >= limit]
        if full:
            ends = [start_of(span, self._now) + SPANS[span] for span in full]
            raise QuotaExceeded(seconds(max(ends) - self._now))

    def count(self, account: Account) -> None:
        """One more."""
        used = self._rows[account]
        for span in SPANS:
            used[f"in_{span}"] += 1
        self._changed.add(account)

    def write(self) -> None:
        """Keep what was counted."""
        if self._changed:
            rows = [account._asdict() | self._rows[account] for account in sorted(self._changed)]
            _UPSERT[self._connection.dialect.name].run(self._connection, rows)

    def _running(self, row: Mapping[Any, Any]) -> dict[str, int]:
        """The windows that run now; none goes back, for another process's clock may be behind."""
        running = {}
        for span in SPANS:
            start, began = start_of(span, self._now), row.get(f"{span}_start", -1)
            running[f"{span}_start"] = max(start, began)
            running[f"in_{span}"] = row[f"in_{span}"] if began >= start else 0
        return running


def start_of(span: str, now: int) -> int:
    """When the window began, in milliseconds; days begin at midnight in China."""
    return now - (now + _CHINA) % SPANS[span]


def seconds(left: int) -> int:
    """Whole seconds to wait for so many milliseconds to pass."""
    return max(1, -(-left // 1000))


def _upsert(insert: Any) -> Prepared:  # noqa: ANN401 - each dialect has its own class of insert
    changed = {name: insert.excluded[name] for name in client_use.columns.keys() if name not in _KEYS}  # noqa: SIM118
    done: Insert = insert.on_conflict_do_update(index_elements=_KEYS, set_=changed)
    return Prepared(done)


_UPSERT: Final = {
    "sqlite": _upsert(sqlite.insert(client_use)),
    "postgresql": _upsert(postgresql.insert(client_use)),
}
