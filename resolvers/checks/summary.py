"""`addCheckSummaries`: from the summaries of chunks to the one of the whole job."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.types.info import Info

from authz.errors import AuthzError
from authz.receipts.summary import SummaryInvalid, added
from resolvers.access import CHECK_SCOPE, require_scope
from resolvers.context import RequestContext
from resolvers.fields import bilingual
from resolvers.recording import deny


async def add_check_summaries(
    info: Info,
    summaries: Annotated[
        list[str],
        strawberry.argument(
            description=bilingual(
                "各批汇总，原样送回", "Summaries of one job, as they were received; at most 100"
            )
        ),
    ],
) -> str:
    """For the client whose job it is; reads nothing."""
    context: RequestContext = info.context
    services, client = context.services, context.actor.client_id
    try:
        require_scope(context.actor, CHECK_SCOPE)
        parts = services.receipts.summaries(summaries)
        if not parts or any(each.client_id != client for each in parts):
            raise SummaryInvalid
        known = await services.chunks.count(client, parts[0].job)
        now = int(services.receipts.now.timestamp())
        return services.receipts.summarized(added(parts, known, now))
    except AuthzError as refusal:
        await deny(services, context.actor, context.query, refusal.code)
        raise
