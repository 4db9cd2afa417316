"""Requests that carry one person's values into every place a request has."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

import orjson

from catalogue.identifiers import citizen_id_15
from tests.support.declared import DECLARED

ID: Final = "99010119870426001X"
"""Region 9901xx is nobody's."""
NAME: Final = "嘉纳莉丝"
PHONE: Final = "13987654321"
ADDRESS: Final = "样例县金丝雀巷七百零七号"
WRONG_NAME: Final = "嘉纳莉莎"
BROKEN_ID: Final = ID[:-1] + "3"
SHOP: Final = "92990100MA9TE00732"
"""An individual business: its code leads to one person."""
SECRETS: Final = (ID, ID[:17], NAME, PHONE, ADDRESS, WRONG_NAME, BROKEN_ID, SHOP)
FULL_WIDTH: Final = ID.translate(str.maketrans("0123456789", "０１２３４５６７８９"))

CASE: Final = """
query Case($lookup: SubjectLookup!, $access: AccessContext!) {
  subject(lookup: $lookup, access: $access) {
    displayName subjectRef
    records(first: 50) { state edges { cursor node { recordId recordType } } }
  }
}
"""
VERIFY: Final = """
query Verify($lookup: PersonLookup!, $access: AccessContext!) {
  verifyIdentity(lookup: $lookup, access: $access)
}
"""
ACCESS: Final = {"scenario": "S16", "caseNo": "LSTD-2026-00001", "purpose": "绿色通道"} | DECLARED


def person(citizen_id: object, name: object) -> dict[str, Any]:
    return {"person": {"citizenId": citizen_id, "name": name}}


def good_cases() -> Iterator[dict[str, Any]]:
    """The right number in every spelling, with the right name."""
    for spelling in (ID, f" {ID} ", FULL_WIDTH, f"{ID[:6]} {ID[6:14]} {ID[14:]}"):
        yield {"query": CASE, "variables": {"lookup": person(spelling, NAME), "access": ACCESS}}
    chatty = ACCESS | {"purpose": f"核查{ID}，电话{PHONE}"}
    yield {"query": CASE, "variables": {"lookup": person(ID, NAME), "access": chatty}}


def bad_cases() -> Iterator[dict[str, Any]]:
    """Lookups and bases that do not hold, with personal values in every place they could stand."""
    lookups: list[Any] = [
        person(ID, WRONG_NAME),
        person(BROKEN_ID, NAME),
        person(citizen_id_15(ID), WRONG_NAME),
        person("9.90101E+17", NAME),
        person(int(ID[:-1]), NAME),
        person([ID], [NAME]),
        person(ID, None),
        person(ID, ID),
        person(NAME, ID),
        {"person": {"citizenId": ID, "name": NAME, "phone": PHONE}},
        {"person": {ID: NAME}},
        {"subjectRef": ID},
        {"subjectRef": NAME},
        {"uscc": ID},
        {"uscc": SHOP[:-1] + "0"},
        {NAME: ID},
        ID,
        [ID, NAME],
        None,
    ]
    for lookup in lookups:
        yield {"query": CASE, "variables": {"lookup": lookup, "access": ACCESS}}
    accesses: list[dict[str, Any]] = [
        {"scenario": ID},
        {"caseNo": ID},
        {"caseNo": f"LSTD-2026-{NAME}"},
        {"legalBasisId": ID},
        {"legalBasisId": NAME},
        {"scenario": "S99"},
        {"purpose": f"核查{ID}，电话{PHONE}"},
        {"purpose": {"text": NAME}},
        {ID: NAME},
    ]
    for access in accesses:
        yield {"query": CASE, "variables": {"lookup": person(ID, WRONG_NAME), "access": ACCESS | access}}
    yield {"query": VERIFY, "variables": {"lookup": {"citizenId": ID, "name": WRONG_NAME}, "access": ACCESS}}
    yield {"query": CASE, "variables": {ID: NAME}}
    yield {"query": CASE, "variables": {}, "operationName": f"Op{ID}"}
    yield {"query": CASE, "variables": {"lookup": {"uscc": SHOP}, "access": ACCESS}}


def broken_documents() -> Iterator[dict[str, Any]]:
    """Personal values as literals, names, comments, directives, and where the parser stumbles."""
    texts = [
        f'{{ subject(lookup: {{person: {{citizenId: "{ID}", name: "{NAME}"}}}}) {{ kind }} }}',
        f'{{ subject(lookup: {{person: {{citizenId: "{BROKEN_ID}", name: "{WRONG_NAME}"}}}}) {{ kind }} }}',
        f'{{ enterprise(uscc: "{ID}") {{ kind }} }}',
        f'{{ enterprise(uscc: "{SHOP}") {{ kind }} }}',
        f"{{ enterprise(uscc: {ID}) {{ kind }} }}",
        f'{{ me {{ person {{ records(types: ["{ID}"]) {{ state }} }} }} }}',
        f'{{ me {{ person {{ records(after: "{NAME}{ID}") {{ state }} }} }} }}',
        f"{{ me {{ person {{ records(first: {ID}) {{ state }} }} }} }}",
        f"{{ a{ID}: __typename }}",
        f"query Q{ID} {{ __typename }}",
        f"query Q($v{ID}: String) {{ __typename }}",
        f"{{ f{ID} }}",
        f"{{ ...F{ID} }}",
        f"fragment F{ID} on Query {{ __typename }} {{ __typename }}",
        f"{{ __typename @d{ID} }}",
        f'{{ __typename @skip(if: "{NAME}") }}',
        f"# {NAME} {ID} {PHONE}\n{{ __typename }}",
        f"# {NAME} {ID} {PHONE}\n{{ nothing }}",
        f"{{ {NAME} }}",
        f'{{ "{ID}" }}',
        f'{{ __type(name: "{ID}") {{ name }} }}',
        f'{{ __type(name: "{NAME}") {{ name }} }}',
        f'{{ _entities(representations: [{{__typename: "Enterprise", uscc: "{ID}"}}]) {{ __typename }} }}',
        f"mutation M{ID} {{ nothing }}",
        f'query($l: String = "{ID}") {{ enterprise(uscc: $l) {{ kind }} }}',
        f'"""{NAME}{ID}',
        f"{ID}",
        NAME,
    ]
    for text in texts:
        yield {"query": text}
    yield {
        "query": "query($r: [_Any!]!) { _entities(representations: $r) { __typename } }",
        "variables": {"r": [{"__typename": "NaturalPerson", "uscc": ID}, {"__typename": NAME, "uscc": SHOP}]},
    }


def broken_bodies() -> Iterator[bytes]:
    yield f'{{"query": "{ID} {NAME}'.encode()
    yield f"{ID}&name={NAME}".encode()
    yield f'["{ID}", "{NAME}"]'.encode()
    yield NAME.encode("gbk")
    yield orjson.dumps({"query": {ID: NAME}})
    yield orjson.dumps({"query": "{ __typename }", "variables": f"{ID}{NAME}"})
    yield orjson.dumps({"query": "{ __typename }", "operationName": NAME})
    yield orjson.dumps({"query": "{ __typename }", "extensions": ID})
    yield orjson.dumps({"query": f"{{ __typename }} # {ID}" + " " * 100_000})


def personal_headers() -> Iterator[dict[str, str]]:
    names = (
        "X-Request-ID",
        "User-Agent",
        "Referer",
        "Origin",
        "Accept",
        "X-Forwarded-For",
        "Cookie",
        "Accept-Language",
    )
    for name, value in itertools.product(names, (ID, quote(NAME), f"https://example.cn/{ID}")):
        yield {name: value}
    yield {"Authorization": f"Bearer {ID}"}
    yield {"Authorization": f"Basic {base64.b64encode(f'{NAME}:{ID}'.encode()).decode()}"}


def personal_addresses() -> Iterator[str]:
    name = quote(NAME)
    yield from (
        f"/{ID}",
        f"/{name}",
        f"/graphql/{ID}",
        f"/static/{ID}",
        f"/metrics?id={ID}",
        f"/readyz?name={name}",
    )
    yield f"/graphql?query={{__typename}}&id={ID}"
    yield "/graphql?query={__typename}&variables=" + quote(f'{{"id":"{ID}"}}')
    yield "/graphql?query=" + quote(f'{{ enterprise(uscc: "{ID}") {{ kind }} }}')
    yield "/graphql?query=" + quote(f"{{ {NAME} }}") + f"&operationName={ID}"
