"""L8 双公示前置库 (MariaDB): each listed defect, and the exact record or rejection that it gives."""

import pytest

from tests.legacy.asking import COMPANY, OTHER, PERSON, records, told

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_id_number_in_the_column_of_the_credit_code_is_a_person(legacy):
    """Also: numbers in free text, a fine that names its unit, the simple procedure."""
    assert await records(legacy["sgs"], "P-FG-03", PERSON) == [
        {
            "documentNo": "测市监罚〔2025〕7号",
            "name": "测试甲",
            "citizenId": PERSON,
            "behaviourKind": "销售不合格食品",
            "facts": "测试甲(身份证号[证件号],电话[手机号])于样例路1号销售…",
            "penaltyKind": "罚款",
            "content": "罚款200元",
            "fineBand": "≤1000元",
            "determinedOn": "2025-11-01",
            "publishedUntil": "2026-02-01",
            "authority": "测试区市监局",
            "procedure": "简易",
            "@status": "ACTIVE",
            "@updatedAt": "2025-11-02 01:00:00+08:00",
        }
    ]


async def test_a_withdrawal_that_came_as_a_new_row_and_two_uploads_of_one_decision(legacy):
    """a2: the later row stands, withdrawn. b1 and b2: one decision under two ids and bracket styles."""
    assert await records(legacy["sgs"], "E-FG-03", COMPANY) == [
        {
            "documentNo": "测市监罚〔2025〕9号",
            "name": "测试有限公司",
            "uscc": COMPANY,
            "behaviourKind": "虚假宣传",
            "facts": "…",
            "penaltyKind": "罚款、没收违法所得",
            "fineAmount": "20000.00",
            "determinedOn": "2025-12-01",
            "authority": "测试区市监局",
            "@status": "REVOKED",
            "@updatedAt": "2026-01-15 01:00:00+08:00",
            "@procedure": "ORDINARY",
        },
        {
            "documentNo": "测市监罚〔2025〕11号",
            "name": "测试有限公司",
            "uscc": COMPANY,
            "behaviourKind": "虚假宣传",
            "penaltyKind": "罚款",
            "fineAmount": "200.00",
            "determinedOn": "2025-06-01",
            "authority": "测试区市监局",
            "@status": "ACTIVE",
            "@updatedAt": "2025-06-09 01:00:00+08:00",
            "@procedure": "ORDINARY",
        },
    ]


async def test_the_column_of_certificates_holds_the_id_where_the_code_says_none(legacy):
    """Also: a code of the penalty, 2099 for "not decided", a month without zeros."""
    assert await records(legacy["sgs"], "P-FG-03", OTHER) == [
        {
            "documentNo": "测市监罚〔2025〕12号",
            "name": "欧阳样例",
            "citizenId": OTHER,
            "behaviourKind": "无照经营",
            "penaltyKind": "罚款",
            "content": "罚款五百元",
            "fineBand": "≤1000元",
            "determinedOn": "2025-06-01",
            "publishedUntil": "..",
            "authority": "测试区市监局",
            "procedure": "普通",
            "@status": "ACTIVE",
            "@updatedAt": "2025-06-03 01:00:00+08:00",
        }
    ]


async def test_a_remark_withdraws_where_the_flag_does_not(legacy):
    """Also: 18 zeros for "no code", an empty fine, no procedure."""
    assert await records(legacy["sgs"], "P-FG-03", "990101196307080059") == [
        {
            "documentNo": "测市监罚〔2025〕13号",
            "name": "样例乙",
            "citizenId": "990101196307080059",
            "behaviourKind": "无照经营",
            "penaltyKind": "罚款",
            "content": "罚款五百元",
            "determinedOn": "2025-06-01",
            "authority": "测试区市监局",
            "@status": "REVOKED",
            "@updatedAt": "2025-06-03 01:00:00+08:00",
        }
    ]


async def test_an_amount_in_no_number_and_a_kind_that_nobody_knows_reject_their_rows(legacy):
    found = await told(legacy["sgs"], "P-FG-03", "990101200002290038")
    assert found == ([], ["CF_NR_FK: MONEY", "CF_CFLB: CODE_UNKNOWN"])
