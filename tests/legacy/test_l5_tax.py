"""L5 税务 (REST): each listed habit of the proxy, and the exact record or refusal that it gives."""

import pytest

from catalogue.identifiers import SubjectKey
from catalogue.loader import load_catalogue
from connectors.errors import SourceBusy, SourceUnavailable
from connectors.protocol import Ask
from connectors.rest import RestSource
from tests.legacy.asking import COMPANY, records
from tests.legacy.tax_proxy import BUSY, MANY, OLD

pytestmark = pytest.mark.asyncio(loop_scope="session")
CODE = "E-SW-01"
RATING = {"taxpayerNo": COMPANY, "name": "测试有限公司", "authority": "样例县税务局", "@status": "ACTIVE"}


async def test_ratings_by_year_with_the_later_row_of_a_year_and_no_grade_where_there_is_none(legacy):
    """Dates in milliseconds, as text, or empty. The row under a person's 20 digits is not the firm's."""
    found = await records(legacy["tax"], CODE, COMPANY)
    assert sorted(found, key=lambda one: one["year"]) == [
        RATING | {"year": "2020"},
        RATING | {"year": "2021"},
        RATING
        | {
            "year": "2022",
            "grade": "D",
            "publishedOn": "2023-09-01",
            "@updatedAt": "2023-08-20 08:00:00+08:00",
        },
        RATING | {"year": "2023", "grade": "A", "publishedOn": "2024-04-23"},
    ]


async def test_an_old_taxpayer_is_found_by_15_digits(legacy):
    assert await records(legacy["tax"], CODE, OLD) == [
        RATING
        | {
            "taxpayerNo": "990100NA9TE0062",
            "name": "测试农民专业合作社",
            "year": "2023",
            "grade": "M",
            "publishedOn": "2024-04-23",
        }
    ]


async def test_ten_rows_a_page(legacy):
    assert len(await records(legacy["tax"], CODE, MANY)) == 12


async def test_nothing_found_is_a_code_of_its_own(legacy):
    assert await records(legacy["tax"], CODE, "91990100MA9TE005XK") == []


async def test_busy_inside_http_200_is_busy_and_not_clean(legacy):
    with pytest.raises(SourceBusy) as caught:
        await records(legacy["tax"], CODE, BUSY)
    assert caught.value.reason == "CODE_BUSY"


async def test_a_wrong_signature_is_refused_by_the_service(legacy):
    manifest = legacy["tax"].manifest
    wrong = manifest.signing.model_copy(update={"secret": "another"})
    source = RestSource(manifest.model_copy(update={"signing": wrong}), load_catalogue(), manifest.url)
    with pytest.raises(SourceUnavailable) as caught:
        await source.fetch(Ask(CODE, frozenset({"grade"}), (SubjectKey.entity(COMPANY),)))
    assert caught.value.reason == "CODE_REFUSED"
    await source.close()


async def test_arrears_in_xml_with_thousands_separators(legacy):
    assert await records(legacy["tax"], "E-SW-02", COMPANY) == [
        {"arrears": "12345.60", "publishedOn": "2024-04-23", "@severity": "GENERAL"}
    ]
