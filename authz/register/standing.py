"""What follows from the acts on a mandate or a scenario, as a pure function of them.

```
mandate    (none) --PROPOSED--> PROPOSED --APPROVED (another person)--> RUNNING
                                PROPOSED --WITHDRAWN--> WITHDRAWN
both       RUNNING --STOPPED--> STOPPED --RESUME_ASKED--> RESUMING --RESUMED (another person)--> RUNNING
                                          RESUMING --STOPPED--> STOPPED
```

A scenario, and a mandate of the deployment's file, are RUNNING before anybody acts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from authz.errors import AccessDenied
from authz.register.events import Act, Event, Item


class State(StrEnum):
    """How a mandate or a scenario stands; only RUNNING opens anything."""

    PROPOSED = "PROPOSED"
    WITHDRAWN = "WITHDRAWN"
    RUNNING = "RUNNING"
    STOPPED = "STOPPED"
    RESUMING = "RESUMING"


class RegisterRefused(AccessDenied):
    """An act that may not be done; `code` and `message` say why and what to do."""


@dataclass(frozen=True, slots=True)
class _Transition:
    sources: frozenset[State | None]
    target: State
    second: bool = False
    """Needs somebody other than who acted before."""


_TRANSITIONS: Final[Mapping[Act, _Transition]] = {
    Act.PROPOSED: _Transition(frozenset({None}), State.PROPOSED),
    Act.WITHDRAWN: _Transition(frozenset({State.PROPOSED}), State.WITHDRAWN),
    Act.APPROVED: _Transition(frozenset({State.PROPOSED}), State.RUNNING, second=True),
    Act.STOPPED: _Transition(frozenset({State.RUNNING, State.RESUMING}), State.STOPPED),
    Act.RESUME_ASKED: _Transition(frozenset({State.STOPPED}), State.RESUMING),
    Act.RESUMED: _Transition(frozenset({State.RESUMING}), State.RUNNING, second=True),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """One item and every act on it."""

    item: Item
    state: State | None
    """None is a mandate that nobody has proposed."""
    events: tuple[Event, ...] = ()

    @property
    def open(self) -> bool:
        """Whether it runs."""
        return self.state is State.RUNNING

    @property
    def entry(self) -> bytes | None:
        """The mandate that was proposed here; None for one of the file."""
        return next((event.entry for event in self.events if event.entry is not None), None)

    @property
    def approved_by(self) -> tuple[str, str] | None:
        """Who proposed and who approved it."""
        parties = [event.party for event in self.events if event.act in (Act.PROPOSED, Act.APPROVED)]
        return (parties[0], parties[1]) if len(parties) == 2 else None

    def after(self, event: Event) -> Standing:
        """How it stands after one more act; raises RegisterRefused for one that may not follow."""
        transition = _TRANSITIONS[event.act]
        if self.state not in transition.sources:
            now = self.state.value if self.state else "unknown"
            raise RegisterRefused("REGISTER_STATE", f"It is {now}, so this cannot follow. Look at it again.")
        if transition.second and self.events[-1].party.casefold() == event.party.casefold():
            raise RegisterRefused(
                "TWO_PERSONS", "You asked for it yourself: another person has to approve it (GR-07)."
            )
        return replace(self, state=transition.target, events=(*self.events, event))


def initial_of(first: Event) -> State | None:
    """How an item stood before the first act on it: what was not proposed here was in force."""
    return None if first.act is Act.PROPOSED else State.RUNNING


def standing_of(item: Item, initial: State | None, events: Iterable[Event]) -> Standing:
    """How an item stands after these acts; raises RegisterRefused where one could not follow."""
    standing = Standing(item, initial)
    for event in events:
        standing = standing.after(event)
    return standing
