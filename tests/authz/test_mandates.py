import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
import yaml

from authz.actors import ANONYMOUS, ActorKind
from authz.declarations import ReasonCode, RepeatReason
from authz.errors import AccessDenied, ConfigurationError
from authz.mandates import CaseClaim, MandateRegister, load_mandates
from catalogue.loader import load_catalogue
from tests.support.policy_matrix import OFFICER

CATALOGUE = load_catalogue()
TODAY = date(2026, 6, 1)
ID = "990101198001010014"
ENTRY = {
    "id": "M-HR-S04",
    "authority": OFFICER.organization,
    "scenario": "S04",
    "recordTypes": {"P-RS-02": None, "P-FY-01": ["caseNo", "court"]},
    "casePattern": "RSKS-20[0-9]{2}-[0-9]{4}",
    "legalBasis": ["公务员法第26条第4项"],
    "validFrom": date(2026, 1, 1),
    "validUntil": date(2027, 12, 31),
    "approvedBy": ["op-0012", "op-0034"],
}


def load(tmp_path, *entries):
    path = tmp_path / "mandates.yaml"
    path.write_text(yaml.safe_dump(list(entries), allow_unicode=True), encoding="utf-8")
    return load_mandates(path, CATALOGUE)


@pytest.fixture
def register(tmp_path):
    return load(tmp_path, ENTRY)


def ask(
    register,
    *,
    actor=OFFICER,
    scenario="S04",
    case_no="RSKS-2026-0001",
    purpose="公务员招录",
    today=TODAY,
    basis=None,
    **declarations,
):
    told = {"reason": ReasonCode.SUPERVISION, "no_conflict": True} | declarations
    return register.grant(actor, CaseClaim(scenario, case_no, purpose, basis, **told), today)


def refused(register, **changes):
    with pytest.raises(AccessDenied) as fault:
        ask(register, **changes)
    sent = [value for value in changes.values() if isinstance(value, str) and value.strip()]
    assert not any(value in fault.value.message for value in sent), "a message repeats nothing that was sent"
    return fault.value.code


def test_an_officer_with_a_case_gets_the_grant_of_the_mandate(register):
    grant = ask(register)
    assert grant.mandate.id == "M-HR-S04"
    assert (grant.actor, grant.case_no, grant.purpose) == (OFFICER, "RSKS-2026-0001", "公务员招录")
    assert grant.granted_on == TODAY


def test_a_mandate_is_named_by_its_id_or_its_legal_basis(register):
    assert ask(register, basis="M-HR-S04").mandate.id == "M-HR-S04"
    assert ask(register, basis="公务员法第26条第4项").mandate.id == "M-HR-S04"
    assert refused(register, basis="刑法") == "SCENARIO_NOT_MANDATED"


def test_the_fields_are_the_named_ones_or_the_scenarios(tmp_path):
    types = ["P-RS-02", "P-FY-01", "P-RS-01"]
    narrow, every = ENTRY | {"id": "narrow"}, ENTRY | {"id": "every", "recordTypes": dict.fromkeys(types)}
    by_id = {mandate.id: mandate.record_types for mandate in load(tmp_path, narrow, every).mandates}
    assert by_id["narrow"] == {"P-RS-02": None, "P-FY-01": frozenset({"caseNo", "court"})}
    relevant = {item.record_type: frozenset(item.fields) for item in CATALOGUE.scenarios["S04"].relevance}
    assert by_id["every"] == {"P-RS-02": None, "P-FY-01": relevant["P-FY-01"], "P-RS-01": relevant["P-RS-01"]}


@pytest.mark.parametrize("kind", [kind for kind in ActorKind if kind is not ActorKind.OFFICER])
def test_only_officers_use_mandates(register, kind):
    assert refused(register, actor=replace(OFFICER, kind=kind)) == "ACTOR_NOT_ALLOWED"


def test_an_operator_is_vouched_for_unless_the_mandate_asks_for_less(tmp_path, register):
    claimed = replace(OFFICER, vouched=False)
    assert refused(register, actor=claimed) == "OPERATOR_REQUIRED"
    trusting = load(tmp_path, ENTRY | {"operatorAssertion": False})
    assert ask(trusting, actor=claimed).actor.operator == OFFICER.operator
    assert refused(trusting, actor=replace(claimed, operator="")) == "OPERATOR_REQUIRED"


def test_who_has_no_organization_or_approved_the_mandate_may_not_use_it(register):
    assert refused(register, actor=ANONYMOUS) == "ACTOR_NOT_ALLOWED"
    assert refused(register, actor=replace(OFFICER, organization="")) == "ACTOR_NOT_ALLOWED"
    assert refused(register, actor=replace(OFFICER, operator="op-0034")) == "ACTOR_NOT_ALLOWED"


def test_another_authority_or_scenario_is_not_mandated(register):
    other = replace(OFFICER, organization="12990100MB9TE0026G")
    assert refused(register, actor=other) == "SCENARIO_NOT_MANDATED"
    assert refused(register, scenario="S05") == "SCENARIO_NOT_MANDATED"
    assert refused(register, scenario="") == "SCENARIO_NOT_MANDATED"
    assert refused(MandateRegister()) == "SCENARIO_NOT_MANDATED"


@pytest.mark.parametrize(
    ("today", "code"),
    [(date(2025, 12, 31), "MANDATE_EXPIRED"), (date(2028, 1, 1), "MANDATE_EXPIRED")],
)
def test_a_mandate_holds_from_its_first_to_its_last_day(register, today, code):
    assert refused(register, today=today) == code
    assert ask(register, today=date(2026, 1, 1))
    assert ask(register, today=date(2027, 12, 31))


def test_the_kill_switch_stops_a_scenario_even_past_its_end(tmp_path):
    stopped = load(tmp_path, ENTRY | {"stopped": True})
    assert refused(stopped) == "SCENARIO_STOPPED"
    assert refused(stopped, today=date(2028, 1, 1)) == "SCENARIO_STOPPED"


def test_a_renewed_mandate_serves_when_the_first_has_ended(tmp_path):
    first = ENTRY | {"validUntil": date(2026, 12, 31)}
    renewed = ENTRY | {"id": "M-2", "validFrom": date(2027, 1, 1), "validUntil": date(2027, 12, 31)}
    both = load(tmp_path, first, renewed)
    assert ask(both).mandate.id == "M-HR-S04"
    assert ask(both, today=date(2027, 6, 1)).mandate.id == "M-2"


def test_a_mandate_ends_with_its_scenario_at_the_latest(tmp_path):
    """GR-12: renewing the mandate alone does not keep a scenario alive."""
    last = CATALOGUE.scenarios["S04"].valid_until
    later = ENTRY | {"validFrom": date(2027, 1, 1), "validUntil": date(2028, 12, 31)}
    register = load(tmp_path, later)
    assert ask(register, today=last)
    assert refused(register, today=last + timedelta(days=1)) == "MANDATE_EXPIRED"


def test_an_officer_gives_a_reason_and_declares_that_there_is_no_conflict(register):
    assert refused(register, reason=None) == "REASON_CODE_REQUIRED"
    assert refused(register, no_conflict=None) == "CONFLICT_UNDECLARED"
    assert refused(register, no_conflict=False) == "CONFLICT_OF_INTEREST"


@pytest.mark.parametrize("note", [None, "", " ", "两\n行", "说" * 201])
def test_a_repeat_is_explained_in_words_too(register, note):
    again = {"repeat": RepeatReason.NEW_MATERIAL, "repeat_note": note}
    assert refused(register, **again) == "REPEAT_NOTE_REQUIRED"
    assert ask(register, **again | {"repeat_note": "补充材料"}).declared.repeat.note == "补充材料"


def test_a_note_may_be_as_long_as_a_purpose(register):
    assert ask(register, repeat=RepeatReason.NEW_MATERIAL, repeat_note="说" * 200)


def test_the_note_of_a_repeat_holds_nobodys_number(register):
    again = {"repeat": RepeatReason.NEW_MATERIAL, "repeat_note": f"再查{ID}"}
    assert refused(register, **again) == "PERSONAL_LITERAL"


@pytest.mark.parametrize("case_no", [None, "", "  "])
def test_a_case_number_is_required(register, case_no):
    assert refused(register, case_no=case_no) == "CASE_NUMBER_REQUIRED"


@pytest.mark.parametrize(
    "case_no", ["RSKS-2026-1", "RSKS-2026-00012", "x RSKS-2026-0001", "RSKS-2026-0001\nx"]
)
def test_a_case_number_follows_the_pattern_wholly(register, case_no):
    assert refused(register, case_no=case_no) == "CASE_NUMBER_INVALID"


def test_who_sends_a_wrong_case_number_is_told_the_pattern(register):
    with pytest.raises(AccessDenied, match=re.escape(ENTRY["casePattern"])):
        ask(register, case_no="2026-1")


@pytest.mark.parametrize(
    "case_no",
    [
        f"RSKS-{ID}",
        f"RSKS-1{ID}1",
        "RSKS-11010519491231002x",
        "RSKS-990101751231002",
        "RSKS-990101 19800101 0014",
    ],
)
def test_a_case_number_holds_no_id_whatever_the_pattern_admits(tmp_path, case_no):
    lax = load(tmp_path, ENTRY | {"casePattern": "RSKS-.*"})
    assert ask(lax, case_no="RSKS-2026-0001")
    assert refused(lax, case_no=case_no) == "CASE_NUMBER_INVALID"


def test_a_case_number_is_bounded(tmp_path):
    lax = load(tmp_path, ENTRY | {"casePattern": "RSKS-.*"})
    assert ask(lax, case_no="RSKS-" + "a" * 59)
    assert refused(lax, case_no="RSKS-" + "a" * 60) == "CASE_NUMBER_INVALID"


@pytest.mark.parametrize(
    "purpose", [f"核验{ID}", "联系13800138000", "核验 990101 19800101 0014", "a@example.cn"]
)
def test_a_purpose_holds_no_personal_number(register, purpose):
    assert refused(register, purpose=purpose) == "PERSONAL_LITERAL"


def test_a_purpose_is_required(register):
    assert refused(register, purpose=" ") == "PURPOSE_REQUIRED"


def test_what_is_sent_in_a_refusal_is_not_echoed(register):
    with pytest.raises(AccessDenied) as fault:
        ask(register, case_no=ID)
    assert ID not in str(fault.value)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"approvedBy": ["op-0012", "OP-0012 "]}, "MANDATE_APPROVAL"),
        ({"approvedBy": ["op-0012"]}, "MANDATE_SHAPE"),
        ({"approvedBy": ["op-0012", " "]}, "MANDATE_SHAPE"),
        ({"validUntil": date(2028, 1, 2)}, "MANDATE_PERIOD"),
        ({"validUntil": date(2025, 12, 31)}, "MANDATE_PERIOD"),
        ({"scenario": "S99"}, "MANDATE_SCENARIO"),
        ({"scenario": "S17"}, "MANDATE_BASIS"),
        ({"recordTypes": {}}, "MANDATE_SHAPE"),
        ({"recordTypes": {"P-GA-03": None}}, "MANDATE_TYPE"),
        ({"recordTypes": {"P-RS-02": ["nonsense"]}}, "MANDATE_FIELD"),
        ({"recordTypes": {"P-FY-01": ["caseNo", "obligation"]}}, "MANDATE_FIELD"),
        ({"recordTypes": {"P-RS-02": []}}, "MANDATE_FIELD"),
        ({"unmasked": {"P-RS-02": ["nonsense"]}}, "MANDATE_UNMASKED"),
        ({"unmasked": {"P-FY-01": ["behaviours"]}}, "MANDATE_UNMASKED"),
        ({"unmasked": {"P-GA-01": ["citizenId"]}}, "MANDATE_UNMASKED"),
        ({"authority": "99990100MA9TE00143"}, "MANDATE_AUTHORITY"),
        ({"authority": "92990100MA9TE00732"}, "MANDATE_AUTHORITY"),
        ({"authority": ID}, "MANDATE_AUTHORITY"),
        ({"casePattern": "["}, "MANDATE_CASE_PATTERN"),
        ({"casePattern": ".*"}, "MANDATE_CASE_PATTERN"),
        ({"casePattern": "[0-9]{18}"}, "MANDATE_CASE_PATTERN"),
        ({"casePattern": "[0-9]{15}"}, "MANDATE_CASE_PATTERN"),
        ({"casePattern": "[0-9]{17}X"}, "MANDATE_CASE_PATTERN"),
        ({"casePattern": "[0-9]{17}x"}, "MANDATE_CASE_PATTERN"),
        ({"casePattern": ""}, "MANDATE_SHAPE"),
        ({"legalBasis": []}, "MANDATE_SHAPE"),
        ({"fields": "*"}, "MANDATE_SHAPE"),
        ({"id": ""}, "MANDATE_SHAPE"),
    ],
)
def test_a_mandate_that_may_not_be_registered_stops_the_start(tmp_path, changes, code):
    with pytest.raises(ConfigurationError) as fault:
        load(tmp_path, ENTRY | changes)
    assert fault.value.code == code


def test_two_years_to_the_day_are_allowed(tmp_path):
    assert load(tmp_path, ENTRY | {"validUntil": date(2028, 1, 1)})


def test_a_mandate_id_is_taken_once(tmp_path):
    with pytest.raises(ConfigurationError, match="MANDATE_DUPLICATE"):
        load(tmp_path, ENTRY, ENTRY)


def test_named_fields_may_be_unmasked(tmp_path):
    (mandate,) = load(tmp_path, ENTRY | {"unmasked": {"P-RS-02": ["citizenId"]}}).mandates
    assert mandate.unmasked == {"P-RS-02": frozenset({"citizenId"})}


@pytest.mark.parametrize(("text", "code"), [("id: x", "MANDATE_SYNTAX"), ("- [", "MANDATE_SYNTAX")])
def test_a_file_that_is_no_list_of_mandates_is_refused(tmp_path, text, code):
    path = tmp_path / "mandates.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=code):
        load_mandates(path, CATALOGUE)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="MANDATE_FILE"):
        load_mandates(tmp_path / "none.yaml", CATALOGUE)


def test_a_broken_entry_is_reported_without_its_values(tmp_path):
    with pytest.raises(ConfigurationError) as fault:
        load(tmp_path, ENTRY | {"approvedBy": [ID]})
    assert ID not in str(fault.value)


def test_notice_is_delayed_only_where_the_scenario_allows_it_and_no_longer(tmp_path):
    delay = {"days": 180, "basis": "党政领导干部选拔任用工作条例第15条"}
    posts = ENTRY | {"scenario": "S05", "noticeDelay": delay}
    (mandate,) = load(tmp_path, posts).mandates
    assert (mandate.notice_delay.days, mandate.notice_delay.basis) == (180, delay["basis"])
    for entry in (posts | {"noticeDelay": delay | {"days": 181}}, ENTRY | {"noticeDelay": delay}):
        with pytest.raises(ConfigurationError) as fault:
            load(tmp_path, entry)
        assert fault.value.code == "MANDATE_NOTICE_DELAY"
    with pytest.raises(ConfigurationError) as fault:
        load(tmp_path, posts | {"noticeDelay": {"days": 90}})
    assert fault.value.code == "MANDATE_SHAPE"
