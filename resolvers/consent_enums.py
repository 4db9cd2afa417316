"""Enums of consent, named for the graph: import them from here, and they have their labels."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from authz.consent.artefact import Capacity, Confirmation, FetchType, Level, Mode, Reason, RowNature
from authz.consent.rules import Code
from authz.consent.states import Act, Party, State
from catalogue.model import Label
from resolvers.fields import named_enum

__all__ = [
    "Act",
    "Capacity",
    "Code",
    "Confirmation",
    "FetchType",
    "Level",
    "Mode",
    "Party",
    "Reason",
    "RowNature",
    "State",
]


def _labels(members: type[StrEnum], *labels: tuple[str, str]) -> dict[Any, Label]:
    return {member: Label(zh=zh, en=en) for member, (zh, en) in zip(members, labels, strict=True)}


named_enum(
    Level,
    "ConsentLevel",
    Label(zh="授权程度", en="How much of a record type"),
    _labels(
        Level,
        ("仅有无", "Whether there is a record, and nothing of it"),
        ("脱敏", "The named fields, masked"),
        ("完整", "The named fields in full; names and numbers of others stay masked"),
    ),
)
named_enum(
    RowNature,
    "ConsentNature",
    Label(zh="记录性质限定", en="Natures a consent may be limited to"),
    _labels(
        RowNature,
        ("基础", "Plain facts"),
        ("守信", "To the person's credit"),
        ("中性", "Neither"),
        ("轻微失信", "Adverse, minor"),
        ("一般失信", "Adverse, general"),
        ("严重失信", "Adverse, serious"),
    ),
)
named_enum(
    Mode,
    "ConsentMode",
    Label(zh="使用方式；不设存储", en="What is done with the answer; storing it is not offered"),
    _labels(Mode, ("核验", "Looked at in a check"), ("报告", "Put into one report")),
)
named_enum(
    FetchType,
    "ConsentFetchType",
    Label(zh="一次或定期", en="Once, or within a frequency"),
    _labels(FetchType, ("一次", "Once"), ("定期", "Again, within the frequency")),
)
named_enum(
    Confirmation,
    "ConsentConfirmation",
    Label(zh="逐项确认，不得预选", en="Confirmed one by one, never ticked beforehand"),
    _labels(
        Confirmation,
        ("已阅读并同意", "Read and agreed"),
        ("同意向第三方提供", "Agreed to provision to a third party (PIPL 23)"),
        ("同意处理敏感信息", "Agreed to sensitive data (PIPL 29)"),
        ("监护人同意", "Agreed by the guardian (PIPL 31)"),
        ("法定代表人同意", "Agreed by the registered legal representative or operator"),
    ),
)
named_enum(
    Capacity,
    "ConsentCapacity",
    Label(zh="代为同意的资格，由登记部门实时核验", en="Confirmed live by the department that registers it"),
    _labels(
        Capacity,
        ("监护人", "Guardian of a child under 14"),
        ("法定代表人、经营者", "Legal representative or operator of an enterprise"),
    ),
)
named_enum(
    Reason,
    "ConsentReason",
    Label(zh="查询原因（封闭列表）", en="Closed list of reasons"),
    _labels(
        Reason,
        ("贷款审批", "Loan approval"),
        ("信用卡审批", "Credit-card approval"),
        ("担保审查", "Review of a guarantee"),
        ("贷后管理", "After the loan was given"),
        ("融资审批", "Other financing"),
        ("招聘", "Employment"),
        ("任职资格", "Fit and proper person"),
        ("表彰", "Honours"),
    ),
)
named_enum(
    State,
    "ConsentState",
    Label(zh="授权状态；仅有效时可查询", en="Only ACTIVE opens anything"),
    _labels(
        State,
        ("待本人决定", "Waiting for the person"),
        ("有效", "In force"),
        ("已暂停", "Paused by the person"),
        ("已撤回", "Taken back by the person"),
        ("已到期", "Run out"),
        ("次数用尽", "Every use made"),
        ("未同意", "The person did not agree"),
    ),
)
named_enum(
    Act,
    "ConsentAct",
    Label(zh="授权经过", en="What happened to a consent"),
    _labels(
        Act,
        ("提出", "Asked for"),
        ("同意", "Given"),
        ("拒绝", "Not given"),
        ("暂停", "Paused"),
        ("恢复", "Resumed"),
        ("撤回", "Taken back"),
        ("用尽", "Used up"),
        ("到期", "Run out"),
    ),
)
named_enum(
    Party,
    "ConsentParty",
    Label(zh="行为人", en="Who did it"),
    _labels(
        Party,
        ("本人", "The person"),
        ("查询机构", "The organization"),
        ("网关", "The gateway"),
        ("信用办窗口", "The credit office, at the counter"),
    ),
)
named_enum(
    Code,
    "ConsentRefusalCode",
    Label(zh="未办理原因", en="Why an act on a consent was not done"),
    _labels(
        Code,
        ("参数不合要求", "A value is missing or outside what it may be"),
        ("仅可向自然人和企业申请", "Only natural persons and enterprises can be asked"),
        ("场景不适用授权", "No such scenario, or consent is no basis for it"),
        ("信息类型与场景无关", "A record type does not bear on the scenario"),
        ("字段与场景无关或重复", "A field does not bear on the scenario, or stands twice"),
        ("程度与字段不符", "BOOLEAN names no field, every other level names some"),
        ("时间范围颠倒", "The data window ends before it begins"),
        ("超出场景限度", "More than the scenario allows"),
        ("文字含个人号码", "A personal number stands in the words"),
        ("原授权不符", "The consent to widen is not yours with this person"),
        ("无此授权", "You have no such consent"),
        ("状态不允许", "Its state does not allow this"),
        ("告知内容已变", "What was shown is not what was asked for"),
        ("缺少单独确认", "A confirmation is missing"),
        ("超出申请范围", "More was ticked than was asked for"),
        ("申请过于频繁", "This client has asked this subject too often"),
        ("须监护人同意", "Under 14 a guardian agrees"),
    ),
)
