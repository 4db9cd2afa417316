"""L6 住建 (CSV drop): each listed trap, and the exact record or rejection that it gives."""

import shutil

import pytest

from catalogue.loader import load_catalogue
from connectors.registry import load_sources
from tests.legacy.asking import COMPANY, OTHER, PERSON, records, told
from tests.legacy.conftest import HERE
from tests.legacy.loading import GIVEN

pytestmark = pytest.mark.asyncio(loop_scope="session")
CODE = "P-ZJ-01"
FIRM = {"organization": "测试有限公司", "organizationUscc": COMPANY}
FULL = "ZYRY_20240630_ALL.csv"


async def test_two_registrations_in_one_cell_are_two_records(legacy):
    person = FIRM | {
        "registrationNo": "测2000001",
        "name": "测试甲",
        "citizenId": PERSON,
        "validUntil": "2026-12-31",
    }
    assert await records(legacy["housing"], CODE, PERSON) == [
        person | {"registrationKind": "二级建造师"},
        person | {"registrationKind": "安全B证"},
    ]


async def test_a_number_in_excel_s_quotes_and_a_decision_in_square_brackets(legacy):
    """The row before it, under the same registration, has lost its number in 9.90101E+17."""
    assert await records(legacy["housing"], CODE, OTHER) == [
        FIRM
        | {
            "registrationNo": "测2000002",
            "name": "欧阳样例",
            "citizenId": OTHER,
            "registrationKind": "监理工程师",
            "validUntil": "2026-12-31",
            "behaviourCodes": "B1-2-03",
            "documentNo": "测建罚〔2024〕3号",
            "determinedOn": "2024-03-05",
        }
    ]


async def test_two_behaviours_in_a_cell_a_year_of_two_digits_no_end_and_one_person_twice(legacy):
    person = FIRM | {"name": "测试戊", "citizenId": "990101199001010019", "validUntil": ".."}
    assert await records(legacy["housing"], CODE, "990101199001010019") == [
        person
        | {
            "registrationNo": "测2000004",
            "registrationKind": "监理工程师",
            "behaviourCodes": "B1-2-03、B1-2-07",
            "documentNo": "测建罚〔2024〕4号",
            "determinedOn": "2024-03-05",
        },
        person | {"registrationNo": "测2000005", "registrationKind": "监理工程师"},
        person | {"registrationNo": "测2000005", "registrationKind": "造价工程师"},
    ]


@pytest.mark.parametrize("number", ["990101196307080059", "990101199001010035"])
async def test_what_was_deleted_is_gone(legacy, number):
    """With an apostrophe before its number, in the full file; after its own insertion, in the increment."""
    assert await records(legacy["housing"], CODE, number) == []


async def test_a_code_that_is_none_and_an_operation_that_nobody_knows_reject_their_rows(legacy):
    """Of the second row nobody can say what it did to the first: neither is shown."""
    found = await told(legacy["housing"], CODE, "990101199001010051")
    assert found == ([], ["统一社会信用代码: USCC_LENGTH", "操作类型: OPERATION"])


async def test_the_department_is_told_each_bad_row_by_line_and_reason(legacy):
    findings = [finding.message for finding in await legacy["housing"].check() if finding.level != "info"]
    increment = "ZYRY_20240930_INC.csv"
    assert findings == [
        f"{FULL} line 3: 身份证号: KEY_INVALID",
        f"{increment} line 6: 统一社会信用代码: USCC_LENGTH",
        f"{increment} line 7: 操作类型: OPERATION",
        f"{increment} line 8: 身份证号: KEY_INVALID",
    ]


async def test_a_file_sent_again_under_its_name_is_read_anew(tmp_path):
    shutil.copy(GIVEN / f"L6_housing_{FULL}", tmp_path / FULL)
    environment = {"LEGACY_HOUSING_URL": tmp_path.as_uri()}
    folder = tmp_path / "sources"
    folder.mkdir()
    shutil.copy(HERE / "sources" / "housing.yaml", folder)
    (source,) = load_sources(folder, load_catalogue(), environment).values()
    assert len(await records(source, CODE, PERSON)) == 2
    text = (tmp_path / FULL).read_text("gb18030").replace("二级建造师;安全B证", "一级建造师")
    (tmp_path / "new").write_text(text, "gb18030")
    (tmp_path / "new").replace(tmp_path / FULL)
    assert [one["registrationKind"] for one in await records(source, CODE, PERSON)] == ["一级建造师"]
    await source.close()
