"""How much a client may ask and fail, and from when its use is looked at: part of its register entry.

```yaml
- clientId: hr-approval
  use:
    subjects: {perMinute: 60, perHour: 1000, perDay: 5000}
    denials: {perMinute: 30, perHour: 300, perDay: 1000}
    asking: {waiting: 3, in30Days: 20}
    lockout: {operatorFailures: 5, clientFailures: 20, windowMinutes: 60, lastsMinutes: 60}
    alarms: {denialsPerHour: 30, readsOutOfHours: 20, hours: [8, 18]}
```

Whatever is left out has the default of this module.
"""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from catalogue.model import Entry

Whole = Annotated[int, Field(ge=1)]
SEQUENTIAL_IDS: Final = 20
"""Neighbouring ids after which a client is suspended (GR-02); no register entry can raise it."""


class Quota(Entry):
    """How many in each minute, hour and day, Asia/Shanghai."""

    per_minute: Whole
    per_hour: Whole
    per_day: Whole


class Lockout(Entry):
    """When failed confirmations lock, and for how long."""

    operator_failures: Whole = 5
    """Of one operator, or of a client that names none."""
    client_failures: Whole = 20
    """Of all operators of a client together."""
    window_minutes: Whole = 60
    lasts_minutes: Whole | None = 60
    """None: until a reviewer lifts it."""


class AlarmTerms(Entry):
    """From when a reviewer is told."""

    denials_per_hour: Whole = 30
    reads_out_of_hours: Whole = 20
    """In one hour at night, at a weekend or on a holiday."""
    hours: tuple[Annotated[int, Field(ge=0, le=23)], Annotated[int, Field(ge=1, le=24)]] = (8, 18)
    """Working hours of a working day: from the first, before the second."""

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.hours[0] >= self.hours[1]:
            raise ValueError("`hours` must end after they begin")
        return self


class AskingTerms(Entry):
    """How often a partner may ask one subject for consent: nobody is worn down into agreeing."""

    waiting: Whole = 3
    """Requests without an answer."""
    in_30_days: Whole = 20
    """Answered or not."""


class UseTerms(Entry):
    """Everything about one client's use."""

    subjects: Quota = Quota(per_minute=60, per_hour=1_000, per_day=5_000)
    """Subjects read, not requests; for a person's own login, of each person."""
    denials: Quota = Quota(per_minute=30, per_hour=300, per_day=1_000)
    """Refusals that are audited one by one; beyond, they are counted."""
    asking: AskingTerms = AskingTerms()
    lockout: Lockout = Lockout()
    alarms: AlarmTerms = AlarmTerms()
