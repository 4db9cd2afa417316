"""Quotas by one statement in the transaction of the audit event: right in however many processes.

A row a client (and person) holds the windows that run; the statement counts only while there is
room in all of them and nobody has locked the client, so a refusal changes nothing.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, Final

from sqlalchemy import Executable, Insert, and_, bindparam, case, literal_column, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.errors import ClientLocked, QuotaExceeded
from authz.review.tables import client_lock, client_use, millis
from authz.review.terms import Quota

_MINUTE: Final = 60_000
SPANS: Final = {"minute": _MINUTE, "hour": 60 * _MINUTE, "day": 24 * 60 * _MINUTE}
"""Lengths in milliseconds."""
_CHINA: Final = 8 * SPANS["hour"]
_INSERT: Final[dict[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class Counted(StrEnum):
    """What a quota is of."""

    SUBJECT = "SUBJECT"
    DENIAL = "DENIAL"


def start_of(span: str, now: int) -> int:
    """When the window began, in milliseconds; days begin at midnight in China."""
    return now - (now + _CHINA) % SPANS[span]


async def spend(
    connection: AsyncConnection,
    what: Counted,
    client_id: str,
    quota: Quota,
    now: datetime,
    *,
    operator: str = "",
    person: str = "",
) -> None:
    """Count one; raises ClientLocked or QuotaExceeded, having counted nothing."""
    at = millis(now)
    limits = {"minute": quota.per_minute, "hour": quota.per_hour, "day": quota.per_day}
    given: dict[str, object] = {"client": client_id, "who": person, "counted": what.value}
    given |= {"now": at, "staff": operator}
    for span in SPANS:
        given |= {f"{span}_from": start_of(span, at), f"{span}_limit": limits[span]}
    counted = await connection.execute(
        _counting(connection.dialect.name, lockable=what is Counted.SUBJECT), given
    )
    if counted.first() is None:
        await _refuse(connection, given, limits)


async def _refuse(connection: AsyncConnection, given: dict[str, object], limits: dict[str, int]) -> None:
    at = int(str(given["now"]))
    if given["counted"] == Counted.SUBJECT:
        lock = (await connection.execute(select(client_lock.c.until).where(_locked()), given)).first()
        if lock is not None:
            raise ClientLocked(None if lock.until is None else _seconds(lock.until - at))
    key = (client_use.c.client_id == given["client"], client_use.c.person == given["who"])
    query = select(client_use).where(*key, client_use.c.what == given["counted"])
    used = (await connection.execute(query)).mappings().one()
    ends = [
        start_of(span, at) + length - at
        for span, length in SPANS.items()
        if used[f"{span}_start"] == start_of(span, at) and used[f"in_{span}"] >= limits[span]
    ]
    raise QuotaExceeded(_seconds(max(ends)))


def _seconds(left: int) -> int:
    return max(1, -(-left // 1000))


@cache
def _counting(dialect: str, *, lockable: bool) -> Insert:
    """The statement that counts one; it returns no row where it refuses."""
    columns: dict[str, Any] = {
        "client_id": bindparam("client"),
        "person": bindparam("who"),
        "what": bindparam("counted"),
    }
    for span in SPANS:
        columns[f"{span}_start"] = bindparam(f"{span}_from", type_=client_use.c.day_start.type)
        columns[f"in_{span}"] = literal_column("1")
    row = select(*(value.label(name) for name, value in columns.items()))
    row = row.where(
        ~select(client_lock.c.id).where(_locked()).exists() if lockable else literal_column("1=1")
    )
    insert = _INSERT[dialect](client_use).from_select(list(columns), row)
    changed: dict[str, Any] = {}
    room = []
    for span in SPANS:
        start, number = client_use.c[f"{span}_start"], client_use.c[f"in_{span}"]
        # a window never goes back, for another process's clock may be a little behind
        runs = start >= insert.excluded[start.name]
        used = case((runs, number), else_=0)
        changed[start.name] = case((runs, start), else_=insert.excluded[start.name])
        changed[number.name] = used + 1
        room.append(used < bindparam(f"{span}_limit", type_=number.type))
    keys = [client_use.c.client_id, client_use.c.person, client_use.c.what]
    done: Insert = insert.on_conflict_do_update(
        index_elements=keys, set_=changed, where=and_(*room)
    ).returning(client_use.c.client_id)
    return done


def _locked() -> Any:  # noqa: ANN401 - an SQL expression
    """Locks on the client, or on this operator of it, that hold now."""
    return and_(
        client_lock.c.client_id == bindparam("client", type_=client_lock.c.client_id.type),
        client_lock.c.operator.in_(["", bindparam("staff", type_=client_lock.c.operator.type)]),
        client_lock.c.lifted_at.is_(None),
        or_(
            client_lock.c.until.is_(None),
            client_lock.c.until > bindparam("now", type_=client_lock.c.until.type),
        ),
    )


def any_lock(client_id: str, operator: str, now: datetime) -> tuple[Executable, dict[str, object]]:
    """The question whether somebody is locked now."""
    return select(client_lock.c.id).where(_locked()), {
        "client": client_id,
        "staff": operator,
        "now": millis(now),
    }
