"""From an operation to its one grant, before anything executes.

An operation has one basis. Root fields that name different ones, or more than one natural
person, are refused here, whatever aliases or fragments they hide behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

import orjson
import strawberry
from graphql import FieldNode

from authz.actors import Actor, ActorKind
from authz.consent.register import require_partner
from authz.consent.use import Claim
from authz.declarations import ReasonCode, RepeatReason
from authz.errors import AccessDenied, AuthzError
from authz.grants import Grant, Public, SelfAccess
from authz.mandates import CaseClaim, MandateRegister
from catalogue.identifiers import IdentifierError, SubjectKey, SubjectKind
from catalogue.model import Label
from resolvers.fields import bilingual, named_enum
from resolvers.planning import Walk
from resolvers.scalars import ScenarioCode

ENTITY_ROOT_OF = {
    SubjectKind.ENTERPRISE: "enterprise",
    SubjectKind.SOCIAL_ORGANIZATION: "socialOrganization",
    SubjectKind.PUBLIC_INSTITUTION: "publicInstitution",
}
ENTITY_ROOTS = frozenset(ENTITY_ROOT_OF.values())
CHECK_SCOPE: Final = "credit:check"
SELF_SCOPE: Final = "credit:self"
CONSENT_SCOPE: Final = "credit:consent"
_CASE_CLAIM: Final = (
    *("scenario", "caseNo", "purpose", "legalBasisId"),
    *("reasonCode", "noConflictOfInterest", "repeatReason", "repeatNote"),
)
"""Members of the access context in the order of `CaseClaim`."""
PERSON_ROOTS = frozenset({"subject", "represented", "consentReport", "verifyIdentity", "me"})
CHECK: Final = "mustCheck"
CHECK_CHUNK: Final = "mustCheckChunk"
CHECK_ROOTS: Final = frozenset({CHECK, CHECK_CHUNK, "recordManualCheck", "reportOutcome", "advanceMeasure"})
"""Mutations that stand on a grant as reads do: a check leaves a receipt, so it is no query."""
_GRANTED: Final = PERSON_ROOTS | ENTITY_ROOTS | CHECK_ROOTS | {"_entities"}


named_enum(
    ReasonCode,
    "ReasonCode",
    Label(zh="查询原因", en="Why an officer asks"),
    {
        ReasonCode.APPLICATION_REVIEW: Label(zh="申请审查", en="Review of an application"),
        ReasonCode.QUALIFICATION_REVIEW: Label(zh="资格审查或复核", en="Review of a qualification"),
        ReasonCode.RECHECK_BEFORE_DECISION: Label(zh="决定前复核", en="Once more before a decision"),
        ReasonCode.COMMENDATION_REVIEW: Label(zh="表彰评优审查", en="Review before a commendation"),
        ReasonCode.SUPERVISION: Label(zh="监督检查", en="Supervision or inspection"),
        ReasonCode.ENFORCEMENT_ASSISTANCE: Label(zh="协助执行", en="Assistance in enforcement"),
        ReasonCode.OBJECTION_HANDLING: Label(zh="异议处理", en="Handling of an objection"),
    },
)
named_enum(
    RepeatReason,
    "RepeatReason",
    Label(zh="再次查询理由", en="Why an officer asks again"),
    {
        RepeatReason.CASE_CONTINUED: Label(zh="同一办件继续办理", en="The case goes on"),
        RepeatReason.NEW_MATERIAL: Label(zh="补充材料后复核", en="New material came in"),
        RepeatReason.RESULT_EXPIRED: Label(zh="核查结果已过有效期", en="The earlier result has expired"),
        RepeatReason.ANOTHER_CASE: Label(zh="另一办件", en="Another case about the same subject"),
        RepeatReason.OBJECTION: Label(zh="当事人提出异议", en="The subject objected"),
        RepeatReason.SUPERVISION: Label(zh="监督复查", en="Supervisory review"),
    },
)


@strawberry.input(
    description=bilingual(
        "查询依据：场景、案号，以及法定依据或本人授权；一次操作只能有一个",
        "The basis of an operation: scenario, case number, and legal basis or consent; one per operation",
    )
)
class AccessContext:
    """Why an authority asks (PIPL 34), or on whose consent a partner does (PIPL 13, 23)."""

    scenario: ScenarioCode | None = strawberry.field(
        default=None, description=bilingual("应查必查场景", "Must-check scenario, such as S04")
    )
    caseNo: str | None = strawberry.field(
        default=None, description=bilingual("办件编号", "Number of the case in the caller's system")
    )
    legalBasisId: strawberry.ID | None = strawberry.field(
        default=None,
        description=bilingual(
            "法定依据编号；有多项时必填", "Id of the mandate, where the authority has several"
        ),
    )
    consentId: strawberry.ID | None = strawberry.field(
        default=None,
        description=bilingual(
            "本人授权编号；合作机构必填，与法定依据不能并用",
            "Id of the person's consent: what a partner reads on, never beside a legal basis",
        ),
    )
    idempotencyKey: str | None = strawberry.field(
        default=None,
        description=bilingual(
            "幂等键：十分钟内同键的操作（如翻页）只计一次使用",
            "Operations with the same key within ten minutes, such as pages, are one use of the consent",
        ),
    )
    purpose: str = strawberry.field(
        description=bilingual("查询目的，本人可见", "Purpose in words; the subject will read it")
    )
    reasonCode: ReasonCode | None = strawberry.field(
        default=None,
        description=bilingual(
            "查询原因代码；机关经办人必填", "Why an officer asks; required under a mandate"
        ),
    )
    noConflictOfInterest: bool | None = strawberry.field(
        default=None,
        description=bilingual(
            "经办人声明：查询对象不是本人、近亲属或同事；必填",
            "The officer declares that the subject is not they, a relative or a colleague; required",
        ),
    )
    repeatReason: RepeatReason | None = strawberry.field(
        default=None,
        description=bilingual(
            "三十日内同一经办人再次查询同一主体的理由",
            "Why the same officer asks about the same subject again within 30 days",
        ),
    )
    repeatNote: str | None = strawberry.field(
        default=None,
        description=bilingual("再次查询的说明", "The same in words; required with `repeatReason`"),
    )


class Basis(NamedTuple):
    """What one root field claims, comparable across the operation."""

    kind: str
    claim: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Represented:
    """A person's claim to act for somebody else, which their department has yet to confirm."""

    actor: Actor
    lookup: Mapping[str, Any]


def grant_of(
    walk: Walk,
    collected: Mapping[str, list[FieldNode]],
    actor: Actor,
    mandates: MandateRegister,
    today: date,
) -> Grant | Claim | Represented | None:
    """The one grant of an operation, or its claim to one; None when nothing needs one.

    Raises AuthzError.
    """
    roots = [nodes[0] for nodes in collected.values()]
    bases = {_basis(walk, node) for node in roots if _needs_grant(node)}
    if len(bases) > 1:
        raise AuthzError(
            "ACCESS_CONTEXT_CONFLICT",
            "One operation has one access context. Send one operation for each.",
        )
    if len(roots) > 1 and sum(_personal(walk, node) for node in roots) > 1:
        raise AuthzError(
            "ONE_PERSON_PER_OPERATION",
            "One operation reads one natural person, or makes one check. Send one for each.",
        )
    if not bases:
        return None
    (basis,) = bases
    return _grant(basis, actor, mandates, today)


def _grant(basis: Basis, actor: Actor, mandates: MandateRegister, today: date) -> Grant | Claim | Represented:
    if basis.kind == "PUBLIC":
        return Public(actor)
    if basis.kind in ("SELF", "REPRESENTED"):
        if actor.kind is not ActorKind.PERSON or actor.subject is None:
            raise AccessDenied(
                "NOT_A_PERSON", "This is for a person's own login. Send the person's access token."
            )
        require_scope(actor, SELF_SCOPE)
        if basis.kind == "REPRESENTED":
            return Represented(actor, orjson.loads(str(basis.claim[0])))
        return SelfAccess(actor, actor.subject)
    if basis.kind == "CONSENT":
        claim = _claim(basis)
        require_partner(actor)
        require_scope(actor, CONSENT_SCOPE)
        return claim
    granted = mandates.grant(actor, _case_claim(basis), today)
    require_scope(actor, CHECK_SCOPE)
    return granted


def _case_claim(basis: Basis) -> CaseClaim:
    claim = CaseClaim(*basis.claim)  # type: ignore[arg-type]  # the schema has checked each of them
    if claim.scenario is None:
        raise AccessDenied("SCENARIO_REQUIRED", "Give `access.scenario`, such as S04.")
    return claim


def require_scope(actor: Actor, scope: str) -> None:
    """A token says what it was issued for (RFC 6749 §3.3); nobody without a token has any."""
    if scope not in actor.scopes:
        raise AccessDenied("SCOPE_MISSING", f"The token lacks the scope `{scope}`. Request one that has it.")


def _claim(basis: Basis) -> Claim:
    consent_id, scenario, case_no, purpose, key, legal_basis_id = (
        None if member is None else str(member) for member in basis.claim
    )
    if legal_basis_id is not None:
        raise AuthzError(
            "ACCESS_CONTEXT_CONFLICT", "A consent and a legal basis do not mix. Give one of them."
        )
    return Claim(str(consent_id), scenario, case_no, str(purpose), key)


def _needs_grant(node: FieldNode) -> bool:
    return node.name.value in _GRANTED


def _basis(walk: Walk, node: FieldNode) -> Basis:
    if node.name.value == "me":
        return Basis("SELF")
    if node.name.value == "represented":
        return Basis("REPRESENTED", (orjson.dumps(_arguments(walk, node)["lookup"]).decode(),))
    access = _arguments(walk, node).get("access")
    if access is None:
        return Basis("PUBLIC")
    if access.get("consentId") is not None:
        named = ("consentId", "scenario", "caseNo", "purpose", "idempotencyKey", "legalBasisId")
        return Basis("CONSENT", tuple(map(access.get, named)))
    return Basis("STATUTORY", tuple(map(access.get, _CASE_CLAIM)))


def _personal(walk: Walk, node: FieldNode) -> bool:
    """Whether a root field leads to one natural person (or an individual business).

    A check always: it may name related persons, and leaves a receipt that counts.
    """
    name = node.name.value
    if name in ("verifyIdentity", "consentReport", "me", CHECK, CHECK_CHUNK):
        return True
    if name in ENTITY_ROOTS:
        return _leads_to_person(_arguments(walk, node).get("uscc"))
    if name in ("subject", "represented"):
        lookup = _arguments(walk, node).get("lookup") or {}
        uscc = lookup.get("uscc")
        return uscc is None or _leads_to_person(uscc)
    return False


def _leads_to_person(uscc: Any) -> bool:
    try:
        return SubjectKey.entity(str(uscc)).personal
    except IdentifierError:
        return False


def _arguments(walk: Walk, node: FieldNode) -> dict[str, Any]:
    return walk.arguments("Mutation" if node.name.value in CHECK_ROOTS else "Query", node)
