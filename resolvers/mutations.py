"""The Mutation type: what people and reviewers do. No department is read by it."""

from __future__ import annotations

from typing import Any

import strawberry

from resolvers.consents import consent_mutations
from resolvers.fields import bilingual
from resolvers.review import review_mutations


def mutation_type() -> type:
    """Every act of the graph, each with a typed result."""
    fields = {**consent_mutations(), **review_mutations()}
    made = type("Mutation", (), {**fields, "__annotations__": dict.fromkeys(fields, Any)})
    return strawberry.type(
        made, description=bilingual("授权与审查的办理", "Acts on consents, and acts of reviewers")
    )
