from dataclasses import replace
from pathlib import Path

import pytest

from authz.actors import ANONYMOUS
from authz.decisions import Effect
from authz.grants import Public
from authz.policy import PolicyError, decide, decide_by, decision_table
from authz.rules import RULES, Question, Rules
from catalogue.identifiers import SubjectKind
from tests.support.policy_matrix import (
    COMPANY,
    ENTRIES,
    GRANTS,
    MANDATE,
    NAMED,
    NOW,
    OTHER_PERSON,
    SENSITIVE,
    consent,
    entry,
    item,
    render,
    self_access,
    statutory,
)
from tests.support.policy_matrix import PERSON as PERSON_KEY

GOLDEN = (Path(__file__).parent.parent / "vectors/policy_matrix.txt").read_text(encoding="utf-8").splitlines()
PERSON, FIRM = SubjectKind.NATURAL_PERSON, SubjectKind.ENTERPRISE
PUBLIC = Public(ANONYMOUS)
OPEN = ENTRIES["open"]


def verdict(grant, field=None, kept=OPEN, kind=PERSON, *, personal=False):
    asked = kept.field_by_name[field] if field else None
    return decide(grant, kept, asked, kind, personal=personal)


def rule(*args, **kwargs):
    return verdict(*args, **kwargs).rule


def test_the_whole_matrix_is_as_agreed():
    assert render() == GOLDEN


def _without(rules: Rules, table: str, at: int) -> Rules:
    kept = getattr(rules, table)
    return replace(rules, **{table: kept[:at] + kept[at + 1 :]})


def _inverted(rules: Rules, table: str, at: int) -> Rules:
    kept = getattr(rules, table)
    turned = replace(kept[at], matches=lambda ask: not kept[at].matches(ask))
    return replace(rules, **{table: (*kept[:at], turned, *kept[at + 1 :])})


PLACES = [
    (table, at)
    for table in ("forbid", "permit", "presence", "masks")
    for at in range(len(getattr(RULES, table)))
]


@pytest.mark.parametrize("mutate", [_without, _inverted])
@pytest.mark.parametrize(("table", "at"), PLACES, ids=lambda place: str(place))
def test_no_rule_can_be_dropped_or_turned_without_the_matrix_showing_it(mutate, table, at):
    assert render(mutate(RULES, table, at)) != GOLDEN


def test_rule_ids_are_unique_and_every_reason_is_about_the_grant():
    every = [*RULES.forbid, *RULES.permit, *RULES.presence, *RULES.masks]
    assert len({kept.id for kept in every}) == len(every)
    assert all(kept.reason.endswith(".") for kept in every)


def test_every_rule_decides_something():
    decided = {
        decide(grant, kept, field, kind, personal=personal, subject=subject).rule
        for grant in GRANTS.values()
        for kept in ENTRIES.values()
        for field in (None, *kept.fields)
        for kind in (PERSON, FIRM)
        for personal in (True, False)
        for subject in (PERSON_KEY, OTHER_PERSON)
    }
    assert decided == {kept.id for kept in (*RULES.forbid, *RULES.permit, *RULES.presence, *RULES.masks)}


def test_a_rule_table_that_permits_nothing_denies():
    silent = replace(RULES, permit=())
    decision = decide_by(silent, Question(GRANTS["self"], OPEN, None, PERSON, personal=True))
    assert (decision.effect, decision.rule) == (Effect.DENY, "deny.default")


def test_forbid_beats_permit():
    assert verdict(statutory()).effect is Effect.PERMIT
    assert rule(statutory(stopped=True)) == "forbid.mandate-stopped"


def test_a_field_of_another_type_raises():
    other = entry(
        fields=[{"name": "alien", "label": {"zh": "外", "en": "alien"}, "type": "string", "class": "P"}]
    )
    with pytest.raises(PolicyError):
        decide(statutory(), OPEN, other.fields[0], PERSON, personal=True)


def test_a_field_declared_laxer_than_the_type_says_raises():
    lax = OPEN.field_by_name["citizenId"].model_copy(update={"mask": None})
    with pytest.raises(PolicyError):
        decide(statutory(), OPEN, lax, PERSON, personal=True)


def test_an_unknown_mask_raises():
    field = {
        "name": "odd",
        "label": {"zh": "怪", "en": "odd"},
        "type": "string",
        "class": "P",
        "mask": "M_DROP",
    }
    odd = entry(fields=[field])
    with pytest.raises(PolicyError, match="M_DROP"):
        decide(PUBLIC, odd, odd.fields[0], FIRM, personal=False)


def test_an_unknown_grant_raises():
    with pytest.raises(PolicyError):
        decide(object(), OPEN, None, PERSON, personal=True)  # type: ignore[arg-type]


def test_a_natural_person_is_personal_whatever_the_caller_says():
    assert rule(PUBLIC, kept=ENTRIES["entities"], personal=False) == "forbid.public-persons"


def test_an_individual_business_has_the_rules_of_persons():
    firms = ENTRIES["entities"]
    assert rule(PUBLIC, kept=firms, kind=FIRM, personal=True) == "forbid.public-persons"
    assert rule(PUBLIC, kept=firms, kind=FIRM, personal=False) == "permit.public"
    assert rule(statutory(), "content", kind=FIRM, personal=True) == "forbid.person-text"
    assert rule(statutory(), "ownName", kept=firms, kind=FIRM, personal=True) == "mask.name"


@pytest.mark.parametrize(
    ("grant", "kept", "expected"),
    [
        (statutory(), "pointer", "forbid.pointer"),
        (self_access(COMPANY), "open", "forbid.self-kind"),
        (GRANTS["mandate-ended"], "open", "forbid.mandate-period"),
        (GRANTS["mandate-future"], "open", "forbid.mandate-period"),
        (GRANTS["mandate-other-type"], "open", "forbid.mandate-type"),
        (PUBLIC, "secret", "forbid.public-law"),
        (PUBLIC, "restricted", "forbid.public-class"),
    ],
)
def test_existence_itself_is_denied(grant, kept, expected):
    decision = verdict(grant, kept=ENTRIES[kept])
    assert (decision.effect, decision.rule) == (Effect.DENY, expected)


@pytest.mark.parametrize("day", [MANDATE.valid_from, MANDATE.valid_until])
def test_a_mandate_permits_on_its_first_and_its_last_day(day):
    assert rule(replace(statutory(), granted_on=day)) == "permit.mandate"


def test_a_type_of_persons_has_nothing_of_firms():
    assert rule(statutory(), kept=ENTRIES["persons"], kind=FIRM) == "forbid.subject-kind"


def test_a_narrowed_mandate_opens_its_fields_only():
    narrow = GRANTS["mandate-narrow"]
    assert rule(narrow, "plainA") == "permit.mandate"
    assert rule(narrow, "plainP") == "forbid.mandate-field"


def test_a_statutory_fact_is_shown_in_its_scenarios_and_to_oneself():
    assert rule(statutory(), "gradeA") == "permit.mandate"
    assert rule(self_access(), "gradeA") == "permit.self"
    assert rule(GRANTS["mandate-other-scenario"], "gradeA") == "forbid.statutory-fact"


def test_what_the_mandate_names_is_clear_but_its_text_is_scrubbed():
    named = statutory(unmasked=NAMED)
    assert verdict(named, "citizenId").effect is Effect.PERMIT
    assert verdict(named, "plainR").effect is Effect.PERMIT
    assert verdict(named, "content").mask == "M_TEXT"
    assert verdict(statutory(), "citizenId").mask == "M_ID"
    assert rule(statutory(), "plainR") == "forbid.restricted"


def test_step_up_opens_ones_own_record_but_not_other_peoples_numbers_in_it():
    assert verdict(self_access(), "citizenId").mask == "M_ID"
    assert rule(self_access(), "plainR") == "forbid.restricted"
    stepped = self_access(step_up=True)
    assert verdict(stepped, "citizenId").effect is Effect.PERMIT
    assert verdict(stepped, "plainR").effect is Effect.PERMIT
    assert verdict(stepped, "notes").mask == "M_TEXT"


def test_the_courts_form_is_for_the_public_only():
    assert verdict(PUBLIC, "courtId").mask == "M_ID_COURT"
    assert verdict(statutory(), "courtId").mask == "M_ID"
    assert verdict(self_access(), "courtId").mask == "M_ID"


def test_a_full_name_needs_a_law_that_orders_it_for_the_row():
    assert verdict(PUBLIC, "otherName").effect is Effect.PERMIT
    assert verdict(statutory(), "otherName").effect is Effect.PERMIT
    assert verdict(statutory(), "otherName", kept=ENTRIES["guarded"]).mask == "M_NAME"
    assert verdict(PUBLIC, "otherName", kept=ENTRIES["entities"], kind=FIRM).mask == "M_NAME"
    assert verdict(PUBLIC, "ownName", kept=ENTRIES["entities"], kind=FIRM).effect is Effect.PERMIT


def test_the_row_guard_binds_the_public_only():
    guarded = ENTRIES["guarded"]
    assert verdict(PUBLIC, kept=guarded).guard.allowed == {"severity": ("SERIOUS",)}
    assert verdict(statutory(), kept=guarded).guard is None
    assert verdict(PUBLIC).guard is None


def test_the_table_says_what_decide_says_and_denied_types_read_nothing():
    table = decision_table(PUBLIC, [OPEN], PERSON, personal=True)["P-TS-01"]
    assert table.fields == {
        field.name: decide(PUBLIC, OPEN, field, PERSON, personal=True) for field in OPEN.fields
    }
    assert table.readable == {"plainP", "ownName", "otherName", "courtId", "fine"}
    secret = decision_table(PUBLIC, [ENTRIES["secret"]], PERSON, personal=True)["P-TS-01"]
    assert secret.readable == frozenset()


def test_equal_grants_share_a_table_and_a_change_of_anything_does_not():
    first = decision_table(statutory(), [OPEN], PERSON, personal=True)
    assert decision_table(statutory(), [OPEN], PERSON, personal=True) is first
    others = [
        decision_table(statutory(stopped=True), [OPEN], PERSON, personal=True),
        decision_table(statutory(unmasked=NAMED), [OPEN], PERSON, personal=True),
        decision_table(statutory(), [entry()], PERSON, personal=True),
        decision_table(statutory(), [OPEN], FIRM, personal=True),
        decision_table(statutory(), [OPEN], FIRM, personal=False),
        decision_table(self_access(), [OPEN], PERSON, personal=True),
        decision_table(self_access(step_up=True), [OPEN], PERSON, personal=True),
        decision_table(self_access(COMPANY), [OPEN], PERSON, personal=True),
    ]
    assert all(table is not first for table in others)
    assert len({id(table) for table in others}) == len(others)
    assert others[0]["P-TS-01"].existence.rule == "forbid.mandate-stopped"
    assert others[-1]["P-TS-01"].existence.rule == "forbid.self-kind"


def asked(grant, field=None, kept=OPEN, subject=PERSON_KEY):
    named = kept.field_by_name[field] if field else None
    return decide(grant, kept, named, PERSON, personal=True, subject=subject)


def test_a_consent_opens_the_fields_it_names_and_no_other():
    narrow = GRANTS["consent-narrow"]
    assert (asked(narrow, "plainA").effect, asked(narrow, "citizenId").mask) == (Effect.PERMIT, "M_ID")
    assert asked(narrow, "plainP").rule == "forbid.consent-field"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("consent-other-client", "forbid.consent-grantee"),
        ("consent-other-type", "forbid.consent-type"),
        ("consent-ended", "forbid.consent-period"),
        ("consent-future", "forbid.consent-period"),
    ],
)
def test_a_consent_that_does_not_fit_hides_even_existence(name, expected):
    assert asked(GRANTS[name]).rule == expected


def test_a_consent_opens_nothing_of_anybody_else_and_nothing_of_a_subject_untold():
    assert asked(GRANTS["consent"], subject=OTHER_PERSON).rule == "forbid.consent-subject"
    assert asked(GRANTS["consent"], subject=None).rule == "forbid.consent-subject"


def test_restricted_data_needs_its_own_confirmation():
    unconfirmed = GRANTS["consent-not-sensitive"]
    assert asked(unconfirmed, "plainR").rule == "forbid.consent-sensitive"
    assert asked(unconfirmed, kept=ENTRIES["restricted"]).rule == "forbid.consent-sensitive"
    assert asked(GRANTS["consent-full"], "plainR").effect is Effect.PERMIT
    assert asked(GRANTS["consent"], "plainR").rule == "forbid.restricted"


def test_in_full_means_the_persons_own_and_never_text_or_others():
    full = GRANTS["consent-full"]
    guarded = ENTRIES["guarded"]
    assert asked(full, "fine").effect is Effect.PERMIT
    assert asked(full, "ownName", guarded).effect is Effect.PERMIT
    assert asked(full, "otherName", guarded).mask == "M_NAME"
    assert asked(full, "shortName").mask == "M_NAME"
    assert asked(full, "citizenId").mask == "M_ID", "a number that is not the record's own key"
    assert asked(full, "courtId").mask == "M_ID"
    assert asked(full, "content").rule == "forbid.person-text"


def test_boolean_shows_whether_there_is_a_record_and_nothing_of_it():
    shy = GRANTS["consent-boolean"]
    existence = asked(shy)
    assert (existence.effect, existence.rule) == (Effect.MASK, "presence.consent")
    assert {asked(shy, field.name).rule for field in OPEN.fields} == {"forbid.consent-level"}


def test_a_consent_limited_to_some_rows_carries_the_guard():
    assert asked(GRANTS["consent-some-rows"]).guard.natures == {"GOOD", "SERIOUS"}
    within = asked(GRANTS["consent-some-years"]).guard.within
    assert (within[0].isoformat(), within[1].year) == ("2024-01-01", 9999)
    assert asked(GRANTS["consent"]).guard is None


def test_a_fact_of_some_scenarios_is_not_opened_in_another_by_consent():
    assert asked(GRANTS["consent"], "gradeA").effect is Effect.PERMIT
    assert asked(GRANTS["consent-other-scenario"], "gradeA").rule == "forbid.statutory-fact"


def test_tables_of_consents_are_shared_by_equal_ones_only():
    def table(grant, subject=PERSON_KEY):
        return decision_table(grant, [OPEN], PERSON, personal=True, subject=subject)

    first = table(consent(confirmed=SENSITIVE))
    assert table(consent(confirmed=SENSITIVE)) is first
    others = [
        table(consent()),
        table(consent(confirmed=SENSITIVE), OTHER_PERSON),
        table(consent(item("FULL"), confirmed=SENSITIVE)),
        table(consent(confirmed=SENSITIVE, at=NOW.replace(day=27))),
        table(GRANTS["consent-other-client"]),
        table(GRANTS["consent-other-type"]),
    ]
    assert len({id(one) for one in (first, *others)}) == 1 + len(others)
