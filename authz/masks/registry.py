"""Where masking rules are registered and applied.

A rule returns None for a value whose shape it does not know, and such a value is hidden
whole: text becomes stars, everything else null. Nothing is ever passed through unread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from catalogue.values import Value

HIDDEN: Final = "********"
"""A text hidden completely; of fixed length, for the length tells too."""


class UnknownMask(LookupError):
    """No rule of that name: a catalogue fault, never a reason to show the value."""


@dataclass(frozen=True, slots=True)
class MaskContext:
    """What a rule may know of the row around the value."""

    names: tuple[str, ...] = ()
    """Names known from the row, which M_TEXT scrubs (ruling 25)."""


Rule: TypeAlias = Callable[[Value, MaskContext], Value]
TextRule: TypeAlias = Callable[[str], str | None]

_RULES: Final[dict[str, Rule]] = {}
_OF_TEXT: Final[set[str]] = set()
_NOTHING_KNOWN: Final = MaskContext()


def masking_rule(name: str) -> Callable[[Rule], Rule]:
    """Register a rule for values of any type; raises ValueError when the name is taken."""

    def register(rule: Rule) -> Rule:
        if name in _RULES:
            raise ValueError(f"mask {name} is already registered")
        _RULES[name] = rule
        return rule

    return register


def text_rule(name: str) -> Callable[[TextRule], TextRule]:
    """Register a rule that reads text only and needs nothing of the row."""

    def register(rule: TextRule) -> TextRule:
        masking_rule(name)(lambda value, _: rule(value) if isinstance(value, str) else None)
        _OF_TEXT.add(name)
        return rule

    return register


def known_rules() -> frozenset[str]:
    """Names of all rules."""
    return frozenset(_RULES)


def of_text_alone(rule: str) -> bool:
    """Whether a rule needs to know nothing of the row around the value."""
    return rule in _OF_TEXT


def mask(rule: str, value: Value, context: MaskContext = _NOTHING_KNOWN) -> Value:
    """The value as the rule shows it; None stays None, a list is masked item by item.

    Raises UnknownMask.
    """
    apply = _RULES.get(rule)
    if apply is None:
        raise UnknownMask(rule)
    if isinstance(value, tuple):
        return tuple(str(_masked(apply, item, context)) for item in value)
    return _masked(apply, value, context)


def _masked(apply: Rule, value: Value, context: MaskContext) -> Value:
    if value is None:
        return None
    shown = apply(value, context)
    return shown if shown is not None or not isinstance(value, str) else HIDDEN
