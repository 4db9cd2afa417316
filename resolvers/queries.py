"""The root fields. Each one resolves its lookup and hands the plan to `resolvers.reading`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Union

import strawberry
from graphql import FieldNode
from strawberry.federation.schema import FederationAny
from strawberry.types.info import Info

from authz.errors import AuthzError
from authz.grants import Grant, Statutory
from authz.wording import refuse_name
from catalogue.identifiers import SubjectKey, SubjectKind
from catalogue.model import DataClass, Label
from resolvers.access import ENTITY_ROOT_OF, AccessContext
from resolvers.access_log import AccessLogConnection, my_access_log
from resolvers.catalogue_graph import CatalogueInfo, catalogue_info
from resolvers.consent_types import Consent, ConsentConnection
from resolvers.consents import find_consent, my_consents
from resolvers.context import RequestContext
from resolvers.directives import classified
from resolvers.export import SubjectExport, my_export
from resolvers.fields import bilingual, described, named_enum, object_type, optional
from resolvers.identity import Lookup, Match
from resolvers.lookups import PersonLookup, SubjectLookup, UsccArgument, person, resolve_lookup
from resolvers.reading import Outcome, read_subjects, verify_identity
from resolvers.recording import refusals_recorded
from resolvers.review import ReviewDesk, review
from resolvers.subjects import GRAPHQL_NAME, CreditSubject, SubjectTypes

REPRESENTATIONS_MAX = 100

named_enum(
    Match,
    "IdentityMatch",
    Label(zh="身份核验结果", en="Whether a number and a name belong together"),
    {
        Match.MATCH: Label(zh="一致", en="They do"),
        Match.NO_MATCH: Label(zh="不一致", en="They do not, or the number is unknown"),
        Match.UNSURE: Label(zh="需人工核实", en="The authority cannot be sure or cannot be asked"),
    },
)

Access = Annotated[
    AccessContext, strawberry.argument(description=bilingual("查询依据", "Basis of the operation"))
]
OptionalAccess = Annotated[
    AccessContext | None,
    strawberry.argument(
        description=bilingual("查询依据；缺省仅为依法公示信息", "Basis; only what is public by law if absent")
    ),
]


async def _subject(
    info: Info,
    lookup: Annotated[
        SubjectLookup,
        strawberry.argument(description=bilingual("查找方式", "Whom: exactly one way of naming")),
    ],
    access: Access,
) -> Any:
    context: RequestContext = info.context
    async with refusals_recorded(context):
        found = resolve_lookup(lookup, context.services.references, context.actor.client_id)
        _refuse_name(context, found)
    return await _read(context, found, context.roots[str(info.path.key)], (str(info.path.key),))


async def _verify(
    info: Info,
    lookup: Annotated[
        PersonLookup, strawberry.argument(description=bilingual("证件号和姓名", "Number and name"))
    ],
    access: Access,
) -> Any:
    context: RequestContext = info.context
    async with refusals_recorded(context):
        found = person(lookup)
        _refuse_name(context, found)
    return await verify_identity(context, _grant(context), found)


def _refuse_name(context: RequestContext, lookup: Lookup) -> None:
    """What is written down of a read names nobody."""
    grant = _grant(context)
    repeat = grant.declared.repeat if isinstance(grant, Statutory) and grant.declared else None
    refuse_name(lookup.name, grant.purpose, repeat.note if repeat else None)


async def _me(info: Info) -> Any:
    context: RequestContext = info.context
    subject = getattr(_grant(context), "subject")  # noqa: B009
    key = str(info.path.key)
    persons = {
        inner: await _read(context, Lookup(subject), nodes, (key, inner))
        for inner, nodes in context.walk.collect("Me", context.roots[key]).items()
        if nodes[0].name.value == "person"
    }
    return {"__typename": "Me", "person": persons}


def _person(self: Any, info: Info) -> Any:
    """What was read for this place: two aliases of the person may select differently."""
    return self["person"][info.path.key]


def _entity(kind: SubjectKind) -> Callable[..., Awaitable[Any]]:
    """The resolver of `enterprise(uscc)` and its like: a code of another kind is not found."""

    async def resolve(info: Info, uscc: UsccArgument, access: OptionalAccess = None) -> Any:
        context: RequestContext = info.context
        async with refusals_recorded(context):
            key = _entity_key(uscc, kind)
        root = str(info.path.key)
        return await _read(context, Lookup(key), context.roots[root], (root,))

    return resolve


def _entity_key(uscc: str, kind: SubjectKind) -> SubjectKey:
    """The key of an entity of this kind; raises IdentifierError, AuthzError."""
    key = SubjectKey.entity(uscc)
    if key.subject_kind is not kind:
        raise AuthzError(
            "SUBJECT_KIND_MISMATCH",
            f"This code is registered for {GRAPHQL_NAME[key.subject_kind]}, not {GRAPHQL_NAME[kind]}.",
        )
    return key


async def _entities(
    info: Info,
    representations: Annotated[
        list[FederationAny],
        strawberry.argument(description=bilingual("实体表示", "Entity representations, at most 100")),
    ],
) -> Any:
    """Entities by USCC for a federation router, batched: one question per source for all of a kind."""
    context: RequestContext = info.context
    if len(representations) > REPRESENTATIONS_MAX:
        raise AuthzError("LIST_LIMIT", f"At most {REPRESENTATIONS_MAX} representations at a time.")
    root = str(info.path.key)
    outcomes: list[Outcome | None] = [None] * len(representations)
    wanted: dict[SubjectKind, list[tuple[int, SubjectKey]]] = {}
    for place, raw in enumerate(representations):
        found = _represented(raw)
        if isinstance(found, SubjectKey):
            wanted.setdefault(found.subject_kind, []).append((place, found))
        else:
            outcomes[place] = found
    for kind, places in wanted.items():
        plan = context.services.planner.plan(context.walk, context.roots[root], (root,), kind)
        lookups = [Lookup(key) for _, key in places]
        nodes = await read_subjects(context, _grant(context), plan, lookups)
        for (place, _), node in zip(places, nodes, strict=True):
            outcomes[place] = node
    return outcomes


def _represented(raw: Any) -> SubjectKey | Exception:
    """The key in a representation: entities only, for persons have none (ruling 23)."""
    refused = AuthzError("REPRESENTATION_INVALID", "Give `__typename` of an entity and its `uscc`.")
    if not isinstance(raw, dict) or not isinstance(raw.get("uscc"), str):
        return refused
    try:
        key = SubjectKey.entity(raw["uscc"])
    except ValueError as error:
        return error
    if key.personal or raw.get("__typename") != GRAPHQL_NAME[key.subject_kind]:
        return refused
    return key


async def _read(
    context: RequestContext, lookup: Lookup, nodes: list[FieldNode], path: tuple[str, ...]
) -> Outcome:
    plan = context.services.planner.plan(context.walk, nodes, path, lookup.key.subject_kind)
    (outcome,) = await read_subjects(context, _grant(context), plan, [lookup])
    return outcome


def _grant(context: RequestContext) -> Grant:
    """The operation's grant; reading without one is a fault of ours, so it refuses."""
    if context.grant is None:
        raise AuthzError("NO_GRANT", "This operation has no basis to read.")
    return context.grant


def _catalogue(info: Info) -> CatalogueInfo:
    services = info.context.services
    return catalogue_info(services.catalogue, services.locality, services.sources)


@strawberry.type(name="_Service", description=bilingual("子图服务", "The federation subgraph"))
class SubgraphService:
    """What a composer asks for (Apollo Federation)."""

    sdl: str = described("模式定义", "The schema in SDL")


def _service(info: Info) -> SubgraphService:
    return SubgraphService(sdl=info.schema.sdl)  # type: ignore[attr-defined]


def query_type(types: SubjectTypes) -> type:
    """The Query type over the subject types of one catalogue."""
    roots = {**_person_roots(types), **_entity_roots(types)}
    roots["catalogue"] = _root(
        _catalogue, CatalogueInfo, "公开目录，任何人可查", "The public catalogue, for anyone"
    )
    roots["_service"] = _root(
        _service,
        SubgraphService,
        "联邦子图（Apollo Federation）",
        "The federation subgraph",
        name="_service",
    )
    roots["consent"] = _root(
        find_consent,
        optional(Consent),
        "一份授权，仅查询机构和本人可见",
        "One consent, for its grantee and its person only",
    )
    roots["review"] = _root(
        review,
        optional(ReviewDesk),
        "查询使用审查，仅审查人员可见",
        "The review of use, for auditors and the credit office",
    )
    query = type("Query", (), {**roots, "__annotations__": dict.fromkeys(roots, Any)})
    return strawberry.type(
        query,
        description=bilingual(
            "信用主体实时查询：逐部门实时读取，不复制、不评分、不检索自然人",
            "Live reading of credit subjects from the departments themselves: no copy, no score, no search",
        ),
    )


def _me_class(types: SubjectTypes) -> type:
    """What the person who is logged in sees of themself and of those who looked at them."""
    return object_type(
        "Me",
        Label(zh="本人", en="The person who is logged in"),
        [
            (
                "person",
                optional(types.subjects[SubjectKind.NATURAL_PERSON]),
                described(
                    "各部门持有的本人信息",
                    "What departments hold on me",
                    DataClass.RESTRICTED,
                    resolver=_person,
                ),
            ),
            (
                "export",
                SubjectExport,
                described(
                    "本人信息的签名副本，须增强认证",
                    "All of it as a signed document to take along; needs a fresh strong login",
                    DataClass.RESTRICTED,
                    resolver=my_export,
                ),
            ),
            (
                "consents",
                ConsentConnection,
                described(
                    "向我申请的和我给出的授权，由近及远",
                    "Consents that were asked of me or given by me, newest first",
                    DataClass.AUTHORIZED,
                    resolver=my_consents,
                ),
            ),
            (
                "accessLog",
                AccessLogConnection,
                described(
                    "谁查过我、为何、哪些字段，由近及远",
                    "Who looked at me, for what, and which fields, newest first",
                    DataClass.AUTHORIZED,
                    resolver=my_access_log,
                ),
            ),
        ],
    )


def _person_roots(types: SubjectTypes) -> dict[str, Any]:
    return {
        "subject": _root(
            _subject,
            optional(CreditSubject),
            "按证件号和姓名、统一社会信用代码或主体标识精确查询一个主体",
            "One subject by exact key: number and name, USCC, or reference. Never a search",
        ),
        "verifyIdentity": _root(
            _verify,
            optional(Match),
            "核验证件号和姓名是否一致",
            "Whether a number and a name belong together",
        ),
        "me": _root(_me, optional(_me_class(types)), "本人信息", "The person who is logged in"),
    }


def _entity_roots(types: SubjectTypes) -> dict[str, Any]:
    roots = {
        field: _root(
            _entity(kind),
            optional(types.subjects[kind]),
            "按统一社会信用代码精确查询；未说明依据时仅含依法公示信息",
            "One entity by its code; without a basis only what a law orders published",
        )
        for kind, field in ENTITY_ROOT_OF.items()
    }
    members: Any = Union[tuple(types.subjects[kind] for kind in ENTITY_ROOT_OF)]  # noqa: UP007 - made at run time
    roots["_entities"] = _root(
        _entities,
        list[Annotated[members, strawberry.union("_Entity")] | None],
        "联邦实体（Apollo Federation）",
        "Entities of the federation subgraph; persons have no key",
        name="_entities",
    )
    return roots


def _root(resolver: Callable[..., object], kind: object, zh: str, en: str, *, name: str | None = None) -> Any:
    return strawberry.field(
        resolver=resolver,
        graphql_type=kind,
        name=name,
        description=bilingual(zh, en),
        directives=[classified(DataClass.PUBLIC)],
    )
