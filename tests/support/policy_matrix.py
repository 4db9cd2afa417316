"""Every grant × kind of subject × type × field, and what the policy says of it, as text.

`python -m tests.support.policy_matrix > tests/vectors/policy_matrix.txt` after a deliberate change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from authz.actors import ANONYMOUS, Actor, ActorKind
from authz.decisions import Decision
from authz.grants import Grant, Mandate, Public, SelfAccess, Statutory
from authz.policy import RULES, Question, Rules, decide_by
from catalogue.identifiers import SubjectKey, SubjectKind
from catalogue.model import RecordType

PERSON = SubjectKey.person("990101198001010014")
COMPANY = SubjectKey.entity("91990100MA9TE00142")
OFFICER = Actor(ActorKind.OFFICER, client_id="approval", organization="11990100009000082Q", operator="op-1")
TODAY = date(2026, 11, 20)

_FIELDS = [
    {"name": "plainP", "type": "string", "class": "P"},
    {"name": "plainA", "type": "string", "class": "A"},
    {"name": "plainR", "type": "string", "class": "R"},
    {"name": "gradeA", "type": "code", "class": "A", "statutoryFact": True},
    {"name": "ownName", "type": "string", "class": "P", "mask": "M_NAME_PUB", "role": "name"},
    {"name": "otherName", "type": "string", "class": "P", "mask": "M_NAME_PUB"},
    {"name": "shortName", "type": "string", "class": "A", "mask": "M_NAME"},
    {"name": "courtId", "type": "citizenId", "class": "P", "mask": "M_ID_COURT"},
    {"name": "citizenId", "type": "citizenId", "class": "R", "mask": "M_ID"},
    {"name": "content", "type": "text", "class": "P", "mask": "M_TEXT"},
    {"name": "notes", "type": "text", "class": "R"},
    {"name": "fine", "type": "money", "class": "P", "mask": "M_BAND"},
]
_BY_LAW = {"byLaw": True, "term": "LIMITED", "max": {"SERIOUS": "P3Y"}}
_SECRET = {"term": "NEVER"}


def entry(name: str = "open", **changes: object) -> RecordType:
    raw: dict[str, object] = {
        "code": "P-TS-01",
        "name": {"zh": name, "en": name},
        "graphqlType": "Sample",
        "section": "samples",
        "domain": "ADMINISTRATION",
        "department": "TS",
        "subjects": ["NATURAL_PERSON", "ENTERPRISE"],
        "keys": ["CITIZEN_ID", "USCC"],
        "class": "P",
        "nature": "ADVERSE",
        "clocks": {"publication": {**_BY_LAW, "persons": True}},
        "fields": [{"label": {"zh": field["name"], "en": field["name"]}, **field} for field in _FIELDS],
        "legalBasis": ["样例法1"],
        "scenarios": ["S11"],
    }
    return RecordType.model_validate(raw | changes)


ENTRIES = {
    "open": entry(),
    "guarded": entry(clocks={"publication": {**_BY_LAW, "persons": True, "when": {"severity": ["SERIOUS"]}}}),
    "entities": entry(clocks={"publication": _BY_LAW}),
    "secret": entry(clocks={"publication": {**_SECRET, "persons": True}}),
    "restricted": entry(**{"class": "R"}),
    "pointer": entry(pointer={"notice": "https://example.cn"}),
    "persons": entry(subjects=["NATURAL_PERSON"]),
}

MANDATE = Mandate(
    id="M-1",
    authority=OFFICER.organization,
    scenario="S11",
    record_types={"P-TS-01": None},
    case_pattern="TEST-[0-9]{4}",
    legal_basis=("样例法1",),
    valid_from=date(2026, 1, 1),
    valid_until=date(2027, 12, 31),
    approved_by=("op-2", "op-3"),
)


def statutory(**changes: object) -> Statutory:
    mandate = replace(MANDATE, **changes)  # type: ignore[arg-type]
    return Statutory(OFFICER, mandate, "TEST-0001", "行政许可", granted_on=TODAY)


def self_access(subject: SubjectKey = PERSON, *, step_up: bool = False) -> SelfAccess:
    return SelfAccess(Actor(ActorKind.PERSON, "app", subject=subject, step_up=step_up), subject)


NAMED = {"P-TS-01": frozenset({"plainR", "content", "citizenId", "notes"})}
GRANTS: dict[str, Grant] = {
    "self": self_access(),
    "self-step-up": self_access(step_up=True),
    "self-company": self_access(COMPANY),
    "mandate": statutory(),
    "mandate-narrow": statutory(record_types={"P-TS-01": frozenset({"plainA", "citizenId"})}),
    "mandate-named": statutory(unmasked=NAMED),
    "mandate-other-scenario": statutory(scenario="S99"),
    "mandate-other-type": statutory(record_types={"P-TS-02": None}),
    "mandate-stopped": statutory(stopped=True),
    "mandate-ended": statutory(valid_until=date(2026, 11, 19)),
    "mandate-future": statutory(valid_from=date(2026, 11, 21)),
    "public": Public(ANONYMOUS),
}
SUBJECTS = {
    "person": (SubjectKind.NATURAL_PERSON, True),
    "company": (SubjectKind.ENTERPRISE, False),
    "individual-business": (SubjectKind.ENTERPRISE, True),
}


def render(rules: Rules = RULES) -> list[str]:
    """One line per grant, subject and type: the verdict on existence, then on each field."""
    return list(_lines(rules))


def _lines(rules: Rules) -> Iterator[str]:
    for grant_name, grant in GRANTS.items():
        for subject, (kind, personal) in SUBJECTS.items():
            for entry_name, kept in ENTRIES.items():
                verdicts = [
                    f"{field.name if field else 'exists'}={_verdict(decide_by(rules, ask))}"
                    for field in (None, *kept.fields)
                    for ask in [Question(grant, kept, field, kind, personal)]
                ]
                yield f"{grant_name} {subject} {entry_name}: {' '.join(verdicts)}"


def _verdict(decision: Decision) -> str:
    return (decision.mask or decision.effect.value.lower()) + ("?" if decision.guard else "")


if __name__ == "__main__":
    print("\n".join(render()))  # noqa: T201
