"""The operation of a scenario, ready for an approval system to keep: made from the catalogue."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from catalogue.identifiers import SubjectKind
from catalogue.model import Catalogue
from catalogue.scenario import Disclosure, Scenario


def operation_of(scenario: Scenario, catalogue: Catalogue) -> str:
    """A GraphQL document that checks a subject and selects every fact that bears on the matter."""
    related = bool(scenario.related_persons)
    variables = "$lookup: SubjectLookup!, $access: AccessContext!"
    arguments = "lookup: $lookup, access: $access"
    if related:
        variables += ", $relatedPersons: [RelatedPersonInput!]"
        arguments += ", relatedPersons: $relatedPersons"
    lines = [
        *_heading(scenario),
        f"mutation {scenario.code}({variables}) {{",
        f"  mustCheck({arguments}) {{",
        "    checkId caseNo subjectRef displayName obligation",
        "    completeness manualCheckRequired tasks { recordType step departmentName contact }",
        "    items {",
        "      recordType recordTypeName result state reason count severityMax",
        "      departmentName contact fetchedAt",
        *_selected(scenario, catalogue, tuple(SubjectKind), " " * 6),
        "    }",
        "    predicates { code value reasons recordTypes recordIds covered { recordType period } }",
        "    measures { measure { code name { zh en } } predicate obligation basis humanVerification }",
        *(_related(scenario, catalogue) if related else ()),
        "    checkedAt validUntil disclaimers { zh en }",
        "    receipt { jws nonce statement }",
        "  }",
        "}",
    ]
    return "\n".join(lines) + "\n"


def chunk_operation_of(scenario: Scenario, catalogue: Catalogue) -> str:
    """The same for many subjects, without what is alike for all and without related persons."""
    lines = [
        *_heading(scenario),
        f"mutation {scenario.code}Chunk("
        "$job: ID!, $number: Int!, $rows: [CheckRowInput!]!, $access: AccessContext!) {",
        "  mustCheckChunk(job: $job, number: $number, rows: $rows, access: $access) {",
        "    summary",
        "    rows {",
        "      line refusal { code message retryAfter }",
        "      check {",
        "        checkId subjectRef displayName completeness manualCheckRequired checkedAt validUntil",
        "        tasks { recordType step }",
        "        items {",
        "          recordType result state reason count severityMax fetchedAt",
        *_selected(scenario, catalogue, tuple(SubjectKind), " " * 10),
        "        }",
        "        predicates { code value reasons recordTypes recordIds }",
        "        measures { measure { code } predicate obligation basis humanVerification }",
        "        receipt { jws nonce statement }",
        "      }",
        "    }",
        "  }",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _heading(scenario: Scenario) -> Iterator[str]:
    yield f"# {scenario.code} {scenario.name.zh} / {scenario.name.en}"
    yield f"# {scenario.guard.zh} / {scenario.guard.en}"


def _related(scenario: Scenario, catalogue: Catalogue) -> Iterator[str]:
    yield "    related {"
    yield "      role subjectRef displayName"
    yield "      items {"
    yield "        recordType result reason"
    yield from _selected(scenario, catalogue, {SubjectKind.NATURAL_PERSON}, " " * 8)
    yield "      }"
    yield "      predicates { code value reasons }"
    yield "      measures { measure { code } predicate obligation basis humanVerification }"
    yield "    }"


def _selected(
    scenario: Scenario, catalogue: Catalogue, kinds: Collection[SubjectKind], margin: str
) -> Iterator[str]:
    if scenario.disclosure is not Disclosure.RECORDS:
        return
    yield f"{margin}records {{"
    yield f"{margin}  recordId status severity"
    for line in _records(scenario, catalogue, kinds):
        yield f"{margin}  {line}"
    yield f"{margin}}}"


def _records(scenario: Scenario, catalogue: Catalogue, kinds: Collection[SubjectKind]) -> list[str]:
    """One inline fragment for each relevant type about these kinds of subject."""
    fragments = []
    for item in scenario.relevance:
        entry = catalogue.record_types[item.record_type]
        if set(kinds) & set(entry.subjects):
            names = item.fields or tuple(field.name for field in entry.fields)
            fragments.append(f"... on {entry.graphql_type} {{ {' '.join(names)} }}")
    return fragments
