"""What may be registered as a mandate: an authority, a scenario, record types, a period, the law.

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
  operatorAssertion: true            # whether the client's own issuer must sign who asks; true if absent
  subjectsPerCase: 20                # how many different subjects one case may have; 20 if absent
  noticeDelay: {days: 90, basis: …}  # only where the scenario allows one: the person is told that much later
```
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Final

import orjson
from pydantic import Field, StringConstraints, ValidationError

from authz.audit.leaves import canonical
from authz.errors import ConfigurationError
from authz.grants import Mandate, NoticeDelay
from catalogue.identifiers import IdentifierError, is_individual_business, normalize_uscc
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
    """A mandate as it is written down."""

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
    operator_assertion: bool = True
    subjects_per_case: Annotated[int, Field(ge=1, le=10_000)] = 20


def entry_bytes(entry: MandateEntry) -> bytes:
    """An entry as the register keeps it: canonical JSON without the approvers, whom the acts name."""
    return canonical(entry.model_dump(mode="json", by_alias=True, exclude={"approved_by", "stopped"}))


def approved_mandate(payload: bytes, approved_by: tuple[str, str], catalogue: Catalogue) -> Mandate:
    """The mandate of a kept entry, checked against today's catalogue; raises ConfigurationError."""
    raw = {**orjson.loads(payload), "approvedBy": approved_by}
    return check_mandate(mandate_entry(raw, "the register"), catalogue)


def mandate_entry(item: object, where: str) -> MandateEntry:
    """An entry by its shape; raises ConfigurationError that says where."""
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
        valid_from=max(entry.valid_from, scenario.valid_from),
        valid_until=min(entry.valid_until, scenario.valid_until),  # it ends with its scenario at the latest
        approved_by=entry.approved_by,
        unmasked=_unmasked(entry, scenario, catalogue),
        stopped=entry.stopped,
        notice_delay=_notice_delay(entry, scenario),
        operator_assertion=entry.operator_assertion,
        subjects_per_case=entry.subjects_per_case,
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
