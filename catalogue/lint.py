"""Rules that span entries. A catalogue with a problem does not start.

GR01 score of a person            GR07 scenario without relevance or mandate
GR08 prohibited data              GR09 a field that decides
GR12 scenario without an end
MASK_UNKNOWN · MASK_TYPE · DROPPED_FIELD · CLASS_LOOSER · ID_UNMASKED how fields are protected
DUPLICATE_NAME · UNKNOWN_REFERENCE · SCENARIO_MISMATCH          how entries hang together
CLOCK_START · CLOCK_TERM · SEVERITY · SEVERITY_CAP              how long records live
NOT_IN_NATIONAL_LIST · PERSONS_WITHOUT_LAW                      what may be published
LOCALITY_CLOCK · BEHAVIOUR                                      profiles and behaviours
PREDICATE · MEASURE                     what a scenario makes of records, in `catalogue.scenario_lint`
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final

from catalogue import guardrails
from catalogue.masks import DROPPED, MASK_RULES
from catalogue.model import (
    Catalogue,
    Clocks,
    DataClass,
    FieldType,
    Nature,
    Publication,
    RecordField,
    RecordType,
    Role,
    Severity,
)
from catalogue.problems import Problem as Problem
from catalogue.problems import Problems as Problems
from catalogue.problems import repeated, unknown
from catalogue.scenario_lint import scenario_problems
from catalogue.values import Period

NATIONAL_CAPS: Final = {
    Severity.MINOR: Period(months=3),
    Severity.GENERAL: Period(years=1),
    Severity.SERIOUS: Period(years=3),
}
"""Longest publication (国办发〔2025〕22号, item 2)."""
LONGEST_RETENTION: Final = Period(years=5)
LONGEST_OBJECTION: Final = 20
"""Working days to settle an objection, extension included (浙江省公共信用信息管理条例 30)."""


def lint(catalogue: Catalogue) -> list[Problem]:
    """Every problem of the catalogue; empty when it may be served."""
    found = [problem for rule in _CATALOGUE_RULES for problem in rule(catalogue)]
    for entry in catalogue.record_types.values():
        found += [problem for rule in _TYPE_RULES for problem in rule(entry)]
    for scenario in catalogue.scenarios.values():
        found += scenario_problems(scenario, catalogue)
    return found


def _no_scores(entry: RecordType) -> Problems:
    if not entry.about_persons:
        return
    if word := guardrails.SCORES.find(entry.graphql_type, entry.section):
        yield Problem("GR01", entry.code, f"“{word}” scores a person; say what the record is")
    for field in entry.fields:
        place = f"{entry.code}.{field.name}"
        if field.statutory_fact and place in guardrails.STATUTORY_FACTS:
            continue
        if word := guardrails.SCORES.find(field.name, field.label.zh, field.label.en):
            yield Problem("GR01", place, f"“{word}” scores a person; remove the field")
        elif field.statutory_fact:
            yield Problem("GR01", place, "is not on the fixed list of statutory facts; drop `statutoryFact`")


def _no_prohibited_data(entry: RecordType) -> Problems:
    texts: dict[str, tuple[str, ...]] = {
        f"{entry.code}.{field.name}": _texts(field) for field in entry.fields
    }
    texts[entry.code] = (entry.graphql_type, entry.section, entry.name.zh, entry.name.en)
    for place, spoken in texts.items():
        word = guardrails.SENSITIVE.find(*spoken)
        if not word and entry.about_persons:
            word = guardrails.WEALTH.find(*spoken)
        if word:
            yield Problem("GR08", place, f"“{word}” is data no record type may hold; remove it")
    for field in entry.fields if entry.about_persons else ():
        if word := guardrails.RELATIVES.find(*_texts(field)):
            yield Problem("GR08", f"{entry.code}.{field.name}", f"“{word}” leads to a relative; remove it")


def _no_verdicts(entry: RecordType) -> Problems:
    for field in entry.fields if entry.about_persons else ():
        if word := guardrails.VERDICTS.find(field.name):
            advice = "say what is known, such as documentNo or determinedOn"
            yield Problem("GR09", f"{entry.code}.{field.name}", f"“{word}” reads as a verdict; {advice}")


def _texts(field: RecordField) -> tuple[str, str, str]:
    return field.name, field.label.zh, field.label.en


def _fields_are_protected(entry: RecordType) -> Problems:
    never = {field.name for field in entry.never_mapped}
    for field in entry.fields:
        place = f"{entry.code}.{field.name}"
        if field.mask == DROPPED or field.name in never:
            yield Problem(
                "DROPPED_FIELD", place, "must not enter the graph; leave it under `neverMapped` only"
            )
        elif field.mask is not None and field.mask not in MASK_RULES:
            yield Problem("MASK_UNKNOWN", place, f"no mask `{field.mask}`; use one of catalogue/masks.py")
        elif field.mask == "M_BAND" and field.type is FieldType.MONEY:
            yield Problem("MASK_TYPE", place, "M_BAND makes text of an amount; give the field `type: band`")
        elif field.mask is None and field.type is FieldType.CITIZEN_ID:
            yield Problem(
                "ID_UNMASKED", place, "a citizen id needs M_ID, or M_ID_COURT from the court itself"
            )
        if field.data_class is DataClass.PUBLIC and entry.data_class is not DataClass.PUBLIC:
            advice = f"is public in a type of class {entry.data_class}; make it as strict as its type"
            yield Problem("CLASS_LOOSER", place, advice)


def _names_are_unique(entry: RecordType) -> Problems:
    roles = (field.role for field in entry.fields if field.role)
    for what, names in (("field", (field.name for field in entry.fields)), ("role", roles)):
        for name in repeated(names):
            yield Problem("DUPLICATE_NAME", f"{entry.code}.{name}", f"the {what} stands twice; keep one")


def _references_inside(entry: RecordType) -> Problems:
    named = {"adverseWhen": entry.adverse_when, "when": tuple(entry.clocks.publication.when)}
    if entry.responsible:
        named["responsible"] = tuple(filter(None, (entry.responsible.name, entry.responsible.role)))
    if entry.pointer is not None:
        named["pointer"] = tuple(entry.pointer)
    for key, names in named.items():
        for name in names:
            if name not in entry.field_by_name and not (key == "when" and name in _roles(entry)):
                yield unknown(f"{entry.code}.{key}", "field", name)
    for name in entry.adverse_unless.keys() - set(entry.adverse_when):
        where = f"{entry.code}.{name}"
        yield Problem("SEVERITY", where, "has harmless values but is not in `adverseWhen`; name it there")
    for name in entry.adverse_when:
        if name in entry.field_by_name and not entry.field_by_name[name].adverse:
            where = f"{entry.code}.{name}"
            yield Problem("SEVERITY", where, "decides the adverse part but outlives it; set `adverse: true`")


def _roles(entry: RecordType) -> set[Role]:
    return set(entry.field_by_role) | set(entry.controls)


def _severities_fit(entry: RecordType) -> Problems:
    if entry.can_be_adverse != bool(entry.severities):
        advice = "an adverse type or part needs `severities`, and only such a type has them"
        yield Problem("SEVERITY", entry.code, advice)
    if len(entry.severities) > 1 and Role.SEVERITY not in _roles(entry):
        yield Problem(
            "SEVERITY", entry.code, "several severities need the role `severity` as field or control"
        )
    if entry.nature is not Nature.ADVERSE and not entry.adverse_when:
        for field in entry.fields:
            if field.adverse:
                advice = "is adverse in a type without `adverseWhen`; name what makes a record adverse"
                yield Problem("SEVERITY", f"{entry.code}.{field.name}", advice)


def _clocks_hold(entry: RecordType) -> Problems:
    yield from _clock_problems(entry, entry.clocks, entry.code)


def _clock_problems(entry: RecordType, clocks: Clocks, where: str) -> Problems:
    yield from _publication_terms(entry, clocks.publication, where)
    if (clocks.retention.kind == "PERIOD") != (clocks.retention.period is not None):
        yield Problem("CLOCK_TERM", where, "retention PERIOD needs a `period`, and no other kind has one")
    if entry.can_be_adverse and not clocks.starts_on:
        yield Problem("CLOCK_START", where, "an adverse clock needs `startsOn`")
    for role in clocks.starts_on if entry.can_be_adverse else ():
        if role not in _roles(entry):
            yield Problem(
                "CLOCK_START", where, f"`{role}` starts the clock; give a field that role or a control"
            )


def _publication_terms(entry: RecordType, published: Publication, where: str) -> Problems:
    for severity, term in published.max.items():
        if _longer(term, NATIONAL_CAPS[severity]):
            cap = NATIONAL_CAPS[severity]
            yield Problem("SEVERITY_CAP", where, f"{severity} is published {term}; the national cap is {cap}")
    if published.term == "LIMITED":
        for severity in sorted(set(entry.severities) - set(published.max)):
            yield Problem("CLOCK_TERM", where, f"a LIMITED publication needs `max` for {severity}")
    if published.by_law and not published.basis:
        yield Problem("CLOCK_TERM", where, "publication by law needs the law as `basis`")
    if published.persons and not published.by_law:
        yield Problem(
            "PERSONS_WITHOUT_LAW", where, "persons are published only `byLaw`; set `persons: false`"
        )


def _longer(period: Period, cap: Period) -> bool:
    start = date(2000, 1, 1)
    return period.after(start) > cap.after(start)


def _publication_is_listed(entry: RecordType) -> Problems:
    if entry.clocks.publication.by_law and not entry.national_items:
        advice = (
            "is published but names no item of the national catalogue; add `nationalItems` or do not publish"
        )
        yield Problem("NOT_IN_NATIONAL_LIST", entry.code, advice)


def _graph_names_are_unique(catalogue: Catalogue) -> Problems:
    types = catalogue.record_types.values()
    for name in repeated(entry.graphql_type for entry in types):
        yield Problem("DUPLICATE_NAME", name, "two record types share the GraphQL type; rename one")
    sections = ((entry.domain, entry.section, kind) for entry in types for kind in entry.subjects)
    for domain, section, kind in repeated(sections):
        where = f"{domain}.{section}"
        yield Problem("DUPLICATE_NAME", where, f"two record types of {kind} share the section; rename one")
    for name in repeated(domain.field for domain in catalogue.domains.values()):
        yield Problem("DUPLICATE_NAME", name, "two domains share the field; rename one")


def _references_across(catalogue: Catalogue) -> Problems:
    for entry in catalogue.record_types.values():
        if entry.department not in catalogue.departments:
            yield unknown(entry.code, "department", entry.department)
        if entry.domain not in catalogue.domains:
            yield unknown(entry.code, "domain", entry.domain)
        for code in entry.scenarios:
            if code not in catalogue.scenarios:
                yield unknown(entry.code, "scenario", code)
            elif entry.code not in catalogue.scenarios[code].record_types:
                advice = f"names {code}, which does not look at it; remove {code} from `scenarios`"
                yield Problem("SCENARIO_MISMATCH", entry.code, advice)


def _behaviours_fit(catalogue: Catalogue) -> Problems:
    for behaviour in catalogue.behaviours.values():
        types = [
            catalogue.record_types[code] for code in behaviour.record_types if code in catalogue.record_types
        ]
        for code in set(behaviour.record_types) - set(catalogue.record_types):
            yield unknown(behaviour.code, "record type", code)
        if behaviour.kind == "GOOD" and behaviour.severity:
            yield Problem("BEHAVIOUR", behaviour.code, "good conduct has no severity; remove it")
        for entry in types if behaviour.kind == "ADVERSE" else ():
            if not entry.can_be_adverse:
                yield Problem("BEHAVIOUR", behaviour.code, f"{entry.code} holds nothing adverse")
            elif behaviour.severity and behaviour.severity not in entry.severities:
                yield Problem(
                    "BEHAVIOUR", behaviour.code, f"{entry.code} has no severity {behaviour.severity}"
                )


def _localities_hold(catalogue: Catalogue) -> Problems:
    if "default" not in catalogue.localities:
        yield Problem(
            "LOCALITY_CLOCK", "localities", "there is no profile `default`; add the strictest known"
        )
    for profile in catalogue.localities.values():
        if _longer(profile.adverse_retention, LONGEST_RETENTION):
            yield Problem(
                "LOCALITY_CLOCK", profile.code, f"adverse records are kept {LONGEST_RETENTION} at most"
            )
        days = profile.objection
        if not 0 <= days.mark_within <= days.decide_within <= days.extend_to <= LONGEST_OBJECTION:
            advice = f"objection days must rise: mark, decide, extend, at most {LONGEST_OBJECTION}"
            yield Problem("LOCALITY_CLOCK", profile.code, advice)
        for code, clocks in profile.clocks.items():
            if code in catalogue.record_types:
                yield from _clock_problems(catalogue.record_types[code], clocks, f"{profile.code}.{code}")
            else:
                yield unknown(profile.code, "record type", code)


_TYPE_RULES: Final[tuple[Callable[[RecordType], Problems], ...]] = (
    _no_scores,
    _no_prohibited_data,
    _no_verdicts,
    _fields_are_protected,
    _names_are_unique,
    _references_inside,
    _severities_fit,
    _clocks_hold,
    _publication_is_listed,
)
_CATALOGUE_RULES: Final[tuple[Callable[[Catalogue], Problems], ...]] = (
    _graph_names_are_unique,
    _references_across,
    _behaviours_fit,
    _localities_hold,
)
