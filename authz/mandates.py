"""Registered statutory bases: which authority may look at what, in which scenario, until when.

A mandate only ever narrows its scenario: the record types and fields are those that bear on
the matter, two people approved it, and it ends by itself (GR-07, GR-12). A list in YAML:

```yaml
- id: M-HR-S04
  authority: <USCC>
  scenario: S04
  recordTypes:
    P-RS-02:                         # every field the scenario looks at
    P-FY-01: [caseNo, court]         # or named ones
  casePattern: RSKS-20[0-9]{2}-[0-9]{4}
  legalBasis: [公务员法第26条]
  validFrom: 2026-01-01
  validUntil: 2027-12-31
  approvedBy: [op-0012, op-0034]
  unmasked: {P-RS-02: [facts]}       # restricted or free-text fields the legal basis itself names
  noticeDelay: {days: 90, basis: …}  # only where the scenario allows one: the person is told that much later
```
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Final

import yaml
from pydantic import Field, StringConstraints, ValidationError

from authz.actors import Actor, ActorKind
from authz.errors import AccessDenied, ConfigurationError
from authz.grants import Mandate, NoticeDelay, Statutory
from authz.wording import LONGEST_CASE_NUMBER, case_number, purpose_text
from catalogue.identifiers import (
    IdentifierError,
    holds_citizen_id,
    is_individual_business,
    normalize_uscc,
)
from catalogue.model import Catalogue, Entry, FieldName, RecordTypeCode, Relevance, Scenario
from catalogue.values import Period

LONGEST_TERM: Final = Period(years=2)
"""Every mandate stops by itself (GR-12)."""

_SAMPLE_IDS: Final = ("990101198001010014", "11010519491231002X", "11010519491231002x", "990101751231002")
"""Nobody's numbers (region 9901xx, GB 11643 sample): a case number may look like none of them."""

_Words = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class NoticeDelayEntry(Entry):
    """How much later the person is told, and by which law."""

    days: Annotated[int, Field(gt=0)]
    basis: _Words


class MandateEntry(Entry):
    """A mandate as registered in YAML."""

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,63}$")]
    authority: str
    scenario: str
    record_types: Mapping[RecordTypeCode, frozenset[FieldName] | None] = Field(min_length=1)
    case_pattern: _Words
    legal_basis: tuple[_Words, ...] = Field(min_length=1)
    valid_from: date
    valid_until: date
    approved_by: tuple[_Words, _Words]
    unmasked: Mapping[RecordTypeCode, frozenset[FieldName]] = Field(default_factory=dict)
    stopped: bool = False
    notice_delay: NoticeDelayEntry | None = None


class MandateRegister:
    """Mandates in force, by authority and scenario; the only maker of statutory grants."""

    def __init__(self, mandates: Iterable[Mandate] = ()) -> None:
        self._mandates: defaultdict[tuple[str, str], list[Mandate]] = defaultdict(list)
        for mandate in mandates:
            self._mandates[mandate.authority, mandate.scenario].append(mandate)

    @property
    def mandates(self) -> tuple[Mandate, ...]:
        """Every registered mandate, ended and stopped ones too."""
        return tuple(mandate for group in self._mandates.values() for mandate in group)

    def grant(
        self,
        actor: Actor,
        scenario: str,
        case_no: str | None,
        purpose: str,
        today: date,
        legal_basis_id: str | None = None,
    ) -> Statutory:
        """The grant of one case; `legal_basis_id` is a mandate's id or one of its legal bases.

        Raises AccessDenied with a stable code; no message repeats what was sent.
        """
        _require_officer(actor)
        mandates = self._in_force(actor.organization, scenario, today, legal_basis_id)
        number = case_number(case_no)
        bounded = len(number) <= LONGEST_CASE_NUMBER
        mandate = next((one for one in mandates if bounded and _fits(one.case_pattern, number)), None)
        if mandate is None or holds_citizen_id(number):
            raise AccessDenied(
                "CASE_NUMBER_INVALID",
                "The case number breaks the mandate's pattern or holds an id. Send your own file's number.",
            )
        if actor.operator in mandate.approved_by:
            raise AccessDenied("ACTOR_NOT_ALLOWED", "Who approved a mandate may not use it. Ask a colleague.")
        return Statutory(actor, mandate, number, purpose_text(purpose), granted_on=today)

    def _in_force(self, authority: str, scenario: str, today: date, basis: str | None) -> list[Mandate]:
        registered = [
            mandate
            for mandate in self._mandates.get((authority, scenario), ())
            if basis is None or basis == mandate.id or basis in mandate.legal_basis
        ]
        if not registered:
            raise AccessDenied(
                "SCENARIO_NOT_MANDATED",
                "Your organization has no mandate for this scenario and legal basis. Ask the credit office.",
            )
        running = [mandate for mandate in registered if not mandate.stopped]
        if not running:
            raise AccessDenied("SCENARIO_STOPPED", "The scenario has been stopped. Ask the credit office.")
        in_force = [mandate for mandate in running if mandate.valid_from <= today <= mandate.valid_until]
        if not in_force:
            raise AccessDenied(
                "MANDATE_EXPIRED", "The mandate is not in force today. Ask the credit office to renew it."
            )
        return in_force


def _require_officer(actor: Actor) -> None:
    if actor.kind is not ActorKind.OFFICER or not actor.organization:
        raise AccessDenied(
            "ACTOR_NOT_ALLOWED",
            "Mandates are for case officers of an authority. Use consent, self or public access instead.",
        )


def _fits(pattern: str, number: str) -> bool:
    """ASCII digits and letters only: nobody finds a file by others."""
    return re.fullmatch(pattern, number, re.ASCII) is not None


def load_mandates(path: Path, catalogue: Catalogue) -> MandateRegister:
    """Read the register from a YAML list; raises ConfigurationError with the mandate it is about."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError("MANDATE_FILE", str(path), "The mandates cannot be opened.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ConfigurationError("MANDATE_SYNTAX", where, "Not YAML in UTF-8; correct the file.") from None
    if not isinstance(raw, list):
        raise ConfigurationError("MANDATE_SYNTAX", str(path), "Expected a list of mandates.")
    mandates: dict[str, Mandate] = {}
    for number, item in enumerate(raw):
        mandate = check_mandate(_entry(item, f"{path}[{number}]"), catalogue)
        if mandate.id in mandates:
            raise ConfigurationError("MANDATE_DUPLICATE", mandate.id, "The mandate id is taken.")
        mandates[mandate.id] = mandate
    return MandateRegister(mandates.values())


def _entry(item: object, where: str) -> MandateEntry:
    try:
        return MandateEntry.model_validate(item)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)
        )
        raise ConfigurationError("MANDATE_SHAPE", where, faults) from None


def check_mandate(entry: MandateEntry, catalogue: Catalogue) -> Mandate:
    """The mandate of an entry, narrowed to its scenario; raises ConfigurationError."""
    scenario = _scenario(entry, catalogue)
    _check_party(entry)
    _check_pattern(entry)
    return Mandate(
        id=entry.id,
        authority=entry.authority,
        scenario=entry.scenario,
        record_types=_narrowed(entry, scenario, catalogue),
        case_pattern=entry.case_pattern,
        legal_basis=entry.legal_basis,
        valid_from=entry.valid_from,
        valid_until=entry.valid_until,
        approved_by=entry.approved_by,
        unmasked=_unmasked(entry, scenario, catalogue),
        stopped=entry.stopped,
        notice_delay=_notice_delay(entry, scenario),
    )


def _notice_delay(entry: MandateEntry, scenario: Scenario) -> NoticeDelay | None:
    delay = entry.notice_delay
    if delay is None:
        return None
    if delay.days > scenario.notice_delay_days:
        raise ConfigurationError(
            "MANDATE_NOTICE_DELAY",
            entry.id,
            f"`noticeDelay` may be at most {scenario.notice_delay_days} days in this scenario.",
        )
    return NoticeDelay(delay.days, delay.basis)


def _scenario(entry: MandateEntry, catalogue: Catalogue) -> Scenario:
    scenario = catalogue.scenarios.get(entry.scenario)
    if scenario is None:
        raise ConfigurationError("MANDATE_SCENARIO", entry.id, "The catalogue has no such scenario.")
    if "STATUTORY" not in scenario.basis:
        raise ConfigurationError(
            "MANDATE_BASIS", entry.id, "This scenario needs consent; no mandate opens it."
        )
    return scenario


def _check_party(entry: MandateEntry) -> None:
    try:
        canonical = normalize_uscc(entry.authority)
    except IdentifierError:
        canonical = ""
    if canonical != entry.authority or is_individual_business(canonical):
        raise ConfigurationError(
            "MANDATE_AUTHORITY", entry.id, "`authority` must be the USCC of an authority."
        )
    if not entry.valid_from <= entry.valid_until <= LONGEST_TERM.after(entry.valid_from):
        raise ConfigurationError(
            "MANDATE_PERIOD", entry.id, "`validUntil` must lie within two years of `validFrom` (GR-12)."
        )
    first, second = entry.approved_by
    if first.casefold() == second.casefold():
        raise ConfigurationError(
            "MANDATE_APPROVAL", entry.id, "`approvedBy` must name two different people (GR-07)."
        )


def _check_pattern(entry: MandateEntry) -> None:
    try:
        pattern = re.compile(entry.case_pattern, re.ASCII)
    except re.error:
        raise ConfigurationError(
            "MANDATE_CASE_PATTERN", entry.id, "`casePattern` is not a regular expression."
        ) from None
    if any(map(pattern.fullmatch, _SAMPLE_IDS)):
        raise ConfigurationError(
            "MANDATE_CASE_PATTERN",
            entry.id,
            "`casePattern` admits a citizen id; add the letters of your own.",
        )


def _narrowed(
    entry: MandateEntry, scenario: Scenario, catalogue: Catalogue
) -> dict[str, frozenset[str] | None]:
    """Fields by type: the entry's own, within what bears on the matter."""
    relevant = {item.record_type: item for item in scenario.relevance}
    narrowed: dict[str, frozenset[str] | None] = {}
    for code, named in entry.record_types.items():
        if code not in relevant:
            raise ConfigurationError(
                "MANDATE_TYPE", entry.id, f"{code} does not bear on {scenario.code} (GR-07); remove it."
            )
        permitted = _relevant_fields(relevant[code], catalogue)
        if named is None:
            narrowed[code] = permitted if relevant[code].fields else None
            continue
        if not named or not named <= permitted:
            raise ConfigurationError(
                "MANDATE_FIELD",
                entry.id,
                f"{code}: name at least one field, and only fields of the scenario.",
            )
        narrowed[code] = named
    return narrowed


def _relevant_fields(item: Relevance, catalogue: Catalogue) -> frozenset[str]:
    return frozenset(item.fields) or frozenset(catalogue.record_types[item.record_type].field_by_name)


def _unmasked(entry: MandateEntry, scenario: Scenario, catalogue: Catalogue) -> dict[str, frozenset[str]]:
    """Fields in clear by type: never more than the mandate reads."""
    permitted = _narrowed(entry, scenario, catalogue)
    for code, fields in entry.unmasked.items():
        readable = permitted.get(code, frozenset())
        if readable is None:
            readable = frozenset(catalogue.record_types[code].field_by_name)
        if not fields <= readable:
            raise ConfigurationError(
                "MANDATE_UNMASKED", entry.id, f"{code}: `unmasked` names a field the mandate does not read."
            )
    return dict(entry.unmasked)
