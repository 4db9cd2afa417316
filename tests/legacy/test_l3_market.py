"""L3 市场监管 登记库 (MariaDB, GBK in latin1): each listed defect, and what it gives exactly."""

import pytest

from tests.legacy.asking import COMPANY, records, told

pytestmark = pytest.mark.asyncio(loop_scope="session")
FIRM = "E-SC-01"


async def test_gbk_bytes_a_code_in_lower_case_and_the_row_before_a_change(legacy):
    """P0001-BG is the same firm before a change (K). Capital with currency 156 is in 万元."""
    (found,) = await records(legacy["market"], FIRM, COMPANY)
    assert found.pop("@updatedAt")
    assert found == {
        "uscc": COMPANY,
        "registrationNo": "990100000000013",
        "name": "测试有限公司",
        "entityKind": "有限责任公司",
        "legalRepresentative": "测试甲",
        "registeredCapital": "5000000.00",
        "establishedOn": "2016-05-01",
        "domicile": "样例路1号",
        "authority": "测试区市监局",
        "registrationState": "存续",
        "phone": "0914-6281234",
        "@status": "ACTIVE",
    }


async def test_capital_in_yuan_a_zero_date_a_blank_behind_the_code_and_a_state_of_two_digits(legacy):
    assert await records(legacy["market"], FIRM, "91990100MA9TE002XG") == [
        {
            "uscc": "91990100MA9TE002XG",
            "registrationNo": "990100000000021",
            "name": "测试贸易公司",
            "entityKind": "有限责任公司",
            "legalRepresentative": "样例乙",
            "registeredCapital": "5000000.00",
            "domicile": "样例路2号",
            "authority": "测试区市监局",
            "registrationState": "存续",
            "@status": "ACTIVE",
            "@updatedAt": "2024-01-02 03:04:05+08:00",
        }
    ]


async def test_individual_businesses_stand_in_a_table_of_their_own(legacy):
    """Under other names, without some columns, and with the owner's id, which stays there."""
    assert await records(legacy["market"], FIRM, "92990100MA9TE00732") == [
        {
            "uscc": "92990100MA9TE00732",
            "registrationNo": "990100600000025",
            "name": "测试小吃店",
            "entityKind": "个体工商户",
            "legalRepresentative": "样例乙",
            "domicile": "样例路7号",
            "@status": "ACTIVE",
        }
    ]


async def test_a_kind_that_nobody_knows_rejects_the_row(legacy):
    found = await told(legacy["market"], FIRM, "91990100MA9TE005XK")
    assert found == ([], ["ENTTYPE: CODE_UNKNOWN"])


async def test_year_tables_are_one_list(legacy):
    assert await records(legacy["market"], "E-SC-03", COMPANY) == [
        {
            "name": "测试有限公司",
            "listingReason": "未按期公示年度报告",
            "listedOn": "2024-07-08",
            "authority": "测试区市监局",
        }
    ]


async def test_a_listing_is_found_through_the_registration_number_after_a_migration(legacy):
    """The list names the old PRIPID, whose row has 无 for a code; the number of registration is the same."""
    assert await records(legacy["market"], "E-SC-03", "91990100MA9TE006XL") == [
        {
            "name": "测试迁移公司",
            "listingReason": "登记住所无法联系",
            "listedOn": "2023-07-08",
            "authority": "测试区市监局",
            "removalReason": "已更正",
            "removedOn": "2023-09-01",
        }
    ]


async def test_certificate_numbers_of_persons_are_never_named(legacy):
    for code, record in legacy["market"].manifest.records.items():
        assert "CERNO" not in legacy["market"].explain(code, frozenset(record.fields))
