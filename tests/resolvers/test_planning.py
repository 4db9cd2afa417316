"""What a plan wants of each record type, whatever the document hides it behind."""

from __future__ import annotations

from functools import cache

import pytest
from graphql import FragmentDefinitionNode, OperationDefinitionNode, get_variable_values, parse, validate
from graphql.execution.values import VariableValues

from catalogue.identifiers import SubjectKind
from catalogue.loader import load_catalogue
from resolvers.planning import Planner, SubjectPlan, Walk
from resolvers.schema import GraphSchema, build_schema

CATALOGUE = load_catalogue()
PERSON = SubjectKind.NATURAL_PERSON


@cache
def schema() -> GraphSchema:
    return build_schema(CATALOGUE)


def plan(selection: str, definitions: str = "", **variables: object) -> SubjectPlan:
    """The plan of a selection below `me { person }`."""
    declared = f"({', '.join(f'${name}: Boolean!' for name in variables)})" if variables else ""
    document = parse(f"query Q{declared} {{ me {{ person {{ {selection} }} }} }} {definitions}")
    assert validate(schema().executable, document) == []
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    coerced = get_variable_values(schema().executable, operation.variable_definitions or [], variables)
    assert isinstance(coerced, VariableValues)
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    walk = Walk(schema().executable, fragments, coerced)
    (me,) = walk.roots("Query", operation).values()
    (person,) = walk.collect("Me", me).values()
    return Planner(CATALOGUE).plan(walk, person, ("me", "person"), PERSON)


ON_JUDICIAL = "fragment J on NaturalPersonJudicialRecords { judgmentDefaults { records { caseNo } } }"
ON_PERSON = "fragment P on NaturalPerson { judicial { judgmentDefaults { records { ...F } } } }"
ON_RECORD = "fragment F on PersonJudgmentDefault { caseNo court }"


@pytest.mark.parametrize(
    "selection",
    [
        "judicial { judgmentDefaults { records { caseNo court } } }",
        "judicial { judgmentDefaults { records { caseNo } again: records { court } } }",
        "judicial { ...J } judicial { judgmentDefaults { records { court } } }",
        "... on NaturalPerson { judicial { judgmentDefaults { records { ...F ...F } } } }",
        "... on CreditSubject { ...P }",
    ],
)
def test_fragments_aliases_and_type_conditions_want_the_same(selection: str) -> None:
    used = {"...J": ON_JUDICIAL, "...P": ON_PERSON + ON_RECORD, "...F": ON_RECORD}
    found = plan(selection, " ".join(text for name, text in used.items() if name in selection))
    assert {code: read.fields for code, read in found.types.items()} == {"P-FY-01": {"caseNo", "court"}}


@pytest.mark.parametrize(("shown", "fields"), [(True, {"caseNo", "court"}), (False, {"caseNo"})])
def test_what_a_directive_leaves_out_is_not_wanted(shown: bool, fields: set[str]) -> None:
    selection = "judicial { judgmentDefaults { records { caseNo court @include(if: $shown) } } }"
    assert plan(selection, shown=shown).types["P-FY-01"].fields == fields


def test_a_skipped_section_is_not_read_at_all() -> None:
    selection = "judicial { judgmentDefaults @skip(if: $off) { records { caseNo } } }"
    assert plan(selection, off=True).types == {}


def test_base_fields_want_no_column_of_their_own() -> None:
    found = plan("judicial { judgmentDefaults { state records { recordId status provenance { system } } } }")
    assert found.types["P-FY-01"].fields == set()
    assert found.types["P-FY-01"].paths["status"] == [
        ("me", "person", "judicial", "judgmentDefaults", "records", "status")
    ]


def test_a_page_wants_every_type_of_the_kind_and_fields_by_type_condition() -> None:
    selection = "records { edges { node { recordType ... on PersonHonour { title } } } }"
    found = plan(selection)
    assert found.types.keys() == {entry.code for entry in CATALOGUE.of_kind(PERSON)}
    wanted = {code: read.fields for code, read in found.types.items() if read.fields}
    assert wanted == {"P-WM-01": {"title"}}


def test_a_page_and_a_section_of_one_type_are_one_read() -> None:
    found = plan(
        "honours { honours { records { level } } }"
        'records(types: ["P-WM-01"]) { edges { node { ... on PersonHonour { title } } } }'
    )
    assert {code: read.fields for code, read in found.types.items()} == {"P-WM-01": {"level", "title"}}
