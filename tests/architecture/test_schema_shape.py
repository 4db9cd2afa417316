"""What every field of the built schema must be: classified, described, nullable where it may be denied."""

import pytest
from graphql import GraphQLObjectType, is_interface_type, is_non_null_type, is_object_type

from catalogue.identifiers import SubjectKind
from catalogue.loader import load_catalogue
from resolvers.schema import GraphSchema, build_schema

CATALOGUE = load_catalogue()
PLUMBING = {"_Service"}
"""Federation's own types."""


@pytest.fixture(scope="module")
def schema() -> GraphSchema:
    return build_schema(CATALOGUE)


def object_types(schema: GraphSchema) -> list[GraphQLObjectType]:
    return [
        kind
        for name, kind in schema.executable.type_map.items()
        if (is_object_type(kind) or is_interface_type(kind))
        and not name.startswith("__")
        and name not in PLUMBING
    ]


def test_every_field_has_a_data_class_and_a_bilingual_description(schema: GraphSchema) -> None:
    for kind in object_types(schema):
        assert "\n\n" in (kind.description or ""), kind.name
        for name, field in kind.fields.items():
            if name == "_service":
                continue
            assert "\n\n" in (field.description or ""), f"{kind.name}.{name}"
            definition = field.extensions["strawberry-definition"]
            levels = [each.level for each in definition.directives if hasattr(each, "level")]
            assert len(levels) == 1, f"{kind.name}.{name} has no data class"


def test_every_argument_input_and_enum_value_is_described(schema: GraphSchema) -> None:
    for name, kind in schema.executable.type_map.items():
        if name.startswith(("__", "link__")) or name in PLUMBING:
            continue
        for value in getattr(kind, "values", {}).values():
            if name != "DataClass":
                assert value.description, f"{name} has an undescribed value"
        for field_name, field in getattr(kind, "fields", {}).items():
            for argument_name, argument in getattr(field, "args", {}).items():
                assert argument.description, f"{name}.{field_name}({argument_name})"
            if field_name != "_service":
                assert field.description, f"{name}.{field_name}"


def test_every_field_of_a_record_is_nullable_for_it_may_be_denied(schema: GraphSchema) -> None:
    for entry in CATALOGUE.record_types.values():
        kind = schema.executable.type_map[entry.graphql_type]
        for field in entry.fields:
            if field.name not in ("severity",):
                assert not is_non_null_type(kind.fields[field.name].type), f"{entry.code}.{field.name}"


def test_all_fields_of_the_catalogue_are_in_the_graph(schema: GraphSchema) -> None:
    assert len(CATALOGUE.record_types) == 53
    assert sum(len(entry.fields) for entry in CATALOGUE.record_types.values()) == 553
    for entry in CATALOGUE.record_types.values():
        fields = schema.executable.type_map[entry.graphql_type].fields
        assert {field.name for field in entry.fields} <= fields.keys()
        assert not {column.name for column in entry.never_mapped} & fields.keys()


def test_every_record_type_is_a_section_of_each_of_its_subjects(schema: GraphSchema) -> None:
    names = {
        SubjectKind.NATURAL_PERSON: "NaturalPerson",
        SubjectKind.ENTERPRISE: "Enterprise",
        SubjectKind.SOCIAL_ORGANIZATION: "SocialOrganization",
        SubjectKind.PUBLIC_INSTITUTION: "PublicInstitution",
    }
    for entry in CATALOGUE.record_types.values():
        for kind in entry.subjects:
            subject = schema.executable.type_map[names[kind]]
            group = subject.fields[CATALOGUE.domains[entry.domain].field].type.of_type
            assert group.fields[entry.section].type.of_type.name == f"{entry.graphql_type}Section"


def test_persons_have_no_federation_key_and_entities_have_their_code() -> None:
    sdl = build_schema(CATALOGUE).as_str()
    person = sdl[sdl.index("type NaturalPerson ") :].split("{")[0]
    assert "@key" not in person
    for name in ("Enterprise", "SocialOrganization", "PublicInstitution"):
        assert '@key(fields: "uscc"' in sdl[sdl.index(f"type {name} ") :].split("{")[0]


def test_nothing_in_the_schema_decides_or_scores(schema: GraphSchema) -> None:
    refused = {
        "decision",
        "approve",
        "approved",
        "reject",
        "rejected",
        "recommendation",
        "score",
        "rank",
        "totalCount",
    }
    for kind in object_types(schema):
        assert not refused & kind.fields.keys(), kind.name
