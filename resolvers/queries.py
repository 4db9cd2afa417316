"""The root fields. What departments hold was read before (`resolvers.roots`); here it is only printed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Union

import strawberry
from strawberry.federation.schema import FederationAny
from strawberry.types.info import Info

from catalogue.identifiers import SubjectKind
from catalogue.model import DataClass, Label
from resolvers.access import ENTITY_ROOT_OF, AccessContext
from resolvers.access_log import AccessLogConnection, my_access_log
from resolvers.catalogue_graph import CatalogueInfo, catalogue_info
from resolvers.checks.my_measures import MyMeasure, my_measures
from resolvers.consent_types import Consent, ConsentConnection
from resolvers.consents import find_consent, my_consents
from resolvers.context import RequestContext
from resolvers.directives import classified
from resolvers.export import SubjectExport, my_export
from resolvers.fields import bilingual, described, named_enum, object_type, optional
from resolvers.identity import Match
from resolvers.lookups import PersonLookup, SubjectLookup, UsccArgument, person
from resolvers.nodes import subject_node
from resolvers.publicity import PublicityCount, publicity
from resolvers.reading import Outcome, verify_identity
from resolvers.recording import RefusalsRecorded
from resolvers.report.consented import consent_report
from resolvers.report.graph import CreditReport, my_report
from resolvers.review import ReviewDesk, review
from resolvers.rights import case_desk, find_case, my_cases
from resolvers.rights_types import RightsCase, RightsCaseConnection
from resolvers.roots import grant_of_operation, refuse_named
from resolvers.subjects import CreditSubject, SubjectTypes

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


def _answer(info: Info) -> Any:
    """What was read for this root field, as a node."""
    found = info.context.answers[str(info.path.key)]
    if isinstance(found, Exception):
        raise found
    return found


def _node(outcome: Outcome) -> Any:
    return outcome if isinstance(outcome, Exception) else subject_node(outcome)


def _subject(
    info: Info,
    lookup: Annotated[
        SubjectLookup,
        strawberry.argument(description=bilingual("查找方式", "Whom: exactly one way of naming")),
    ],
    access: Access,
) -> Any:
    return _node(_answer(info))


def _represented(
    info: Info,
    lookup: Annotated[
        SubjectLookup,
        strawberry.argument(description=bilingual("为谁：子女或企业", "Whom: a child, or an enterprise")),
    ],
) -> Any:
    return _node(_answer(info))


async def _verify(
    info: Info,
    lookup: Annotated[
        PersonLookup, strawberry.argument(description=bilingual("证件号和姓名", "Number and name"))
    ],
    access: Access,
) -> Any:
    context: RequestContext = info.context
    async with RefusalsRecorded(context):
        found = person(lookup)
        refuse_named(context, found)
    return await verify_identity(context, grant_of_operation(context), found)


def _me(info: Info) -> Any:
    persons = {key: _node(outcome) for key, outcome in _answer(info).items()}
    return {"__typename": "Me", "person": persons}


def _person(self: Any, info: Info) -> Any:
    """What was read for this place: two aliases of the person may select differently."""
    return self["person"][info.path.key]


def _entity(info: Info, uscc: UsccArgument, access: OptionalAccess = None) -> Any:
    """The resolver of `enterprise(uscc)` and its like."""
    return _node(_answer(info))


def _entities(
    info: Info,
    representations: Annotated[
        list[FederationAny],
        strawberry.argument(description=bilingual("实体表示", "Entity representations, at most 100")),
    ],
) -> Any:
    """Entities by USCC for a federation router."""
    return [None if outcome is None else _node(outcome) for outcome in _answer(info)]


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
    roots |= _staff_roots()
    query = type("Query", (), {**roots, "__annotations__": dict.fromkeys(roots, Any)})
    return strawberry.type(
        query,
        description=bilingual(
            "信用主体实时查询：逐部门实时读取，不复制、不评分、不检索自然人",
            "Live reading of credit subjects from the departments themselves: no copy, no score, no search",
        ),
    )


def _staff_roots() -> dict[str, Any]:
    """Reviews, cases and publicity: for staff, and a case for its person too."""
    return {
        "review": _root(
            review,
            optional(ReviewDesk),
            "查询使用审查，仅审查人员可见",
            "The review of use, for auditors and the credit office",
        ),
        "rightsCase": _root(
            find_case,
            optional(RightsCase),
            "一个权利事项，仅本人和办理人员可见",
            "One case of somebody's rights, for its person and those who decide on it",
        ),
        "caseDesk": _root(
            case_desk,
            optional(RightsCaseConnection),
            "待办的权利事项，仅来源部门、信用办和审计可见",
            "Cases to decide on, for stewards, the credit office and auditors",
        ),
        "publicity": _root(
            publicity,
            optional(list[PublicityCount]),
            "双公示逾期情况，仅信用办、审计和本部门可见",
            "Decisions that were not public in time, for the credit office and each department",
        ),
    }


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
            _signed("export", SubjectExport, "本人信息的签名副本", "All of it, to take along", my_export),
            _signed(
                "report", CreditReport, "本人信用报告，有水印和有效期", "A report for one reader", my_report
            ),
            _listed(
                "consents",
                ConsentConnection,
                "向我申请的和我给出的授权，由近及远",
                "Consents that were asked of me or given by me, newest first",
                my_consents,
            ),
            _listed(
                "cases",
                RightsCaseConnection,
                "我的异议、修复申请、声明和投诉，由近及远",
                "My objections, applications for repair, statements and complaints, newest first",
                my_cases,
            ),
            _listed(
                "measures",
                list[MyMeasure],
                "对我采取的措施及其进展，由近及远",
                "Measures that somebody took about me after a check, newest first",
                my_measures,
            ),
            _listed(
                "accessLog",
                AccessLogConnection,
                "谁查过我、为何、哪些字段，由近及远",
                "Who looked at me, for what, and which fields, newest first",
                my_access_log,
            ),
        ],
    )


def _listed(name: str, kind: Any, zh: str, en: str, resolver: Callable[..., object]) -> tuple[str, Any, Any]:
    """A list of one's own."""
    return name, kind, described(zh, en, DataClass.AUTHORIZED, resolver=resolver)


def _signed(
    name: str, kind: type, zh: str, en: str, resolver: Callable[..., object]
) -> tuple[str, type, Any]:
    """A signed document about oneself."""
    zh, en = f"{zh}；须增强认证", f"{en}; signed, and needs a fresh strong login"
    return name, kind, described(zh, en, DataClass.RESTRICTED, resolver=resolver)


def _person_roots(types: SubjectTypes) -> dict[str, Any]:
    return {
        "subject": _root(
            _subject,
            optional(CreditSubject),
            "按证件号和姓名、统一社会信用代码或主体标识精确查询一个主体",
            "One subject by exact key: number and name, USCC, or reference. Never a search",
        ),
        "represented": _root(
            _represented,
            optional(CreditSubject),
            "本人所监护的未满十四周岁子女或所代表的企业，每次向登记部门核实",
            "A child under 14, for its guardian; an enterprise, for its legal representative; confirmed live",
        ),
        "verifyIdentity": _root(
            _verify,
            optional(Match),
            "核验证件号和姓名是否一致",
            "Whether a number and a name belong together",
        ),
        "consentReport": _root(
            consent_report,
            optional(CreditReport),
            "依本人授权出具的信用报告，仅含授权内容，有水印和有效期",
            "A signed report for the reader whom the person allowed one: what was agreed to, and no more",
        ),
        "me": _root(_me, optional(_me_class(types)), "本人信息", "The person who is logged in"),
    }


def _entity_roots(types: SubjectTypes) -> dict[str, Any]:
    roots = {
        field: _root(
            _entity,
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
