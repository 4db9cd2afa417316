"""L1 公安 人口库 (Oracle): each listed defect, and the exact record or rejection that it gives."""

import pytest

from tests.legacy.asking import MINOR, OTHER, PERSON, records, told

pytestmark = pytest.mark.asyncio(loop_scope="session")
CODE = "P-GA-01"
NEIGHBOUR = {"birthDate": "1990-01-01", "registeredDivision": "990101", "registeredAddress": "样例路7号"}


async def test_of_the_versions_of_a_person_the_latest_stands(legacy):
    """Row 1002, the earlier registration in another division, stays history."""
    assert await records(legacy["psb"], CODE, PERSON) == [
        {
            "citizenId": PERSON,
            "name": "测试甲",
            "birthDate": "1980-01-01",
            "registeredDivision": "990101",
            "registeredAddress": "样例路1号",
            "personState": "正常",
            "@status": "ACTIVE",
            "@updatedAt": "2018-06-01 09:30:00+08:00",
        }
    ]


async def test_an_id_of_15_digits_padded_with_three_blanks_is_the_18_digit_one(legacy):
    assert await records(legacy["psb"], CODE, OTHER) == [
        {
            "citizenId": OTHER,
            "name": "欧阳样例",
            "birthDate": "1975-12-31",
            "registeredDivision": "990101",
            "registeredAddress": "样例路2号",
            "personState": "正常",
            "@status": "ACTIVE",
            "@updatedAt": "2005-01-01 00:00:00+08:00",
        }
    ]


async def test_lower_case_x_no_current_mark_and_a_rare_character_written_as_a_question_mark(legacy):
    """JLBZ is NULL in 3 % of current rows; the name stays as it is, and can be matched to nobody's."""
    assert await records(legacy["psb"], CODE, MINOR) == [
        {
            "citizenId": MINOR,
            "name": "样?丙",
            "birthDate": "2012-06-15",
            "registeredDivision": "990101",
            "registeredAddress": "样例路3号",
            "personState": "正常",
            "@status": "ACTIVE",
            "@updatedAt": "2015-01-01 00:00:00+08:00",
        }
    ]


async def test_a_birth_date_of_zeros_is_none_and_a_cancelled_entry_is_no_record(legacy):
    """Row 1006 under the same id was written off (CXBZ 1)."""
    assert await records(legacy["psb"], CODE, "990101200002290038") == [
        {
            "citizenId": "990101200002290038",
            "name": "测试丁",
            "registeredDivision": "990101",
            "registeredAddress": "样例路4号",
            "personState": "数据质量待核",
            "@status": "ACTIVE",
            "@updatedAt": "2020-01-01 00:00:00+08:00",
        }
    ]


async def test_one_id_of_two_persons_gives_both(legacy):
    """So that the confirmation can refuse: two names under one number are nobody's."""
    found = await records(legacy["psb"], CODE, "990101196307080059")
    assert [(one["name"], one["registeredDivision"]) for one in found] == [
        ("样例乙", "990101"),
        ("样例重", "990103"),
    ]


@pytest.mark.parametrize(
    ("number", "state", "status"),
    [("990101199001010019", "死亡", "ACTIVE"), ("990101199001010035", "注销", "REVOKED")],
)
async def test_states_of_a_person(legacy, number, state, status):
    (found,) = await records(legacy["psb"], CODE, number)
    assert found == NEIGHBOUR | {
        "citizenId": number,
        "name": found["name"],
        "personState": state,
        "@status": status,
        "@updatedAt": "2022-01-01 00:00:00+08:00",
    }


async def test_a_state_that_nobody_knows_rejects_the_row(legacy):
    assert await told(legacy["psb"], CODE, "990101199001010051") == ([], ["ryzt: CODE_UNKNOWN"])


async def test_a_day_that_is_not_known_leaves_the_month(legacy):
    """19751200 of the column comment, on a row of its own."""
    (found,) = await records(legacy["psb"], CODE, "990101199001010078")
    assert found["birthDate"] == "1990-01"


async def test_sex_ethnicity_and_former_name_are_never_named(legacy):
    sent = legacy["psb"].explain(CODE, frozenset(legacy["psb"].manifest.records[CODE].fields))
    assert not {"xb", "mz", "cym"} & set(sent.replace(",", " ").replace("t_czrk_jbxx.", "").split())
