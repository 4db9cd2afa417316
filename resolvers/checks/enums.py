"""The enums of a must-check, described in both languages."""

from __future__ import annotations

from authz.receipts import Completeness, ManualMethod
from catalogue.model import Label
from catalogue.scenario import RelatedRole
from resolvers.checks.completeness import Step
from resolvers.checks.findings import Found
from resolvers.checks.predicates import Truth, Why
from resolvers.fields import named_enum

__all__ = ["Completeness", "Found", "ManualMethod", "RelatedRole", "Step", "Truth", "Why"]

named_enum(
    Found,
    "CheckFinding",
    Label(zh="核查结果", en="What was found of one record type"),
    {
        Found.NONE: Label(zh="无记录：所有来源均已完整应答", en="No record: every source answered in full"),
        Found.PRESENT: Label(zh="有记录", en="There is a record that counts"),
        Found.DISPUTED: Label(zh="仅有异议处理中的记录，不得作为不利依据", en="Only records under objection"),
        Found.UNKNOWN: Label(zh="未知，不代表无记录", en="Not known, which is not none"),
        Found.NOT_PERMITTED: Label(zh="无权查询，未向来源查询", en="Not permitted; no source was asked"),
    },
)
named_enum(
    Truth,
    "PredicateTruth",
    Label(zh="判断项结果", en="Whether a predicate holds"),
    {
        Truth.TRUE: Label(zh="成立", en="It holds"),
        Truth.FALSE: Label(zh="不成立", en="It does not"),
        Truth.UNKNOWN: Label(zh="未知", en="Not known"),
    },
)
named_enum(
    Why,
    "PredicateReason",
    Label(zh="判断理由", en="What a predicate rests on, or why it is not known"),
    {
        Why.RECORD_PRESENT: Label(zh="有计入的记录", en="A record that counts"),
        Why.NO_RECORD: Label(zh="无计入的记录", en="No record that counts"),
        Why.SOURCE_UNKNOWN: Label(zh="来源未完整应答", en="A source did not answer in full"),
        Why.NOT_PERMITTED: Label(zh="无权查询所需信息", en="What it needs may not be read"),
        Why.VALUE_UNKNOWN: Label(zh="来源取值无法判断", en="A value that nobody can read"),
        Why.DISPUTED_NOT_COUNTED: Label(zh="异议记录未计入", en="A record under objection was left out"),
        Why.HUMAN_VERIFICATION: Label(
            zh="法院命令或者法定禁止存在异议，须人工核实", en="A person must verify it"
        ),
    },
)
named_enum(
    RelatedRole,
    "RelatedRole",
    Label(zh="相关人员身份", en="In which role a person belongs to the entity"),
    {
        RelatedRole.LEGAL_REPRESENTATIVE: Label(zh="法定代表人或者负责人", en="Legal representative"),
        RelatedRole.PROJECT_MANAGER: Label(zh="项目负责人", en="Project manager"),
        RelatedRole.PROFESSIONAL: Label(
            zh="许可要求的专业人员", en="A professional whom the licence requires"
        ),
    },
)
named_enum(
    ManualMethod,
    "ManualCheckMethod",
    Label(zh="人工核查方式", en="How somebody looked by hand"),
    {
        ManualMethod.TELEPHONE: Label(zh="电话", en="By telephone"),
        ManualMethod.LETTER: Label(zh="函件", en="By letter"),
        ManualMethod.COUNTER: Label(zh="现场", en="At the department's counter"),
        ManualMethod.DEPARTMENT_SYSTEM: Label(zh="部门系统", en="In the department's own system"),
    },
)
named_enum(
    Completeness,
    "CheckCompleteness",
    Label(zh="完整性", en="Whether every record type has an answer"),
    {
        Completeness.COMPLETE: Label(zh="完整", en="Every permitted record type has an answer"),
        Completeness.INCOMPLETE: Label(zh="不完整：有信息类型结果未知", en="At least one is not known"),
    },
)
named_enum(
    Step,
    "CheckStep",
    Label(zh="补齐方式", en="What makes a check complete"),
    {
        Step.ASK_AGAIN: Label(zh="稍后重新核查", en="Make the check again later"),
        Step.CHECK_BY_HAND: Label(zh="人工核查并登记", en="Ask the department, and record that you did"),
    },
)
