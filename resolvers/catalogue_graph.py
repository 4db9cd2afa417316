"""The catalogue as anyone may read it: what exists, on which basis, for how long. No records, no persons."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import strawberry

from catalogue.identifiers import SubjectKind
from catalogue.model import (
    Catalogue,
    DataClass,
    Label,
    Locality,
    Measure,
    Obligation,
    RecordType,
    Scenario,
    ScenarioKind,
    Severity,
)
from resolvers.fields import bilingual, described, named_enum
from resolvers.scalars import RecordTypeCode, ScenarioCode

named_enum(
    Obligation,
    "Obligation",
    Label(zh="强制程度", en="How far the law compels"),
    {
        Obligation.MANDATORY: Label(zh="强制", en="Mandatory"),
        Obligation.RECOMMENDED: Label(zh="推荐", en="Recommended"),
        Obligation.OPTIONAL: Label(zh="可选", en="Optional"),
    },
)
named_enum(
    ScenarioKind,
    "ScenarioKind",
    Label(zh="场景种类（封闭列表）", en="Closed list of what a check may be for"),
    {
        kind: Label(zh=zh, en=kind.value.replace("_", " ").capitalize())
        for kind, zh in zip(
            ScenarioKind,
            (
                "落户核验",
                "职称与职业资格",
                "表彰评优",
                "公务员招录",
                "干部选拔",
                "特殊行业入职",
                "公司高管登记",
                "金融高管任职资格",
                "政府采购",
                "招标投标",
                "行政许可",
                "财政资金",
                "土地供应与特许经营",
                "社会救助复核",
                "监管频次",
                "绿色通道",
                "银行贷款",
                "用人单位招聘",
                "学生评优",
                "法院执行协助",
            ),
            strict=True,
        )
    },
)


@strawberry.type(description=bilingual("中英文名称", "A name in Chinese and English"))
class LocalizedName:
    """Chinese first."""

    zh: str = described("中文", "Chinese")
    en: str = described("英文", "English")


@strawberry.type(description=bilingual("部门", "A department that owns records"))
class DepartmentInfo:
    """Owner of records."""

    code: str = described("代码", "Code")
    name: LocalizedName = described("名称", "Name")
    contact: str | None = described("联系方式", "Contact")


@strawberry.type(description=bilingual("字段", "A field of a record type"))
class FieldInfo:
    """What may be asked, and how it is shown."""

    name: str = described("字段名", "Name in the graph")
    label: LocalizedName = described("名称", "Label")
    type: str = described("数据类型", "Type")
    dataClass: DataClass = described("数据级别", "Class")
    mask: str | None = described("脱敏规则", "Masking rule")
    standard: str | None = described("代码标准", "Code standard")


@strawberry.type(description=bilingual("公示期限", "Longest publication of a severity"))
class PublicationLimit:
    """国办发〔2025〕22号."""

    severity: Severity = described("失信等级", "Severity")
    longest: str = described("最长公示期（ISO 8601）", "Longest publication, ISO 8601 period")


@strawberry.type(description=bilingual("信息类型", "A kind of record that a department holds"))
class RecordTypeInfo:
    """One entry of the catalogue."""

    code: RecordTypeCode = described("代码", "Code")
    name: LocalizedName = described("名称", "Name")
    typeName: str = described("图谱类型名", "Name of its GraphQL type")
    department: DepartmentInfo = described("来源部门", "Owner")
    subjects: list[SubjectKind] = described("主体类别", "Kinds of subject")
    dataClass: DataClass = described("数据级别", "Class")
    publicByLaw: bool = described("是否依法公示", "Whether a law orders publication")
    publicForPersons: bool = described("自然人是否依法公示", "Whether also of natural persons")
    publicationLimits: list[PublicationLimit] = described("公示期限", "Longest publication")
    retention: str = described("查询期限规则", "Rule of the retention clock")
    legalBasis: list[str] = described("归集依据", "Legal basis")
    scenarios: list[ScenarioCode] = described("应查必查场景", "Scenarios that look at it")
    connected: bool = described("本地是否接入", "Whether a source is connected here")
    fields: list[FieldInfo] = described("字段", "Fields")
    neverMapped: list[LocalizedName] = described(
        "来源中存在但不得接入的字段", "Columns known to exist that must never enter the graph"
    )


@strawberry.type(description=bilingual("措施", "An incentive or restriction of the national list"))
class MeasureInfo:
    """A measure absent from the list cannot exist."""

    code: str = described("代码", "Code")
    name: LocalizedName = described("名称", "Name")
    legalClass: int = described("法律类别（1/2/3）", "Legal class")
    obligation: Obligation = described("强制程度", "Obligation")
    basis: list[str] = described("依据", "Basis")


@strawberry.type(description=bilingual("相关性", "Why a record type bears on a scenario"))
class RelevanceInfo:
    """不当联结禁止."""

    recordType: RecordTypeCode = described("信息类型", "Record type")
    fields: list[str] = described("限定字段", "Fields; all permitted ones if empty")
    reason: LocalizedName = described("关联理由", "Why it bears on the matter")


@strawberry.type(description=bilingual("应查必查场景", "A must-check scenario"))
class ScenarioInfo:
    """One entry of the closed registry."""

    code: ScenarioCode = described("代码", "Code")
    kind: ScenarioKind = described("种类", "Kind")
    name: LocalizedName = described("名称", "Name")
    caller: LocalizedName = described("调用方", "Who may call")
    obligation: Obligation = described("强制程度", "Obligation")
    relevance: list[RelevanceInfo] = described("相关信息类型", "What it may look at, and why")
    measures: list[MeasureInfo] = described("可适用措施", "Measures the law attaches")
    guard: LocalizedName = described("保护性限制", "Guard")
    validUntil: date = described("有效期止", "Its last day: it ends by itself")
    legalBasis: list[str] = described("依据", "Legal basis")


@strawberry.type(description=bilingual("信用行为", "A row of the list of credit behaviours"))
class BehaviourInfo:
    """信用行为清单."""

    code: str = described("代码", "Code")
    name: LocalizedName = described("名称", "Name")
    area: str = described("领域", "Area")
    kind: str = described("守信或失信", "GOOD or ADVERSE")
    severity: Severity | None = described("失信等级", "Severity, where the law fixes it")
    recordTypes: list[RecordTypeCode] = described("信息类型", "Record types that carry it")
    legalBasis: list[str] = described("依据", "Legal basis")


@strawberry.type(description=bilingual("目录", "The public catalogue"))
class CatalogueInfo:
    """What exists here."""

    version: str = described("版本", "Version")
    locality: LocalizedName = described("适用的地方规则", "Locality profile in force")
    departments: list[DepartmentInfo] = described("部门", "Departments")
    recordTypes: list[RecordTypeInfo] = described("信息类型", "Record types")
    scenarios: list[ScenarioInfo] = described("场景", "Scenarios")
    measures: list[MeasureInfo] = described("措施", "Measures")
    behaviours: list[BehaviourInfo] = described("信用行为清单", "Behaviours")


def catalogue_info(catalogue: Catalogue, locality: Locality, sources: Mapping[str, object]) -> CatalogueInfo:
    """The catalogue as the graph shows it."""
    return CatalogueInfo(
        version=catalogue.version,
        locality=localized(locality.name),
        departments=[_department(catalogue, code) for code in catalogue.departments],
        recordTypes=[
            _record_type(catalogue, entry, connected=entry.code in sources)
            for entry in catalogue.record_types.values()
        ],
        scenarios=[_scenario(catalogue, scenario) for scenario in catalogue.scenarios.values()],
        measures=[measure_info(measure) for measure in catalogue.measures.values()],
        behaviours=[
            BehaviourInfo(
                name=localized(row.name),
                recordTypes=[RecordTypeCode(code) for code in row.record_types],
                legalBasis=list(row.legal_basis),
                **row.model_dump(include={"code", "area", "kind", "severity"}),
            )
            for row in catalogue.behaviours.values()
        ],
    )


def localized(label: Label) -> LocalizedName:
    """A label as the graph shows it."""
    return LocalizedName(zh=label.zh, en=label.en)


def _department(catalogue: Catalogue, code: str) -> DepartmentInfo:
    department = catalogue.departments[code]
    return DepartmentInfo(code=code, name=localized(department.name), contact=department.contact)


def _record_type(catalogue: Catalogue, entry: RecordType, *, connected: bool) -> RecordTypeInfo:
    publication, retention = entry.clocks.publication, entry.clocks.retention
    return RecordTypeInfo(
        code=RecordTypeCode(entry.code),
        name=localized(entry.name),
        typeName=entry.graphql_type,
        department=_department(catalogue, entry.department),
        subjects=list(entry.subjects),
        dataClass=entry.data_class,
        publicByLaw=publication.by_law,
        publicForPersons=publication.persons,
        publicationLimits=[
            PublicationLimit(severity=severity, longest=str(period))
            for severity, period in publication.max.items()
        ],
        retention=f"{retention.kind} {retention.period}" if retention.period else retention.kind,
        legalBasis=list(entry.legal_basis),
        scenarios=[ScenarioCode(code) for code in entry.scenarios],
        connected=connected,
        fields=[
            FieldInfo(
                name=field.name,
                label=localized(field.label),
                type=field.type.value,
                dataClass=field.data_class,
                mask=field.mask,
                standard=field.standard,
            )
            for field in entry.fields
        ],
        neverMapped=[localized(column.label) for column in entry.never_mapped],
    )


def measure_info(measure: Measure) -> MeasureInfo:
    """A measure as the graph shows it."""
    return MeasureInfo(
        code=measure.code,
        name=localized(measure.name),
        legalClass=measure.legal_class,
        obligation=measure.obligation,
        basis=list(measure.basis),
    )


def _scenario(catalogue: Catalogue, scenario: Scenario) -> ScenarioInfo:
    return ScenarioInfo(
        code=ScenarioCode(scenario.code),
        kind=scenario.kind,
        name=localized(scenario.name),
        caller=localized(scenario.caller),
        obligation=scenario.obligation,
        relevance=[
            RelevanceInfo(
                recordType=RecordTypeCode(item.record_type),
                fields=list(item.fields),
                reason=localized(item.reason),
            )
            for item in scenario.relevance
        ],
        measures=[measure_info(catalogue.measures[code]) for code in scenario.measure_codes],
        guard=localized(scenario.guard),
        validUntil=scenario.valid_until,
        legalBasis=list(scenario.legal_basis),
    )
