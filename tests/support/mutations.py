"""One deliberate fault at a time in the policy, a mask, a clock or what follows from them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from unittest.mock import patch

from authz import lifecycle, policy
from authz.lifecycle import Effect, Status, Verdict
from authz.masks import registry
from authz.rules import RULES, MaskRule, Rule
from catalogue.loader import load_catalogue
from catalogue.model import Role
from catalogue.values import Period
from resolvers import healing
from tests.support.county import COUNTY, TODAY

Patch = AbstractContextManager[object]
_YEAR = Period(years=1)


@dataclass(frozen=True)
class Mutation:
    """A fault, and the rule, mask or clock whose scenarios must notice it."""

    name: str
    breaks: str
    patched: Patch
    """Entered once."""

    @contextmanager
    def applied(self) -> Iterator[None]:
        """While it lasts; what the policy has decided is forgotten before and after."""
        policy._TABLES.clear()
        try:
            with self.patched:
                yield
        finally:
            policy._TABLES.clear()


def mutations() -> list[Mutation]:
    """All of them, new each time."""
    return [*_rules(), *_masks(), *_terms(), *_starts(), *_bars(), *_rows()]


def _rules() -> Iterator[Mutation]:
    for table in ("forbid", "permit", "presence", "masks"):
        rules: tuple[Any, ...] = getattr(RULES, table)
        for rule in rules:
            others = tuple(one for one in rules if one is not rule)
            inverted = tuple(_inverted(rule) if one is rule else one for one in rules)
            for kind, changed in (("drop", others), ("invert", inverted)):
                broken = replace(RULES, **{table: changed})
                yield Mutation(f"{kind} {rule.id}", rule.id, patch.object(policy, "RULES", broken))


def _inverted(rule: Rule | MaskRule) -> Rule | MaskRule:
    return replace(rule, matches=lambda ask: not rule.matches(ask))


def masks_in_use() -> set[str]:
    """Masks of any field of the catalogue, the county's own types included."""
    types = load_catalogue(COUNTY / "catalogue").record_types.values()
    return {field.mask for entry in types for field in entry.fields if field.mask}


def _masks() -> Iterator[Mutation]:
    for name in sorted(masks_in_use()):
        yield Mutation(f"no {name}", name, patch.dict(registry._RULES, {name: lambda value, _: value}))


def _terms() -> Iterator[Mutation]:
    """The ends of publication, retention and validity."""
    cap, keep, base = lifecycle._cap, lifecycle._keep, lifecycle._base

    def longer(case: Any, start: date) -> date:
        return _YEAR.after(cap(case, start))

    def kept_longer(case: Any, start: date | None) -> date | None:
        until = keep(case, start)
        return _YEAR.after(until) if until else None

    def valid_for_ever(case: Any) -> Verdict:
        dates = {role: day for role, day in case.record.dates.items() if role is not Role.VALID_UNTIL}
        return base(case._replace(record=case.record._replace(dates=dates)))

    yield Mutation("publish a year longer", "clock.publication", _lifecycle(_cap=longer))
    yield Mutation("never cap publication", "clock.publication", _lifecycle(_cap=lambda *_: date.max))
    yield Mutation("keep a year longer", "clock.retention", _lifecycle(_keep=kept_longer))
    yield Mutation("keep for ever", "clock.retention", _lifecycle(_keep=lambda *_: None))
    yield Mutation("valid for ever", "valid-until", _lifecycle(_base=valid_for_ever))


def _starts() -> Iterator[Mutation]:
    """The day on which a clock or a publication starts."""
    start, within = lifecycle._start, lifecycle._within

    def opened(*arguments: Any, **options: Any) -> Verdict:
        verdict = within(*arguments, **options)
        return verdict._replace(effect=Effect.KEEP) if "not-yet" in verdict.rule else verdict

    def sooner(*arguments: Any) -> date | None:
        return min(found, TODAY) if (found := start(*arguments)) else None

    invented = _lifecycle(_start=lambda *arguments: start(*arguments) or TODAY)
    past = _lifecycle(_start=sooner)
    everyone = _lifecycle(_published=lambda _, rules, __: rules.publication.by_law)
    yield Mutation("invent a clock start", "clock.start-missing", invented)
    yield Mutation("start in the past", "clock.start-in-future", past)
    yield Mutation("publish early", "clock.not-yet-published", _lifecycle(_within=opened))
    yield Mutation("publish everybody", "publication.not-ordered", everyone)


def _bars() -> Iterator[Mutation]:
    """What closes an adverse record whatever the clocks say."""
    almost = Period(years=17, months=11)
    yield Mutation("adult at birth", "subject.minor", _lifecycle(ADULT=Period()))
    yield Mutation("adult a month early", "subject.minor", _lifecycle(ADULT=almost))
    yield Mutation("surely adult", "subject.age-at-act-unknown", _lifecycle(_SURELY_ADULT=Period()))
    yield Mutation("show simple procedure", "procedure.simple", _lifecycle(_SIMPLE=frozenset()))
    yield Mutation("ignore appeals", "appeal.open", _lifecycle(_appeal_open=lambda _: False))
    yield Mutation("ignore repairs", "status.repaired", _lifecycle(_repaired=lambda _: False))
    for status in sorted(lifecycle._GONE):
        others = _lifecycle(_GONE=lifecycle._GONE - {status})
        yield Mutation(f"show {status.value}", f"status.{status.value.lower()}", others)
    words = {status.value: status for status in Status}
    trusting = _lifecycle(_status=lambda value: words.get(value, Status.ACTIVE))
    yield Mutation("take any status for active", "status.unknown", trusting)


def _rows() -> Iterator[Mutation]:
    """What becomes of a row once the clocks have spoken, and which rows they see."""
    visible = healing.visible

    def turned(effect: Effect, other: Effect) -> Patch:
        def changed(*arguments: Any, **options: Any) -> Verdict:
            verdict = visible(*arguments, **options)
            return verdict._replace(effect=other) if verdict.effect is effect else verdict

        return patch.object(healing, "visible", changed)

    others = {Effect.KEEP: Effect.DROP, Effect.DROP: Effect.KEEP, Effect.WITHHOLD: Effect.KEEP}
    for effect, other in (others | {Effect.STRIP: Effect.KEEP}).items():
        yield Mutation(f"{other.value} for {effect.value}", effect.value, turned(effect, other))
    yield Mutation("publish every row", "row-guard", patch.object(policy, "_guard", lambda _: None))
    yield Mutation("any row by consent", "consent-rows", patch.object(policy, "_guard", lambda _: None))
    believing = patch.object(healing, "same_name", lambda *_: True)
    yield Mutation("believe any name", "identity-conflict", believing)


def _lifecycle(**changes: Any) -> Patch:
    return patch.multiple(lifecycle, **changes)
