"""The Mutation type: checks, which read on a grant and leave a receipt, and what people and reviewers do."""

from __future__ import annotations

from typing import Any

import strawberry

from resolvers.checks.mutations import check_mutations
from resolvers.consents import consent_mutations
from resolvers.fields import bilingual
from resolvers.lists import list_mutations
from resolvers.review import review_mutations
from resolvers.rights import case_mutations


def mutation_type() -> type:
    """Every act of the graph, each with a typed result."""
    fields = {
        **check_mutations(),
        **consent_mutations(),
        **case_mutations(),
        **list_mutations(),
        **review_mutations(),
    }
    made = type("Mutation", (), {**fields, "__annotations__": dict.fromkeys(fields, Any)})
    return strawberry.type(
        made,
        description=bilingual(
            "核查、授权、权利事项与审查的办理", "Checks, acts on consents, on cases, and of reviewers"
        ),
    )
