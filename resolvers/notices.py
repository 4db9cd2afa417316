"""`subscription { notices }`: what the party behind the token is told, as soon as it is known.

A notice points and tells nothing more: what it points to is read by an ordinary query, with its
own basis and its own entry in the audit log.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Final

import orjson
import strawberry
from strawberry.types.info import Info

from authz.actors import Actor, ActorKind
from authz.errors import AccessDenied
from authz.notices import Position, Told
from authz.outbox import AUDITORS, OFFICE, NoticeKind, Recipient, RecipientKind
from authz.references import References
from catalogue.model import DataClass, Label
from resolvers.access import CHECK_SCOPE, CONSENT_SCOPE, SELF_SCOPE, require_scope
from resolvers.context import RequestContext
from resolvers.directives import classified
from resolvers.fields import bilingual, described, named_enum
from resolvers.review import REVIEW_SCOPE
from resolvers.rights import CASE_SCOPE
from resolvers.scalars import Instant

AUTHORIZED: Final = DataClass.AUTHORIZED
_SCOPES: Final = {
    ActorKind.PERSON: SELF_SCOPE,
    ActorKind.OFFICER: CHECK_SCOPE,
    ActorKind.PARTNER: CONSENT_SCOPE,
    ActorKind.OPERATOR: REVIEW_SCOPE,
    ActorKind.AUDITOR: REVIEW_SCOPE,
    ActorKind.STEWARD: CASE_SCOPE,
}

named_enum(
    NoticeKind,
    "NoticeKind",
    Label(zh="通知种类", en="What somebody is told"),
    {
        NoticeKind.RECORDS_READ: Label(
            zh="有人查询了您的信息，详见查询记录", en="Somebody read your records: see the access log"
        ),
        NoticeKind.CASE_FILED: Label(zh="有新办件", en="A case was filed"),
        NoticeKind.CASE_MOVED: Label(zh="办件有进展", en="A case has moved"),
        NoticeKind.CASE_DUE: Label(zh="办件即将到期", en="A case is due soon"),
        NoticeKind.CASE_OVERDUE: Label(zh="办件已逾期", en="A case is overdue"),
        NoticeKind.MEASURE_MOVED: Label(zh="措施有进展", en="A measure has moved"),
        NoticeKind.RECORD_CORRECTED: Label(
            zh="您查询过的记录已更正", en="A record that you read was corrected"
        ),
        NoticeKind.RECORD_REPAIRED: Label(
            zh="您查询过的记录已修复", en="A record that you read was repaired"
        ),
        NoticeKind.LIST_CHANGED: Label(
            zh="贵单位使用的名单已有变化", en="A list that you use has changed, says its department"
        ),
    },
)


@strawberry.type(description=bilingual("一条通知，只有指引", "A notice: it points and tells nothing"))
class Notice:
    """Delivered at least once, in order; `cursor` is where to go on from after a break."""

    kind: NoticeKind = described("种类", "Kind", AUTHORIZED)
    pointer: strawberry.ID | None = described(
        "办件编号、记录引用或名单", "A case, a record by the recipient's own reference, or a list", AUTHORIZED
    )
    at: Instant = described("时间", "When", AUTHORIZED)
    cursor: str = described("加密游标", "Encrypted cursor", AUTHORIZED)


async def _notices(
    info: Info,
    after: Annotated[
        str | None,
        strawberry.argument(description=bilingual("从此游标续接，缺省从现在", "From here on; now if absent")),
    ] = None,
) -> AsyncGenerator[Notice, None]:
    """Follow the outbox and, for a person, the audit log."""
    context: RequestContext = info.context
    references = context.services.references
    parties = parties_of(context.actor, references)
    seal = _binding(context.actor, parties[0])
    notices = context.services.notices
    opened = references.open_cursor(after, seal) if after else None
    start = Position(*orjson.loads(opened)) if opened else await notices.now()
    return _shown(notices.follow(parties, start), references, seal)


async def _shown(
    news: AsyncGenerator[Told, None], references: References, seal: bytes
) -> AsyncGenerator[Notice, None]:
    async with aclosing(news) as told:
        async for one in told:
            place = orjson.dumps([one.position.notice, one.position.leaf, one.position.at])
            yield Notice(
                kind=one.kind,
                pointer=strawberry.ID(one.pointer) if one.pointer else None,
                at=Instant(one.at),
                cursor=references.seal_cursor(place, seal),
            )


@strawberry.type(description=bilingual("推送", "What is pushed, by graphql-transport-ws or graphql-sse"))
class Subscription:
    """The subscriptions of the graph."""

    notices: AsyncGenerator[Notice, None] = strawberry.subscription(
        resolver=_notices,
        description=bilingual(
            "本方的通知；断线后以最后的游标续接",
            "Notices to the party behind the token; after a break go on from the last cursor",
        ),
        directives=[classified(AUTHORIZED)],
    )


def parties_of(actor: Actor, references: References) -> list[Recipient]:
    """As whom an actor is told; raises AccessDenied for one that nobody tells anything."""
    scope = _SCOPES.get(actor.kind)
    if scope is None:
        raise AccessDenied("ACTOR_NOT_ALLOWED", "Notices go to a party with a token of its own.")
    require_scope(actor, scope)
    match actor.kind:
        case ActorKind.PERSON if actor.subject is not None:
            return [Recipient(RecipientKind.PERSON, ref) for ref in references.audit_refs(actor.subject)]
        case ActorKind.OPERATOR:
            return [OFFICE]
        case ActorKind.AUDITOR:
            return [AUDITORS]
        case ActorKind.STEWARD:
            return [Recipient(RecipientKind.DEPARTMENT, actor.department)]
        case _:
            return [Recipient(RecipientKind.CLIENT, actor.client_id)]


def _binding(actor: Actor, party: Recipient) -> bytes:
    """What a cursor is bound to: the client, and as whom it is told."""
    return orjson.dumps(["notices", actor.client_id, party.kind, party.ref])
