"""The types of a must-check in the graph. They state facts; nothing in them decides or grades."""

from __future__ import annotations

import strawberry

from catalogue.model import DataClass, Obligation, Severity
from connectors.errors import SectionState
from resolvers.catalogue_graph import LocalizedName, MeasureInfo
from resolvers.checks.enums import Completeness, Found, RelatedRole, Step, Truth, Why
from resolvers.fields import bilingual, described
from resolvers.lookups import PersonLookup
from resolvers.records import CreditRecord
from resolvers.scalars import Instant, RecordTypeCode, ScenarioCode

AUTHORIZED = DataClass.AUTHORIZED


@strawberry.input(
    description=bilingual(
        "与被核查单位有关的人员：由调用方提供，逐一核实身份并告知本人",
        "A person who belongs to the entity: named by the caller, confirmed, and told",
    )
)
class RelatedPersonInput:
    """Relatives of persons have no role here."""

    role: RelatedRole = strawberry.field(description=bilingual("身份", "In which role"))
    person: PersonLookup = strawberry.field(description=bilingual("证件号和姓名", "Number and name"))


@strawberry.type(description=bilingual("一类信息的核查结果", "What was found of one record type"))
class CheckItem:
    """Facts and where they come from."""

    recordType: RecordTypeCode = described("信息类型", "Record type")
    recordTypeName: str = described("信息类型名称", "Its Chinese name")
    result: Found = described("结果", "The result", AUTHORIZED)
    state: SectionState = described("查询状态", "What became of asking")
    reason: str | None = described("原因代码", "Reason code of a closed list")
    department: str = described("来源部门代码", "Code of the department")
    departmentName: str = described("来源部门名称", "Name of the department")
    contact: str | None = described("联系方式", "Whom to call")
    legalBasis: list[str] = described("归集依据", "Laws and articles the records are held on")
    fetchedAt: Instant | None = described("查询时间", "When the sources were asked")
    count: int | None = described(
        "记录条数，最多计 20",
        "How many records, counted up to 20; null where only presence may leave",
        AUTHORIZED,
    )
    severityMax: Severity | None = described(
        "计入记录的最高失信等级", "The gravest severity among records that count", AUTHORIZED
    )
    recordIds: list[strawberry.ID] = described("记录标识", "References of the records", AUTHORIZED)
    records: list[CreditRecord] | None = described(
        "记录（限授权字段，已脱敏）", "The records: permitted fields, masked", AUTHORIZED
    )


@strawberry.type(description=bilingual("回溯期间", "How far back the answer on one record type reaches"))
class CheckCoverage:
    """No further than the law lets records be kept."""

    recordType: RecordTypeCode = described("信息类型", "Record type")
    period: str = described("实际覆盖期间（ISO 8601）", "ISO 8601 period; P0D is what stands on a list today")


@strawberry.type(description=bilingual("判断项", "A named fact over record types"))
class CheckPredicate:
    """True, false or unknown, with its reasons."""

    code: str = described("代码", "Code")
    name: LocalizedName = described("名称", "Name")
    value: Truth = described("结果", "Whether it holds", AUTHORIZED)
    reasons: list[Why] = described("理由", "Why", AUTHORIZED)
    recordTypes: list[RecordTypeCode] = described(
        "所依据的信息类型", "Types of the records it rests on", AUTHORIZED
    )
    recordIds: list[strawberry.ID] = described("所依据的记录", "The records it rests on", AUTHORIZED)
    covered: list[CheckCoverage] = described("实际回溯期间", "How far back it really reaches", AUTHORIZED)


@strawberry.type(description=bilingual("法律所附措施", "A measure that a law attaches to a fact"))
class CheckMeasure:
    """Told, never taken: a named person takes it, after prior notice, with reasons and a remedy."""

    measure: MeasureInfo = described("措施", "The measure of the imported list")
    predicate: str = described("所依据的判断项", "Code of the predicate it follows from", AUTHORIZED)
    obligation: Obligation = described("强制程度", "How far the law compels here")
    basis: list[str] = described("依据", "The law that attaches it")
    humanVerification: bool = described(
        "存在异议，须人工核实后方可执行",
        "An objection is under way: a person must verify before anything is done",
        AUTHORIZED,
    )


@strawberry.type(description=bilingual("补齐核查", "What is left to do for one record type"))
class CheckTask:
    """Of a check that is incomplete."""

    recordType: RecordTypeCode = described("信息类型", "Record type")
    step: Step = described("补齐方式", "What to do")
    departmentName: str = described("部门", "Department")
    contact: str | None = described("联系方式", "Whom to call")


@strawberry.type(description=bilingual("对一个主体的核查", "The check of one related person"))
class RelatedCheck:
    """The same facts about a related person."""

    role: RelatedRole = described("身份", "In which role")
    subjectRef: strawberry.ID = described("主体标识", "Reference of the person", AUTHORIZED)
    displayName: str | None = described("姓名（脱敏）", "Masked name", AUTHORIZED, mask="M_NAME")
    items: list[CheckItem] = described("各类信息", "Record types", AUTHORIZED)
    predicates: list[CheckPredicate] = described("判断项", "Predicates", AUTHORIZED)
    measures: list[CheckMeasure] = described("法律所附措施", "Measures that a law attaches", AUTHORIZED)


@strawberry.type(description=bilingual("核查回执", "The receipt of a check"))
class CheckReceipt:
    """Keep `jws`. Keep `nonce` and `statement` too where it must be shown later what was found."""

    jws: str = described("回执（紧凑 JWS），不含任何信息内容", "Compact JWS; holds no value", AUTHORIZED)
    nonce: str = described("随机数，不在回执内", "256 bits, base64url; not in the receipt", AUTHORIZED)
    statement: str = described(
        "核查结论文本；其与随机数的摘要在回执内",
        "What was found, as JSON; its digest with the nonce is in the receipt",
        AUTHORIZED,
    )


@strawberry.type(
    description=bilingual(
        "应查必查结果：仅列明事实和法律所附措施，不作结论",
        "The result of a must-check: facts, and what a law attaches to them",
    )
)
class CheckResult:
    """Facts that bear on one matter. What follows is for a named person to say."""

    checkId: strawberry.ID = described("核查编号", "Id of the check")
    scenario: ScenarioCode = described("场景", "Scenario")
    scenarioName: LocalizedName = described("场景名称", "Its name")
    obligation: Obligation = described("核查义务", "How far the law compels the check")
    guard: LocalizedName = described("保护性限制", "What the scenario forbids")
    caseNo: str = described("办件编号", "Number of the case", AUTHORIZED)
    subjectRef: strawberry.ID = described("主体标识", "Reference of the subject", AUTHORIZED)
    displayName: str | None = described(
        "名称；自然人脱敏", "Name; masked for persons", AUTHORIZED, mask="M_NAME"
    )
    items: list[CheckItem] = described("各类信息", "Record types", AUTHORIZED)
    predicates: list[CheckPredicate] = described("判断项", "Predicates", AUTHORIZED)
    measures: list[CheckMeasure] = described("法律所附措施", "Measures that a law attaches", AUTHORIZED)
    related: list[RelatedCheck] = described("相关人员", "Related persons", AUTHORIZED)
    completeness: Completeness = described("完整性", "Whether every record type has an answer")
    tasks: list[CheckTask] = described("补齐核查", "What makes it complete")
    manualCheckRequired: bool = described(
        "是否须登记人工核查后方可继续", "Whether the case may go on only after a manual check is recorded"
    )
    checkedAt: Instant = described("核查时间", "When")
    validUntil: Instant = described("有效期止（5 个工作日）", "Valid for five working days")
    catalogueVersion: str = described("目录版本", "Version of the catalogue")
    disclaimers: list[LocalizedName] = described("声明", "What the result is not")
    receipt: CheckReceipt = described("回执", "The receipt", AUTHORIZED)
