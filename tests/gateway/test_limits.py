import pytest
from graphql import get_introspection_query

from gateway.documents import DocumentCache
from gateway.errors import RequestRefused
from gateway.limits import check_variables
from gateway.settings import Limits
from tests.gateway.test_documents import SCHEMA, cache, codes, refusal

ENTITY = 'entity(uscc: "1")'


def related(levels: int) -> str:
    return f"{{ {ENTITY} {{ " + "related { " * levels + "name" + " }" * (levels + 2)


def doubling(fragments: int) -> str:
    """2 ** fragments fields in a few lines."""
    rows = [
        f"fragment F{n} on Entity {{ a: related {{ ...F{n + 1} }} b: related {{ ...F{n + 1} }} }}"
        for n in range(fragments)
    ]
    return "\n".join([f"{{ {ENTITY} {{ ...F0 }} }}", *rows, f"fragment F{fragments} on Entity {{ name }}"])


def test_depth_counts_fields_through_fragments_and_inline_fragments():
    assert cache(depth=4).get(related(2), "a")
    assert codes(related(3), depth=4) == ["DEPTH_LIMIT"]
    fragment = f"{{ {ENTITY} {{ ...F }} }} fragment F on Entity {{ ... {{ related {{ name }} }} }}"
    assert cache(depth=3).get(fragment, "a")
    (error,) = refusal(fragment, depth=2)
    assert error["extensions"] == {"code": "DEPTH_LIMIT", "limit": 2, "asked": 3}


def test_tokens_and_comments_are_limited():
    assert codes("{ a " + "b " * 50 + "}", tokens=20) == ["TOKEN_LIMIT"]
    assert codes("#\n" * 50 + related(0), tokens=20) == ["TOKEN_LIMIT"]


def test_aliases_are_counted_as_often_as_they_are_spread():
    once = f"{{ {ENTITY} {{ a: related {{ ...F }} }} }} fragment F on Entity {{ b: name }}"
    assert cache(aliases=2).get(once, "a")
    twice = (
        f"{{ {ENTITY} {{ a: related {{ ...F }} b: related {{ ...F }} }} }} fragment F on Entity {{ b: name }}"
    )
    assert codes(twice, aliases=3) == ["ALIAS_LIMIT"]
    assert cache(aliases=4).get(twice, "a")


def test_an_alias_is_no_longer_than_a_name_has_to_be():
    text = f"{{ {ENTITY} {{ ...F }} }} fragment F on Entity {{ {'b' * 101}: name c: name }}"
    (error,) = refusal(text)
    assert error["extensions"] == {"code": "ALIAS_LENGTH_LIMIT", "limit": 100, "asked": 101}
    assert cache().get(text.replace("bb", "b", 1), "a")


def test_directives_are_counted_wherever_they_stand():
    text = (
        f"query ($x: Boolean!) {{ {ENTITY} @include(if: $x) {{ ...F @skip(if: $x)"
        " ... @include(if: $x) { name @skip(if: $x) } } } fragment F on Entity { name @skip(if: $x) }"
    )
    assert cache(directives=5).get(text, "a")
    assert codes(text, directives=4) == ["DIRECTIVE_LIMIT"]


def test_a_doubling_document_is_refused_before_anything_is_expanded():
    assert codes(doubling(60), depth=100, aliases=30) == ["ALIAS_LIMIT"]
    unaliased = doubling(60).replace("a: ", "").replace("b: ", "")
    assert codes(unaliased, depth=100) == ["COST_LIMIT"]


def test_fragment_cycles_and_unknown_fragments_end():
    cycle = f"{{ {ENTITY} {{ ...A }} }} fragment A on Entity {{ ...B }} fragment B on Entity {{ ...A }}"
    assert codes(cycle) == ["GRAPHQL_VALIDATION"]
    assert codes(f"{{ {ENTITY} {{ ...Nowhere }} }}") == ["GRAPHQL_VALIDATION"]


def test_a_long_chain_of_fragments_is_refused_not_crashed():
    chain = [f"fragment F{n} on Entity {{ ... {{ ... {{ ...F{n + 1} }} }} }}" for n in range(2_000)]
    text = "\n".join([f"{{ {ENTITY} {{ ...F0 }} }}", *chain, "fragment F2000 on Entity { name }"])
    assert codes(text, tokens=100_000) == ["DEPTH_LIMIT"]


def cost(text: str, **weights: int) -> int:
    coordinates = {name.replace("__", "."): weight for name, weight in weights.items()}
    documents = DocumentCache(SCHEMA, Limits(cost=10**9), weights=coordinates)
    (found,) = documents.get(text, "a").weight.costs.values()
    return found


def test_cost_is_the_objects_that_can_be_returned():
    lookup = "query ($l: PersonLookup!) { person(lookup: $l) { "
    assert cost(lookup + "name } }") == 1
    assert cost(lookup + "penalties { records { documentNo } } } }") == 1 + 1 + 10
    assert cost(lookup + "penalties(first: 3) { edges { node { documentNo } } } } }") == 1 + 1 + 3 * (1 + 1)
    sized = lookup.replace("!)", "!, $n: Int)")
    assert cost(sized + "penalties(first: $n) { edges { node { documentNo } } } } }") == 1 + 1 + 100 * 2
    assert cost(lookup + "name } }", Query__person=10) == 10
    assert cost(lookup + "... on Person { ...F } } } fragment F on Subject { ref }") == 1
    assert cost(related(2)) == 1 + 10 * (1 + 10)


def test_cost_limit():
    assert codes(related(3), cost=1_110) == ["COST_LIMIT"]
    assert cache(cost=1_111).get(related(3), "a").weight.costs == {"": 1_111}


def test_the_usual_introspection_passes_and_a_pile_of_it_does_not():
    assert cache().get(get_introspection_query(input_value_deprecation=True), "a")
    pile = " ".join(f"i{n}: __schema {{ queryType {{ name }} }}" for n in range(5))
    assert codes(f"{{ {pile} }}") == ["COST_LIMIT"]
    deep = "{ __schema { types { " + "ofType { " * 20 + "name" + " }" * 23
    assert codes(deep) == ["DEPTH_LIMIT"]


@pytest.mark.parametrize("arguments", ["first: 101", "first: 2000000000"])
def test_first_is_capped(arguments):
    penalties = f"penalties({arguments}) {{ records {{ documentNo }} }}"
    text = f"query ($l: PersonLookup!) {{ person(lookup: $l) {{ {penalties} }} }}"
    assert "LIST_LIMIT" in codes(text)


def test_list_literals_are_capped_wherever_they_stand():
    long = ", ".join(['"x"'] * 101)
    assert codes(f'{{ entity(uscc: "1", notes: [{long}]) {{ name }} }}') == ["LIST_LIMIT"]
    nested = (
        f"query ($l: PersonLookup!) {{ person(lookup: $l, access: {{organizations: [{long}]}}) {{ name }} }}"
    )
    assert codes(nested) == ["LIST_LIMIT"]


def test_variables_are_capped():
    penalties = "penalties(first: $n) { records { documentNo } }"
    text = f"query ($l: PersonLookup!, $n: Int) {{ person(lookup: $l) {{ {penalties} }} }}"
    slices = cache().get(text, "a").weight.slices
    assert slices == {"n"}
    limits = Limits()
    check_variables({"n": 100}, {"n": 100}, slices, limits)
    for raw, coerced, code in (
        ({"n": 101}, {"n": 101}, "LIST_LIMIT"),
        ({}, {"n": 101}, "LIST_LIMIT"),
        ({"x": [1] * 101}, {}, "LIST_LIMIT"),
        ({"x": {"y": [{"z": [1] * 101}]}}, {}, "LIST_LIMIT"),
        ({"x": [[1] * 50] * 50}, {}, "VARIABLES_LIMIT"),
    ):
        with pytest.raises(RequestRefused, match=code):
            check_variables(raw, coerced, slices, limits)
