"""What one small document may make the departments, and the process, do."""

import pytest

from tests.attack.conftest import Target, codes

COMPANY = "91990100MA9TE00142"

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_connection_costs_what_it_asks_of_the_departments(target: Target):
    many = " ".join(f"a{n}: enterprise(uscc: $uscc) {{ records {{ state }} }}" for n in range(29))
    _, body = await target.ask(f"query ($uscc: String!) {{ {many} }}", {"uscc": COMPANY})
    assert codes(body) == ["COST_LIMIT"]


async def test_a_page_of_records_of_several_entities_is_affordable(target: Target):
    page = "records { state edges { node { recordType provenance { system } } } }"
    two = " ".join(f"a{n}: enterprise(uscc: $uscc) {{ {page} }}" for n in range(4))
    _, body = await target.ask(f"query ($uscc: String!) {{ {two} }}", {"uscc": COMPANY})
    assert body["data"]["a3"]["records"]["edges"]
    batch = f"query ($r: [_Any!]!) {{ _entities(representations: $r) {{ ... on Enterprise {{ {page} }} }} }}"
    _, body = await target.ask(batch, {"r": [{"__typename": "Enterprise", "uscc": COMPANY}]})
    assert body["data"]["_entities"][0]["records"]["edges"]


async def test_a_document_reads_the_whole_schema_once(target: Target):
    _, body = await target.ask("{ __schema { queryType { name } } }")
    assert codes(body) == []
    _, body = await target.ask("{ a: __schema { queryType { name } } b: __schema { queryType { name } } }")
    assert codes(body) == ["COST_LIMIT"]
