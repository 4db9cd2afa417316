"""The reviewer's desk: what is to be looked at, what was found, who is let in again.

Whatever a reviewer does is an audit event in the same transaction. A reviewer never reviews a
read of their own, and a suspension for ids in sequence ends only when two of them agree.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.audit import AuditLog, Operation, ReviewAct, operation_at
from authz.audit.months import bounds_of
from authz.moments import millis
from authz.review import items, lockouts, sample
from authz.review.items import Finding, Item, ItemKind, ItemState, Result
from authz.review.lockouts import Lock
from authz.review.refusals import Fault, ReviewRefused
from authz.review.sample import Draw
from authz.review.tables import review_draw
from authz.store import Store
from authz.wording import holds_personal_number
from catalogue.values import CHINA_TIME

LONGEST_NOTE: Final = 500


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Who reviews: a staff reference, and the client they work with (`cli` for the command line)."""

    operator: str
    client_id: str


class Desk:
    """Reads and changes the review of use in the gateway's store."""

    def __init__(self, store: Store, audit: AuditLog, *, clock: Callable[[], datetime] | None = None) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock or _now

    async def items(
        self, kinds: Collection[ItemKind] = (), state: ItemState | None = None
    ) -> list[tuple[Item, ItemState]]:
        """Items with their states, the oldest due first."""
        now = self._clock()
        async with self._store.reading() as connection:
            found = [(each, each.state(now)) for each in await items.items(connection, kinds)]
        return [(each, has) for each, has in found if state in (None, has)]

    async def show(self, item_id: str) -> tuple[Item, Sequence[Result], list[Operation]]:
        """An item, what was found, and the reads it is about; raises ReviewRefused ITEM_UNKNOWN."""
        async with self._store.reading() as connection:
            found = await _known(connection, item_id)
            given = await items.results(connection, item_id)
        reads = [await operation_at(self._store, index) for index in found.evidence]
        return found, given, [replace(each, subject=None) for each in reads if each]

    async def record(
        self, reviewer: Reviewer, item_id: str, finding: Finding, note: str, *, change: bool = False
    ) -> Result:
        """Record what was found; `change` adds to what was recorded before. Raises ReviewRefused."""
        words = _words(note)
        async with self._store.reading() as connection:
            found = await _known(connection, item_id)
            given = await items.results(connection, item_id)
        _refuse_own(found, reviewer)
        if bool(given) is not change:
            raise _already() if given else ReviewRefused(Fault.NOTHING_TO_CHANGE, "There is no result yet.")
        result = Result(len(given) + 1, finding, reviewer.operator, words, self._clock())

        async def add(connection: AsyncConnection) -> None:
            try:
                await items.add_result(connection, item_id, result)
            except IntegrityError:  # somebody else was first
                raise _already() from None

        about = {"finding": finding, "itemId": item_id, "number": result.number}
        await self._audit.review(ReviewAct("RESULT", reviewer.operator, reviewer.client_id, about), add)
        return result

    async def locks(self, *, holding: bool = True) -> list[Lock]:
        """Who is kept out now, or ever was; the newest first."""
        now = self._clock()
        async with self._store.reading() as connection:
            return [each for each in await lockouts.locks(connection) if each.holds(now) or not holding]

    async def lift(self, reviewer: Reviewer, lock_id: str, reason: str) -> Lock:
        """End a lock, or agree as the first of two to end a suspension; raises ReviewRefused."""
        words, now = _words(reason), self._clock()
        found = await self._held(lock_id)
        complete = found.cause.lifters == 1 or found.first_lifter is not None

        async def end(connection: AsyncConnection) -> None:
            held = await lockouts.find(connection, lock_id)
            if held != found:
                raise ReviewRefused(Fault.LOCK_CHANGED, "Somebody else has just acted on it. Look again.")
            if complete:
                await lockouts.lift(connection, held, reviewer.operator, now)
            else:
                await lockouts.agree(connection, lock_id, reviewer.operator)

        if (found.first_lifter or "").casefold() == reviewer.operator.casefold():
            raise ReviewRefused(Fault.SECOND_REVIEWER, "A second reviewer has to agree; you were the first.")
        about = {
            "clientId": found.client_id,
            "lockId": lock_id,
            "operatorRef": found.operator,
            "reason": words,
        }
        act = "UNLOCK" if complete else "UNLOCK_AGREED"
        await self._audit.review(ReviewAct(act, reviewer.operator, reviewer.client_id, about), end)
        async with self._store.reading() as connection:
            return await lockouts.find(connection, lock_id) or found

    async def sample(self, month: str) -> tuple[Draw, bool]:
        """Draw a month's sample, or what was drawn; tells whether it is new.

        Raises ReviewRefused MONTH_INVALID, MONTH_NOT_OVER or MONTH_EMPTY, and ProofRefused
        while no signed checkpoint covers the month.
        """
        drawn = await self.redraw(month)
        await self._audit.prove_growth(drawn.size)
        now = self._clock()

        async def keep(connection: AsyncConnection) -> None:
            known = select(review_draw.c.month).where(review_draw.c.month == month)
            if (await connection.execute(known)).first() is not None:
                raise ReviewRefused(Fault.ALREADY_DRAWN, "The month's sample is drawn already.")
            head = {"month": month, "size": drawn.size, "root": drawn.root.hex(), "drawn_at": millis(now)}
            await connection.execute(insert(review_draw).values(head))
            for one in drawn.drawn:
                await connection.run_sync(items.put, _item(one, month, now))

        about = {
            "drawn": sample.organizations(drawn.drawn),
            "month": month,
            "reads": drawn.reads,
            "root": drawn.root.hex(),
            "size": drawn.size,
        }
        try:
            await self._audit.review(ReviewAct("DRAW", "", "", about), keep)
        except ReviewRefused:
            return drawn, False
        return drawn, True

    async def redraw(self, month: str) -> Draw:
        """What the log gives for a month, for whoever wants to check; changes nothing."""
        try:
            _, end = bounds_of(month)
        except ValueError:
            raise ReviewRefused(Fault.MONTH_INVALID, "Write the month as 2026-10.") from None
        if self._clock() < end:
            raise ReviewRefused(
                Fault.MONTH_NOT_OVER, "The month is not over: draw its sample after its last day."
            )
        drawn = await sample.draw(self._store, month)
        if drawn is None:
            raise ReviewRefused(Fault.MONTH_EMPTY, "The log has no event of that month or before it.")
        return drawn

    async def _held(self, lock_id: str) -> Lock:
        async with self._store.reading() as connection:
            found = await lockouts.find(connection, lock_id)
        if found is None:
            raise ReviewRefused(Fault.LOCK_UNKNOWN, "There is no such lock. `review alarms` lists them.")
        if not found.holds(self._clock()):
            raise ReviewRefused(Fault.LOCK_ENDED, "The lock has ended already.")
        return found


async def _known(connection: AsyncConnection, item_id: str) -> Item:
    found = await items.item(connection, item_id)
    if found is None:
        raise ReviewRefused(Fault.ITEM_UNKNOWN, "There is no such item. `review list` lists them.")
    return found


def _item(one: sample.Drawn, month: str, now: datetime) -> Item:
    return Item(
        id=f"sr_{month}_{one.index}",
        kind=ItemKind.SAMPLE,
        period=month,
        client_id=one.use.client_id,
        organization=one.use.organization,
        operator=one.use.operator,
        number=1,
        evidence=(one.index,),
        made_at=now,
        due_at=items.due(now, items.SAMPLE_DAYS),
    )


def _refuse_own(found: Item, reviewer: Reviewer) -> None:
    """Nobody reviews their own use."""
    same_person = found.operator and found.operator.casefold() == reviewer.operator.casefold()
    if same_person or found.client_id == reviewer.client_id:
        raise ReviewRefused(Fault.OWN_USE, "Nobody reviews their own reads. Ask another reviewer.")


def _already() -> ReviewRefused:
    return ReviewRefused(
        Fault.ALREADY_REVIEWED, "It has a result. A change is a new entry: say that it is one."
    )


def _words(text: str) -> str:
    words = text.strip()
    unfit = not words or len(words) > LONGEST_NOTE or not words.isprintable()
    if unfit or holds_personal_number(words):
        raise ReviewRefused(
            Fault.NOTE_INVALID,
            f"Give one line of at most {LONGEST_NOTE} characters, without a personal number.",
        )
    return words


def _now() -> datetime:
    return datetime.now(CHINA_TIME)
