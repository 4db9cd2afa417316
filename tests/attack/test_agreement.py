"""The plan and the execution read a document alike; where they could not, nothing fails inside."""

import pytest

from tests.attack.conftest import Target, codes

PERSON = "990101198001010014"
COMPANY = "91990100MA9TE00142"
PAGE = "records(first: 1) { edges { node { recordType } } }"

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_two_aliases_of_the_person_each_get_what_they_select(target: Target):
    query = f"{{ me {{ a: person {{ {PAGE} }} b: person {{ displayName identity {{ __typename }} }} }} }}"
    _, body = await target.ask(query, token=target.person(PERSON))
    me = body["data"]["me"]
    assert codes(body) == []
    assert len(me["a"]["records"]["edges"]) == 1
    assert me["b"] == {"displayName": "测**", "identity": {"__typename": "NaturalPersonIdentityRecords"}}


@pytest.mark.parametrize(
    "query",
    [
        "query ($n: Boolean = true) { catalogue @include(if: $n) { version } }",
        "query ($n: Boolean = true) { catalogue { version @skip(if: $n) } }",
        f'query ($n: Int = 5) {{ enterprise(uscc: "{COMPANY}") {{ records(first: $n) {{ state }} }} }}',
        f'query ($n: String = "{COMPANY}") {{ enterprise(uscc: $n) {{ displayName }} }}',
        f'query ($n: Boolean = true) {{ enterprise(uscc: "{COMPANY}") {{ uscc @include(if: $n) }} }}',
    ],
)
async def test_null_for_a_variable_with_a_default_is_the_clients_mistake(target: Target, query: str):
    _, body = await target.ask(query, {"n": None})
    assert codes(body) == ["BAD_VARIABLES"]
