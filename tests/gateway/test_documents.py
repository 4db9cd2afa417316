import gc

import pytest
from graphql import build_schema

from gateway.coercing import Signature
from gateway.documents import DocumentCache
from gateway.errors import RequestRefused, formatted
from gateway.personal import is_personal
from gateway.settings import Limits
from gateway.values import coerce_variables

CITIZEN = "990101198001010014"
SCHEMA = build_schema("""
  enum Scenario { TITLE RECRUITMENT }
  input PersonLookup { citizenId: String!, name: String! }
  input Access { scenario: Scenario, caseNo: String, organizations: [String!], lookup: PersonLookup }
  interface Subject { ref: String }
  type Person implements Subject { ref: String, name: String, penalties(first: Int): Section }
  type Entity implements Subject { ref: String, name: String, related: [Entity] }
  type Section { edges: [Edge] records: [Record] }
  type Edge { node: Record }
  type Record { documentNo: String, subject: Subject }
  type Query {
    person(lookup: PersonLookup!, access: Access): Person
    subject(ref: String!): Subject
    entity(uscc: String!, notes: [String], count: Int): Entity
  }
""")
PERSONAL = ("PersonLookup.citizenId", "PersonLookup.name", "Query.subject(ref:)")


def cache(**limits) -> DocumentCache:
    return DocumentCache(SCHEMA, Limits(**limits), PERSONAL, clock=lambda: 0.0)


def refusal(text: str, **limits) -> list[dict]:
    with pytest.raises(RequestRefused) as caught:
        cache(**limits).get(text, "client")
    return [formatted(error, "r") for error in caught.value.errors]


def codes(text: str, **limits) -> list[str]:
    return [error["extensions"]["code"] for error in refusal(text, **limits)]


def test_a_document_is_read_once():
    documents = cache()
    text = '{ entity(uscc: "91990100MA9TE00142") { name } }'
    assert documents.get(text, "a") is documents.get(text, "b")


def test_the_hash_ignores_literals_spelling_and_comments_but_not_fields():
    documents = cache()
    one = documents.get('{ entity(uscc: "91990100MA9TE00142", notes: ["a"], count: 1) { name } }', "a")
    same = documents.get('{entity(uscc:"x" notes:["b","c"] count:22){name}} # 张伟', "a")
    other = documents.get('{ entity(uscc: "x", notes: ["a"], count: 1) { ref } }', "a")
    assert one.hash == same.hash
    assert one.hash != other.hash
    assert len(one.hash) == 32


def test_refusals_are_the_same_each_time_and_cost_the_budget_once():
    documents = cache(document_burst_kib=1)
    for _ in range(3):
        with pytest.raises(RequestRefused) as caught:
            documents.get("{ nothing }", "a")
        assert caught.value.code.code == "GRAPHQL_VALIDATION"


def test_new_documents_have_a_budget_per_client():
    now = [0.0]
    documents = DocumentCache(
        SCHEMA, Limits(document_burst_kib=2, document_kib_per_second=0.5), clock=lambda: now[0]
    )

    def ask(count: int, client: str) -> None:
        documents.get(
            f"{{ entity(uscc: {count}) {{ name }} }}".replace(f": {count})", f': "{count}")'), client
        )

    ask(1, "a")
    ask(2, "a")
    with pytest.raises(RequestRefused) as caught:
        ask(3, "a")
    assert caught.value.code.status == 429
    assert caught.value.headers == {"Retry-After": "2"}
    ask(3, "b")
    ask(1, "a")
    now[0] = 2.0
    ask(4, "a")
    with pytest.raises(RequestRefused):
        ask(5, "a")


def test_a_large_document_takes_more_of_the_budget():
    documents = cache(document_burst_kib=4)
    documents.get('{ entity(uscc: "1") { name } } #' + "x" * 3 * 1024, "a")
    with pytest.raises(RequestRefused, match="DOCUMENT_BUDGET"):
        documents.get('{ entity(uscc: "2") { name } }', "a")
    assert documents.get('{ entity(uscc: "3") { name } } #' + "x" * 9 * 1024, "b")


def test_the_cache_is_bounded_by_the_text_it_keeps():
    documents = cache(document_cache_bytes=100, document_burst_kib=3)
    texts = [f'{{ entity(uscc: "{n}") {{ name }} }} #{"x" * 40}' for n in range(2)]
    first = documents.get(texts[0], "a")
    documents.get(texts[1], "a")
    assert documents.get(texts[0], "a") is not first
    with pytest.raises(RequestRefused, match="DOCUMENT_BUDGET"):
        documents.get(texts[1], "a")


def test_a_document_larger_than_the_cache_is_answered_all_the_same():
    documents = cache(document_cache_bytes=10)
    assert documents.get('{ entity(uscc: "1") { name } }', "a").operations


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('{ entity(uscc "990101SECRET") { name } }', "Expected ':', found String"),
        ("{ entity(uscc 990101) { name } }", "found Int"),
        ('{ entity(uscc: "990101SECRET', "Unterminated string"),
        ('{ entity(uscc: """990101SECRET\'s""" "x" "it\'s 990101SECRET") }', "found String"),
        ("{ entity(uscc: 张) }", "Unexpected character"),
        ("{ SECRET(", "Expected Name"),
        ("{ a } SECRET", "Unexpected Name"),
        ("", "Unexpected <EOF>"),
        ("{" + "a{" * 300 + "}" * 301, "Syntax Error"),
    ],
)
def test_syntax_errors_say_where_and_never_what(text, kept):
    (error,) = refusal(text)
    assert error["extensions"] == {"code": "GRAPHQL_SYNTAX"}
    assert kept in error["message"]
    assert error["locations"]
    for value in ("SECRET", "990101", "U+5F20", "张"):
        assert value not in str(error)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{ entity(uscc: 7654321) { name } }", "The value does not fit its type."),
        ("{ entity(uscc: SECRET) { name } }", "The value does not fit its type."),
        ('{ entity(uscc: "1", count: "SECRET") { name } }', "The value does not fit its type."),
        (
            '{ entity(uscc: "1", count: ' + "7654321" * 900 + ") { name } }",
            "Expected value of type 'Int'.",
        ),
        (
            'query ($l: PersonLookup!) { person(lookup: $l, access: "SECRET") { name } }',
            "Expected value of type 'Access' to be an object.",
        ),
        (
            "query ($l: PersonLookup!) { person(lookup: $l, access: {scenario: SECRET}) { name } }",
            "Expected one of TITLE, RECRUITMENT.",
        ),
        (
            'query ($l: PersonLookup!) { person(lookup: $l, access: {scenario: "SECRET"}) { name } }',
            "Expected one of TITLE, RECRUITMENT.",
        ),
        (
            "query ($n: String!) { person(lookup: {name: $n}) { name } }",
            "Expected value of type 'PersonLookup' to include required field 'citizenId'.",
        ),
        ("{ entity(uscc: null) { name } }", "Expected value of non-null type 'String!' not to be None."),
        ("{ entity { name } }", "uscc"),
        ("{ nothing }", "Cannot query field 'nothing' on type 'Query'"),
    ],
)
def test_validation_errors_use_the_schemas_words_only(text, message):
    errors = refusal(text)
    assert {error["extensions"]["code"] for error in errors} == {"GRAPHQL_VALIDATION"}
    assert any(message in error["message"] for error in errors)
    assert "7654321" not in str(errors)
    assert "SECRET" not in str(errors)


@pytest.mark.parametrize(
    "text",
    [
        f'{{ entity(uscc: "{CITIZEN}") {{ name }} }}',
        '{ entity(uscc: "９９０１０１ 198001010014") { name } }',
        '{ entity(uscc: "990101751231002") { name } }',
        f"{{ entity(uscc: {CITIZEN}) {{ name }} }}",
        '{ entity(uscc: "1", notes: ["联系 13800138000"]) { name } }',
        f'"""{CITIZEN}""" query Q {{ __typename }}',
        'query ("联系 13800138000" $u: String!) { entity(uscc: $u) { name } }',
        '{ ...F } "联系 13800138000" fragment F on Query { __typename }',
        '{ entity(uscc: "92990100MA9TE00732") { name } }',
        'query ($i: String!) { person(lookup: {citizenId: $i, name: "张伟"}) { name } }',
        'query ($l: PersonLookup! = {citizenId: "x", name: "y"}) { person(lookup: $l) { name } }',
        'query ($n: String! = "张伟") { ...F } fragment F on Query {'
        ' person(lookup: {citizenId: "x", name: $n}) { name } }',
        '{ subject(ref: "NPabc") { ref } }',
        f'query Q{CITIZEN} {{ entity(uscc: "1") {{ name }} }}',
        f'{{ a{CITIZEN}: entity(uscc: "1") {{ name }} }}',
        'query ($l: PersonLookup!) { person(lookup: $l, access: {lookup: {citizenId: "x", name: "y"}})'
        " { nothing } }",
    ],
)
def test_personal_literals_are_refused_alone_and_not_repeated(text):
    errors = refusal(text)
    assert {error["extensions"]["code"] for error in errors} == {"PERSONAL_LITERAL"}
    assert all("variables" in error["message"] and error["locations"] for error in errors)
    for value in (CITIZEN, "张伟", "13800138000", "NPabc", "92990100MA9TE00732"):
        assert value not in str(errors)


def test_fragments_too_deep_to_be_weighed_are_refused_for_their_depth():
    deep = [f"{'{...' * 130}{{ ...F{part + 1} }}{'}' * 130}" for part in range(3)]
    told = [f"fragment F{part} on Query {each}" for part, each in enumerate(deep)]
    text = f"{{ ...F0 }} {' '.join(told)} fragment F3 on Query {{ __typename }}"
    assert codes(text) == ["DEPTH_LIMIT"]


@pytest.mark.parametrize("said", [CITIZEN, "问 13800138000 ", "zhang.wei@example.cn"])
def test_a_document_is_kept_with_its_comments_so_they_name_nobody(said):
    assert codes(f'# S04\n{{ entity(uscc: "1") {{ name }} }} # {said}') == ["PERSONAL_LITERAL"]
    assert cache().get(f'{{ entity(uscc: "# {said[:4]}") {{ name }} }} # 公务员法第26条 2026-11-21', "a")


@pytest.mark.parametrize(
    "text",
    [
        f'{{ a{CITIZEN}: entity(uscc: "1") {{ name }} }}',
        f'{{ entity(uscc "{CITIZEN}") {{ name }} }}',
        '{ entity(uscc: "1") { unheardOf } } # 张伟',
        '{ person(lookup: {citizenId: $i, name: "张伟"}) { name } } # 张伟',
        '{ entity(uscc: "1", notes: [' + '"x"' * 101 + "]) { name } } # 张伟",
    ],
)
def test_a_refusal_that_is_kept_holds_nothing_of_the_text(text):
    documents = cache()
    with pytest.raises(RequestRefused):
        documents.get(text, "client")
    (kept,) = documents._known.values()
    for error in kept:
        assert error.nodes is error.source is None
        assert CITIZEN not in str(error)
        assert error.locations


@pytest.mark.parametrize(
    "text",
    [
        '{ entity(uscc: "91990100MA9TE00142") { name } }',
        '{ entity(uscc: "11990100009000082Q") { name } }',
        '{ entity(uscc: "990100000000013") { name } }',
        'query ($l: PersonLookup!) { person(lookup: $l, access: {caseNo: "人社职审〔2026〕31号"}) { name } }',
        "query ($r: String!) { subject(ref: $r) { ref } }",
        "query ($i: String!, $n: String!) { person(lookup: {citizenId: $i, name: $n}) { name } }",
    ],
)
def test_organizations_cases_and_variables_are_no_personal_literals(text):
    assert cache().get(text, "a").operations


def test_an_individual_business_is_personal_and_a_company_is_not():
    assert is_personal("92990100MA9TE00732")
    assert not is_personal("91990100MA9TE00142")


def test_a_coordinate_that_is_not_in_the_schema_stops_the_start():
    with pytest.raises(ValueError, match=r"PersonLookup\.nickname"):
        DocumentCache(SCHEMA, Limits(), ["PersonLookup.nickname"])


def test_the_operation_is_found_by_name_or_alone():
    documents = cache()
    two = documents.get('query A { entity(uscc: "1") { name } } query B { entity(uscc: "1") { name } }', "a")
    assert two.operation("B").name.value == "B"
    one = documents.get('{ entity(uscc: "1") { name } }', "a")
    assert one.operation(None) is one.operation("")
    for document, name in ((two, None), (two, "C"), (one, "A")):
        with pytest.raises(RequestRefused, match="OPERATION_NOT_FOUND"):
            document.operation(name)


def test_variables_are_coerced_and_refused_in_the_schemas_words():
    operation = (
        cache()
        .get(
            "query ($l: PersonLookup!, $a: Access, $n: Int = 3)"
            " { person(lookup: $l, access: $a) { penalties(first: $n) { records { documentNo } } } }",
            "a",
        )
        .operation(None)
    )
    good = {"l": {"citizenId": CITIZEN, "name": "张伟"}}
    assert coerce_variables(Signature.of(SCHEMA, operation), good).coerced == {**good, "n": 3}
    nested: object = "deep"
    for _ in range(100_000):
        nested = [nested]
    for bad in (
        {},
        {"l": None},
        {"l": CITIZEN},
        {"l": {"citizenId": CITIZEN}},
        {"l": {"citizenId": 990101198001010014, "name": "张伟"}},
        {"l": {"citizenId": CITIZEN, "name": "张伟", "张伟": 1}},
        {**good, "n": "张伟"},
        {**good, "a": {"scenario": "张伟"}},
        {**good, "a": {"organizations": nested}},
    ):
        with pytest.raises(RequestRefused) as caught:
            coerce_variables(Signature.of(SCHEMA, operation), bad)
        errors = [formatted(error, "r") for error in caught.value.errors]
        assert {error["extensions"]["code"] for error in errors} == {"BAD_VARIABLES"}
        assert "张伟" not in str(errors)
        assert CITIZEN not in str(errors)
    with pytest.raises(RequestRefused) as caught:
        coerce_variables(Signature.of(SCHEMA, operation), {"l": {"citizenId": CITIZEN}})
    assert "'$l'" in caught.value.errors[0].message
    assert "required field 'name'" in caught.value.errors[0].message


def test_an_unknown_key_is_told_by_its_place_and_the_keys_that_exist():
    operation = (
        cache()
        .get("query ($a: Access, $l: PersonLookup!) { person(lookup: $l, access: $a) { name } }", "a")
        .operation(None)
    )
    whom = {"citizenId": CITIZEN, "name": "张伟"}
    misspelt = {"l": whom, "a": {"lookup": whom | {"naam": "张伟"}}}
    with pytest.raises(RequestRefused) as caught:
        coerce_variables(Signature.of(SCHEMA, operation), misspelt)
    (error,) = caught.value.errors
    assert error.message == (
        "Variable '$a' has invalid value at .lookup: A key is unknown to type 'PersonLookup'."
        " It has citizenId, name."
    )
    literal = refusal('{ person(lookup: {}, access: {naam: "x"}) { name } }')
    assert "A key is unknown to type 'Access'. It has scenario, caseNo, organizations, lookup." in {
        error["message"] for error in literal
    }


def test_rings_of_validation_are_not_kept_by_a_collector_that_met_them():
    documents, before = cache(), gc.get_threshold()
    documents.get('{ entity(uscc: "x") { name } }', "a")
    gc.collect()
    gc.set_threshold(50, 2, 10**6)  # meets everything, all the time
    try:
        for number in range(30):
            documents.get(f'query New{number} {{ entity(uscc: "x") {{ name related {{ ref }} }} }}', "a")
        gc.collect(1)
        kept = gc.collect()
    finally:
        gc.set_threshold(*before)
    assert kept == 0
