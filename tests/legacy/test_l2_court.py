"""L2 法院 执行系统 (SQL Server): each listed defect, and the exact record or rejection that it gives."""

import pytest

from tests.legacy.asking import COMPANY, OTHER, PERSON, records, told

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_person_is_known_by_the_number_with_a_blank_behind_it(legacy):
    """Also: full-width brackets and comma, 男性, is_del NULL, and a third party's id in the text."""
    assert await records(legacy["court"], "P-FY-01", PERSON) == [
        {
            "caseNo": "〔2024〕测0101执12号",
            "name": "测试甲",
            "citizenId": PERSON,
            "sex": "男",
            "age": "44",
            "court": "测试区人民法院",
            "obligation": "支付样例乙货款，身份证[证件号]",
            "performance": "全部未履行",
            "behaviours": "违反财产报告制度、违反限制消费令",
            "filedOn": "2024-03-04",
            "publishedOn": "2024-06-01",
            "@status": "ACTIVE",
        }
    ]


async def test_the_label_says_company_and_the_number_says_person(legacy):
    """Also: an unpadded id of 15 digits is asked for only where the manifest says so."""
    assert await records(legacy["court"], "P-FY-01", OTHER) == []


async def test_brackets_of_every_style_and_what_became_of_a_listing(legacy):
    """The first of the three is deleted (is_del 1); 屏蔽 after performance is a repair, 3 is withdrawn."""
    found = await records(legacy["court"], "P-FY-01", "990101196307080059")
    assert found == [
        {
            "caseNo": "〔2020〕测0101执3号",
            "name": "样例乙",
            "citizenId": "990101196307080059",
            "court": "测试区人民法院",
            "performance": "全部履行",
            "behaviours": "其他有履行能力而拒不履行",
            "filedOn": "2020-01-05",
            "publishedOn": "2020-02-01",
            "@status": "REPAIRED",
            "@removedOn": "2021-03-01",
        },
        {
            "caseNo": "〔2018〕测0101执4号",
            "name": "样例乙",
            "citizenId": "990101196307080059",
            "court": "测试区人民法院",
            "performance": "全部未履行",
            "behaviours": "其他有履行能力而拒不履行",
            "filedOn": "2018-03-04",
            "publishedOn": "2018-06-01",
            "@status": "REVOKED",
        },
    ]


async def test_a_company_by_organization_code_with_a_dash_and_by_a_code_in_lower_case(legacy):
    """The test row of production (zt 9) has the same organization code and is nobody's."""
    firm = {
        "name": "测试有限公司",
        "legalRepresentative": "测试甲",
        "court": "测试区人民法院",
        "performance": "全部未履行",
        "behaviours": "其他有履行能力而拒不履行",
        "@status": "ACTIVE",
    }
    assert await records(legacy["court"], "E-FY-01", COMPANY) == [
        firm | {"caseNo": "〔2024〕测0101执20号", "filedOn": "2024-05-06", "publishedOn": "2024-07-01"},
        firm | {"caseNo": "〔2024〕测0101执21号", "filedOn": "2024-05-07", "publishedOn": "2024-07-02"},
    ]


async def test_a_date_of_the_republican_calendar_rejects_the_row(legacy):
    found = await told(legacy["court"], "P-FY-01", "990101200002290038")
    assert found == ([], ["larq: DATE_CALENDAR"])


async def test_restriction_orders(legacy):
    """Also: 无 where a code should be."""
    order = {"orderKind": "限制消费"}
    assert await records(legacy["court"], "P-FY-02", PERSON) == [
        order
        | {
            "orderNo": "〔2024〕测0101执限12号",
            "capacity": "被执行人",
            "linkedUscc": COMPANY,
            "issuedOn": "2024-06-02",
            "orderState": "执行中",
            "@name": "测试甲",
            "@status": "ACTIVE",
        },
        order
        | {
            "orderNo": "〔2020〕测0101执限3号",
            "capacity": "法定代表人",
            "issuedOn": "2020-06-02",
            "liftedOn": "2021-03-01",
            "orderState": "已解除",
            "@name": "测试甲",
            "@status": "EXPIRED",
        },
    ]


async def test_the_published_mask_of_a_number_is_never_named(legacy):
    for code in ("P-FY-01", "E-FY-01"):
        source = legacy["court"]
        assert "zjhm_tm" not in source.explain(code, frozenset(source.manifest.records[code].fields))
