"""`me { accessLog }`: who looked at the person, for what, and which fields (ruling 26).

Read from the audit log itself, so it cannot say less than was recorded. It names the
organization and the role, never the officer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Final

import orjson
import strawberry
from strawberry.types.info import Info

from authz.actors import ActorKind
from authz.audit import AuditLog, Leaf, Result
from authz.references import References
from catalogue.identifiers import SubjectKey
from catalogue.model import Catalogue, DataClass, Label
from catalogue.values import CHINA_TIME
from resolvers.consents import page_info, person_of
from resolvers.context import RequestContext
from resolvers.errors import BadArgument
from resolvers.fields import bilingual, described, named_enum
from resolvers.records import PageInfo
from resolvers.scalars import Instant, RecordTypeCode, ScenarioCode, Uscc
from resolvers.subjects import PAGE_DEFAULT, PAGE_MAX

AUTHORIZED: Final = DataClass.AUTHORIZED

named_enum(
    ActorKind,
    "ActorRole",
    Label(zh="查询人角色", en="In which role somebody asked"),
    {
        ActorKind.ANONYMOUS: Label(zh="公众", en="Anyone"),
        ActorKind.PERSON: Label(zh="本人", en="The person themself"),
        ActorKind.OFFICER: Label(zh="经办人员", en="A case officer"),
        ActorKind.PARTNER: Label(zh="合作机构", en="A partner such as a bank"),
        ActorKind.OPERATOR: Label(zh="信用办人员", en="The credit office"),
        ActorKind.AUDITOR: Label(zh="审计人员", en="An auditor"),
        ActorKind.STEWARD: Label(zh="部门数据管理员", en="A department's data steward"),
        ActorKind.PEER: Label(zh="其他网关", en="Another gateway"),
    },
)
named_enum(
    Result,
    "AccessResult",
    Label(zh="查询结果", en="How a read ended"),
    {
        Result.PERMIT: Label(zh="已提供", en="Answered"),
        Result.PARTIAL: Label(zh="部分提供", en="Answered in part"),
        Result.DENY: Label(zh="未提供", en="Not answered"),
        Result.ERROR: Label(zh="查询失败", en="Failed"),
    },
)


@strawberry.type(description=bilingual("被查询的一类信息", "One record type that was asked for"))
class AccessedRecords:
    """Permitted fields; what was denied was never asked for."""

    recordType: RecordTypeCode = described("信息类型", "Record type", AUTHORIZED)
    recordTypeName: str = described("信息类型名称", "Its Chinese name", AUTHORIZED)
    fields: list[str] = described("字段", "Fields", AUTHORIZED)
    fieldNames: list[str] = described("字段名称", "Their Chinese names, in the same order", AUTHORIZED)
    maskedFields: list[str] = described("脱敏字段", "Fields that left masked", AUTHORIZED)


@strawberry.type(description=bilingual("一次查询", "One read"))
class AccessLogEntry:
    """As it was recorded before any department was asked."""

    id: strawberry.ID = described("查询记录标识", "Id, to complain about this read by", AUTHORIZED)
    at: Instant = described("时间", "When", AUTHORIZED)
    role: ActorKind = described("查询人角色", "In which role", AUTHORIZED)
    organization: str = described("查询机构", "Which organization", AUTHORIZED)
    organizationUscc: Uscc = described("查询机构代码", "Its code", AUTHORIZED)
    basis: str = described("依据种类", "SELF, CONSENT or STATUTORY", AUTHORIZED)
    legalBasisId: str | None = described("法定依据编号", "Id of the mandate", AUTHORIZED)
    consentId: strawberry.ID | None = described("授权编号", "Id of the consent", AUTHORIZED)
    purpose: str = described("目的", "Purpose in words", AUTHORIZED)
    scenario: ScenarioCode | None = described("场景", "Scenario", AUTHORIZED)
    scenarioName: str | None = described("场景名称", "Its Chinese name", AUTHORIZED)
    caseNo: str | None = described("办件编号", "Number of the case", AUTHORIZED)
    records: list[AccessedRecords] = described("查询内容", "What was asked for", AUTHORIZED)
    result: Result | None = described("结果；空为未答复", "How it ended; null if never answered", AUTHORIZED)


@strawberry.type(description=bilingual("一次查询及其游标", "A read and its cursor"))
class AccessLogEdge:
    """Relay edge."""

    node: AccessLogEntry = described("查询", "The read", AUTHORIZED)
    cursor: str = described("加密游标", "Encrypted cursor")


@strawberry.type(description=bilingual("谁查过我，由近及远", "Who looked at me, newest first"))
class AccessLogConnection:
    """Relay connection."""

    edges: list[AccessLogEdge] = described("查询", "Reads", AUTHORIZED)
    pageInfo: PageInfo = described("分页信息", "Page information")


@dataclass(frozen=True, slots=True)
class _Filter:
    organization: str | None
    purpose: str | None
    first_day: date
    last_day: date

    def admits(self, event: Mapping[str, Any]) -> bool:
        day = datetime.fromisoformat(event["recordedAt"]).astimezone(CHINA_TIME).date()
        return (
            self.first_day <= day <= self.last_day
            and self.organization in (None, event["agent"]["orgUscc"])
            and (self.purpose is None or self.purpose in event["authorization"]["purposeText"])
        )


def _argument(zh: str, en: str, name: str | None = None) -> Any:
    return strawberry.argument(description=bilingual(zh, en), name=name)


async def my_access_log(
    self: Any,
    info: Info,
    first: Annotated[int, _argument("条数，最多 100", "How many, at most 100")] = PAGE_DEFAULT,
    after: Annotated[str | None, _argument("上一页末条游标", "Cursor to go on from")] = None,
    organization: Annotated[str | None, _argument("查询机构代码", "USCC of an organization")] = None,
    purpose: Annotated[str | None, _argument("目的含有的文字", "Words in the purpose")] = None,
    since: Annotated[str | None, _argument("起始日期", "From this day on, YYYY-MM-DD", "from")] = None,
    until: Annotated[str | None, _argument("截止日期", "Up to this day, YYYY-MM-DD", "to")] = None,
) -> Any:
    """Reads of the person, newest first."""
    context: RequestContext = info.context
    services = context.services
    if not 1 <= first <= PAGE_MAX:
        raise BadArgument("PAGE_SIZE", f"`first` must be from 1 to {PAGE_MAX}.")
    subject = person_of(context)
    seal = f"access-log {services.references.audit_ref(subject)}".encode()
    before = orjson.loads(services.references.open_cursor(after, seal)) if after else None
    wanted = _Filter(organization, purpose, _day(since) or date.min, _day(until) or date.max)
    found, results = await _reads(services.audit, subject, wanted, before)
    edges = [
        AccessLogEdge(
            node=_entry(
                _read_id(services.references, subject, leaf.index),
                leaf.event,
                results.get(leaf.index),
                services.catalogue,
            ),
            cursor=services.references.seal_cursor(orjson.dumps(leaf.index), seal),
        )
        for leaf in found[:first]
    ]
    return AccessLogConnection(edges=edges, pageInfo=page_info(edges, more=len(found) > first, after=after))


async def _reads(
    audit: AuditLog, subject: SubjectKey, wanted: _Filter, before: int | None
) -> tuple[list[Leaf], dict[int, Result]]:
    """Intents that are wanted, newest first, and the results of all by their intent's index."""
    intents: list[Leaf] = []
    results: dict[int, Result] = {}
    async for leaf in audit.read(subject=subject):
        event: dict[str, Any] = leaf.event
        if event["phase"] == "OUTCOME":
            results[event["intentIndex"]] = Result(event["result"])
        elif event["phase"] == "INTENT" and (before is None or leaf.index < before) and wanted.admits(event):
            intents.append(leaf)
    return intents[::-1], results


def _read_id(references: References, subject: SubjectKey, index: int) -> str:
    return references.seal_cursor(orjson.dumps(index), _read_seal(references, subject))


def opened_read(references: References, subject: SubjectKey, read_id: str) -> int:
    """The index of the intent behind an entry's `id` of this person; raises AuthzError."""
    return int(orjson.loads(references.open_cursor(read_id, _read_seal(references, subject))))


def _read_seal(references: References, subject: SubjectKey) -> bytes:
    return f"access-read {references.audit_ref(subject)}".encode()


def _entry(
    read_id: str, event: Mapping[str, Any], result: Result | None, catalogue: Catalogue
) -> AccessLogEntry:
    agent, basis = event["agent"], event["authorization"]
    scenario = catalogue.scenarios.get(basis.get("scenarioCode", ""))
    return AccessLogEntry(
        id=strawberry.ID(read_id),
        at=Instant(datetime.fromisoformat(event["recordedAt"])),
        role=ActorKind(agent["operatorRole"]),
        organization=agent["orgName"],
        organizationUscc=Uscc(agent["orgUscc"]),
        basis=basis["basis"],
        legalBasisId=basis.get("legalBasisId"),
        consentId=basis.get("consentId"),
        purpose=basis["purposeText"],
        scenario=basis.get("scenarioCode"),
        scenarioName=scenario.name.zh if scenario else None,
        caseNo=basis.get("caseNo"),
        records=[_records(read, catalogue) for read in event["entity"]],
        result=result,
    )


def _records(read: Mapping[str, Any], catalogue: Catalogue) -> AccessedRecords:
    """Names as of today's catalogue; a type or field that is gone keeps its code."""
    entry = catalogue.read(read["recordType"])
    fields = entry.field_by_name if entry else {}
    return AccessedRecords(
        recordType=RecordTypeCode(read["recordType"]),
        recordTypeName=entry.name.zh if entry else read["recordType"],
        fields=read["fields"],
        fieldNames=[fields[name].label.zh if name in fields else name for name in read["fields"]],
        maskedFields=read["maskedFields"],
    )


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadArgument("DATE_INVALID", "Give a day as YYYY-MM-DD.") from None
