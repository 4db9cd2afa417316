"""Every grant × kind of subject × type × field, and what the policy says of it, as text.

`python -m tests.support.policy_matrix > tests/vectors/policy_matrix.txt` after a deliberate change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime

from authz.actors import ANONYMOUS, Actor, ActorKind
from authz.consent.artefact import ConsentArtefact, Item
from authz.decisions import Decision
from authz.grants import Consent, Grant, Mandate, Public, SelfAccess, Statutory
from authz.policy import decide_by
from authz.rules import RULES, Question, Rules
from catalogue.identifiers import SubjectKey, SubjectKind
from catalogue.model import RecordType
from catalogue.values import CHINA_TIME

PERSON = SubjectKey.person("990101198001010014")
COMPANY = SubjectKey.entity("91990100MA9TE00142")
OFFICER = Actor(
    ActorKind.OFFICER, client_id="approval", organization="11990100009000082Q", operator="op-1", vouched=True
)
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


BANK = Actor(ActorKind.PARTNER, client_id="sample-bank", organization=COMPANY.value)
NOW = datetime(2026, 11, 20, 10, 0, tzinfo=CHINA_TIME)
EVERY_FIELD = tuple(str(field["name"]) for field in _FIELDS)
CONFIRMED = ("GENERAL", "THIRD_PARTY_PROVISION")


def item(level: str = "MASKED", fields: tuple[str, ...] = EVERY_FIELD, **more: object) -> Item:
    return Item.model_validate({"recordType": "P-TS-01", "level": level, "fields": fields, **more})


def artefact(*items: Item, confirmed: tuple[str, ...] = CONFIRMED, **changes: object) -> ConsentArtefact:
    raw: dict[str, object] = {
        "consentId": "ca_" + "a" * 32,
        "createdAt": NOW,
        "subject": {
            "subjectRef": "sr_abc",
            "verifiedBy": {"clientId": "citizen-app", "at": NOW},
            "ageBand": "18_PLUS",
        },
        "grantee": {"clientId": BANK.client_id, "name": "样例银行", "uscc": COMPANY.value, "contact": "000"},
        "providers": [{"deptCode": "TS", "deptName": "样例局"}],
        "notice": {
            "noticeId": "N-S11",
            "version": "1",
            "sha256": "0" * 64,
            "confirmedAt": NOW,
            "itemsConfirmed": confirmed,
        },
        "purpose": {
            "scenarioCode": "S11",
            "reasonCode": "LOAN_APPROVAL",
            "text": "用于审查本人提交的经营贷款申请",
            "caseNo": "LN-1",
        },
        "legal": {"articles": ["样例法1"], "localityProfile": "default"},
        "authorizationDetails": items or (item(),),
        "dataLife": {"unit": "DAY", "value": 30},
        "validity": {"from": NOW, "until": NOW.replace(day=27)},
    }
    return ConsentArtefact.model_validate(raw | changes)


def consent(*items: Item, actor: Actor = BANK, at: datetime = NOW, **changes: object) -> Consent:
    made = artefact(*items, **changes)  # type: ignore[arg-type]
    by_type = {one.record_type: one for one in made.authorization_details}
    return Consent(actor, made, by_type, PERSON, granted_at=at, use_key="u")


SENSITIVE = (*CONFIRMED, "SENSITIVE")
NAMED = {"P-TS-01": frozenset({"plainR", "content", "citizenId", "notes"})}
GRANTS: dict[str, Grant] = {
    "self": self_access(),
    "self-step-up": self_access(step_up=True),
    "self-company": self_access(COMPANY),
    "self-company-step-up": self_access(COMPANY, step_up=True),
    "mandate": statutory(),
    "mandate-narrow": statutory(record_types={"P-TS-01": frozenset({"plainA", "citizenId"})}),
    "mandate-named": statutory(unmasked=NAMED),
    "mandate-other-scenario": statutory(scenario="S99"),
    "mandate-other-type": statutory(record_types={"P-TS-02": None}),
    "mandate-stopped": statutory(stopped=True),
    "mandate-ended": statutory(valid_until=date(2026, 11, 19)),
    "mandate-future": statutory(valid_from=date(2026, 11, 21)),
    "public": Public(ANONYMOUS),
    "consent": consent(confirmed=SENSITIVE),
    "consent-full": consent(item("FULL"), confirmed=SENSITIVE),
    "consent-boolean": consent(item("BOOLEAN"), confirmed=SENSITIVE),
    "consent-narrow": consent(item(fields=("plainA", "citizenId")), confirmed=SENSITIVE),
    "consent-not-sensitive": consent(item("FULL")),
    "consent-some-rows": consent(item(natures=["GOOD", "SERIOUS"]), confirmed=SENSITIVE),
    "consent-some-years": consent(item("BOOLEAN", **{"from": "2024-01-01"}), confirmed=SENSITIVE),
    "consent-other-scenario": consent(
        confirmed=SENSITIVE,
        purpose={
            "scenarioCode": "S99",
            "reasonCode": "LOAN_APPROVAL",
            "text": "用于审查本人提交的经营贷款申请",
            "caseNo": "LN-1",
        },
    ),
    "consent-other-type": replace(consent(confirmed=SENSITIVE), items={}),
    "consent-other-client": consent(confirmed=SENSITIVE, actor=replace(BANK, client_id="other-bank")),
    "consent-ended": consent(confirmed=SENSITIVE, at=NOW.replace(day=27)),
    "consent-future": consent(confirmed=SENSITIVE, at=NOW.replace(day=19)),
}
OTHER_PERSON = SubjectKey.person("990101196307080059")
SUBJECTS = {
    "person": (SubjectKind.NATURAL_PERSON, True, PERSON),
    "other-person": (SubjectKind.NATURAL_PERSON, True, OTHER_PERSON),
    "company": (SubjectKind.ENTERPRISE, False, COMPANY),
    "individual-business": (SubjectKind.ENTERPRISE, True, SubjectKey.entity("92990100MA9T000018")),
}


def render(rules: Rules = RULES) -> list[str]:
    """One line per grant, subject and type: the verdict on existence, then on each field."""
    return list(_lines(rules))


def _lines(rules: Rules) -> Iterator[str]:
    for grant_name, grant in GRANTS.items():
        for subject, (kind, personal, key) in SUBJECTS.items():
            for entry_name, kept in ENTRIES.items():
                verdicts = [
                    f"{field.name if field else 'exists'}={_verdict(decide_by(rules, ask))}"
                    for field in (None, *kept.fields)
                    for ask in [Question(grant, kept, field, kind, personal, key)]
                ]
                yield f"{grant_name} {subject} {entry_name}: {' '.join(verdicts)}"


def _verdict(decision: Decision) -> str:
    return (decision.mask or decision.effect.value.lower()) + ("?" if decision.guard else "")


if __name__ == "__main__":
    print("\n".join(render()))  # noqa: T201
