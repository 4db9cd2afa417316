"""The executable schema of one catalogue, and its export."""

from __future__ import annotations

from functools import cached_property
from typing import Final

from graphql import GraphQLSchema
from strawberry.federation import Schema

from catalogue.errors import BrokenEntry
from catalogue.model import Catalogue
from resolvers.mutations import mutation_type
from resolvers.notices import Subscription
from resolvers.queries import query_type
from resolvers.scalars import config
from resolvers.subjects import SubjectTypes, subject_types

FEDERATION_VERSION: Final = "2.3"
"""Pinned to what Apollo's, The Guild's and Cosmo's composers all accept."""


class GraphSchema(Schema):
    """The schema, with the graphql-core schema that executes it."""

    @property
    def executable(self) -> GraphQLSchema:
        """The graphql-core schema: documents are validated against and executed on it."""
        return self._schema

    @cached_property
    def sdl(self) -> str:
        """The schema as `_service` and the export print it; printing costs 200 ms, so once."""
        return self.as_str()


def build_schema(catalogue: Catalogue) -> GraphSchema:
    """Create every type from the catalogue and assemble the schema."""
    types = subject_types(catalogue)
    schema = GraphSchema(
        query=query_type(types),
        mutation=mutation_type(),
        subscription=Subscription,
        types=[*types.records.values(), *types.subjects.values()],
        config=config(),
        federation_version=FEDERATION_VERSION,
    )
    _refuse_clashes(schema, catalogue, types)
    return schema


def _refuse_clashes(schema: GraphSchema, catalogue: Catalogue, types: SubjectTypes) -> None:
    """A record type named like another type of the graph would silently take its place."""
    for code, created in types.records.items():
        name = catalogue.record_types[code].graphql_type
        definition = schema.get_type_by_name(name)
        if getattr(definition, "origin", None) is not created:
            raise BrokenEntry(
                f"record_types/{code}.yaml", f"`graphqlType: {name}` is taken by another type; choose another"
            )
