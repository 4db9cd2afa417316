"""Scenarios: who asks what on which basis, what is answered, what must not be, what departments saw.

Written in `tests/scenarios/<domain>.yaml` for people who do not program; What each key
means stands beside the members of `Scenario`. Unknown keys are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import yaml
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

FOLDER: Final = Path(__file__).parents[1] / "scenarios"
OVERLAY: Final = FOLDER / "overlay"

Paths: TypeAlias = list[str] | dict[str, list[str]]
"""Response paths; or, where many share a beginning, their ends by that beginning."""


class _Loader(yaml.SafeLoader):
    """YAML in which a date is the text it is in an answer."""


_Loader.yaml_implicit_resolvers = {
    first: [found for found in resolvers if found[0] != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class Part(BaseModel):
    """Base of all parts: camelCase in YAML, unknown keys refused."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        coerce_numbers_to_str=True,
    )


class Actor(Part):
    """A client's officer, or a person; neither is anyone at all."""

    client: str | None = None
    operator: str | None = None
    """An officer of the scenario's own if absent: who asks about somebody again has to say why."""
    person: str | None = None
    """By the name of the cast."""
    step_up: bool = False
    """A strong login within the last minutes."""


class Access(Part):
    """The access context of an authority."""

    scenario: str | None = None
    case_no: str | None = None
    purpose: str = "依法核查"
    legal_basis_id: str | None = None
    reason_code: str | None = "QUALIFICATION_REVIEW"
    no_conflict_of_interest: bool | None = True
    repeat_reason: str | None = None
    repeat_note: str | None = None


class Ticked(Part):
    """One record type a person agreed to, and what of it."""

    record_type: str
    fields: list[str] = []
    level: Literal["BOOLEAN", "MASKED", "FULL"] = "MASKED"
    since: str | None = Field(default=None, alias="from")
    until: str | None = Field(default=None, alias="to")
    natures: list[str] | None = None


class Consented(Part):
    """A consent that a bank asks for and the person gives before the scenario is asked."""

    items: list[Ticked]
    scenario: str = "S91"
    case_no: str = "LN-2026-0001"
    purpose: str = "用于审查本人提交的经营贷款申请"


class HandedIn(Part):
    """A grant that should never have been made: the second lock must hold when the first is open."""

    consent: Literal["other-client", "other-subject", "run-out", "not-sensitive", "other-type"] | None = None
    """The consent of the scenario, but for this."""
    mandate: str | None = None
    valid_until: str | None = None
    stopped: bool = False
    self_of: str | None = None


class ErrorSeen(Part):
    """One error of the answer, by its code and its place."""

    code: str
    path: str | None = None


class Audited(Part):
    """What the log holds: an intent with its outcome, or one denial, or nothing."""

    denied: str | None = None
    """The one code of a refusal before any source was asked."""
    nothing: bool = False
    """Public reads and anonymous refusals are only counted."""
    result: str = "PERMIT"
    fields: dict[str, list[str]] | None = None
    """Fields asked for, by record type: exactly these."""
    masked: dict[str, list[str]] | None = None
    suppressed: int | None = None
    """How many rows the clocks, repairs and guards held back, in one total."""
    returned: dict[str, int] | None = None
    """How many records left, by record type: exactly these types."""
    codes: list[str] = []
    times: int = 1
    """How many subjects were recorded."""
    told_later: str | None = None
    """The legal basis on which the person is told later; otherwise they see it at once."""


class Scenario(Part):
    """One scenario."""

    name: str
    because: str | None = None
    """The law or ruling behind it."""
    proves: tuple[str, ...] = ()
    """Policy rules, masks and clock rules that this scenario shows: each is broken in turn
    by `test_mutations.py`, and then one of the scenarios that prove it must fail."""
    actor: Actor = Actor()
    grant: Access | Consented | Literal["self", "public"] = "public"
    handed_in: HandedIn | None = None
    locality: Literal["default", "zj-330800"] = "default"
    about: str | None = None
    """A name of the cast: sets `$who` (a SubjectLookup) and `$uscc`."""
    query: str
    variables: dict[str, Any] = {}
    repeat: dict[str, int] = {}
    """Lists among the variables that are sent with their one item so many times."""
    after: str | None = None
    """Another scenario that is asked first, so that `take` can use its answer."""
    take: dict[str, str] = {}
    """Variables by their path in that answer's data."""
    status: int = 200
    expected: Any = None
    """The answer's data as far as it is written here; lists are compared item by item and whole."""
    masked: Paths = []
    denied: Paths = []
    errors: list[ErrorSeen] = []
    must_not_appear: list[str] = []
    """Raw values that must be nowhere in the bytes of the answer."""
    may_appear: list[str] = []
    """Names and numbers of the cast that the answer may hold; all others are looked for."""
    source_saw: dict[str, dict[str, list[str] | int]] | None = None
    """By source and record type the columns it was asked for: exactly these sources, types and
    columns. For HTTP, which answers whole rows, the number of questions instead."""
    never_asked: list[str] = []
    """`source`, `source.record-type` or `source.column`: none was asked for."""
    same_answer_as: str | None = None
    """A scenario whose answer has the same bytes, and whose sources saw the same questions."""
    audit: Audited | None = None
    domain: str = Field(default="", exclude=True)

    @property
    def id(self) -> str:
        """The scenario's name in reports."""
        return f"{self.domain}: {self.name}"


@cache
def scenarios() -> Mapping[str, Scenario]:
    """Every scenario by name, in the order of the files."""
    found: dict[str, Scenario] = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        for raw in yaml.load(path.read_text("utf-8"), _Loader):
            scenario = Scenario.model_validate(raw | {"domain": path.stem})
            if scenario.name in found:
                raise ValueError(f"{path.name}: the scenario {scenario.name!r} stands twice")
            found[scenario.name] = scenario
    return found


def proving(what: str) -> Iterator[Scenario]:
    """Scenarios that say they prove a rule, a mask or a clock."""
    return (scenario for scenario in scenarios().values() if what in scenario.proves)


def flat(paths: Paths) -> set[str]:
    """Whole response paths."""
    if isinstance(paths, list):
        return set(paths)
    return {f"{start}.{end}" for start, ends in paths.items() for end in ends}
