"""Each rule of the lint, by a county whose catalogue breaks exactly that one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import catalogue.lint
import catalogue.problems
import catalogue.scenario_lint
from catalogue.guardrails import SCORES, STATUTORY_FACTS, words
from catalogue.lint import lint
from catalogue.masks import MASK_RULES
from tests.support.county_overlay import Change, County

SHARED = {"recordType": "P-RS-01", "reason": {"zh": "执业资格", "en": "Qualification"}}
GRADE = {"zh": "等级", "en": "Class"}
GRADE_FREE = {"zh": "已确认", "en": "Confirmed"}
OTHER = {"zh": "另一理由", "en": "Another reason"}


def clocks(county: County) -> dict:
    return county.certificate["clocks"]


def publication(county: County) -> dict:
    return county.certificate["clocks"]["publication"]


def local_clocks(county: County, **changes: object) -> None:
    county.locality["clocks"] = {"P-NY-01": clocks(county) | changes}


def two_severities(county: County) -> None:
    county.certificate["severities"] = ["MINOR", "GENERAL"]
    publication(county)["max"] = {"MINOR": "P3M", "GENERAL": "P1Y"}


def predicate(county: County) -> dict:
    return county.scenario["predicates"][0]


def measure(county: County) -> dict:
    return county.scenario["measures"][0]


def as_entity_type(county: County) -> None:
    county.certificate |= {"subjects": ["ENTERPRISE"], "keys": ["USCC"]}


def with_value(county: County, field: str) -> None:
    predicate(county)["value"] = {"field": field, "counts": ["x"]}


def add_predicate(county: County, way: str, **more: object) -> None:
    """One more, about who somebody is: P-GA-01 holds nothing adverse."""
    identity = {"recordType": "P-GA-01", "fields": ["name"], "reason": OTHER}
    county.scenario["relevance"].append(identity)
    county.scenario["predicates"].append({"code": "CONFIRMED", "name": GRADE_FREE, way: ["P-GA-01"]} | more)


def add_fines(county: County) -> None:
    fines = {"recordType": "P-FG-03", "fields": ["documentNo"], "reason": OTHER}
    county.scenario["relevance"].append(fines)
    county.scenario["predicates"].append({"code": "FINED", "name": GRADE_FREE, "present": ["P-FG-03"]})


BROKEN: list[tuple[str, str, Change]] = [
    ("GR01", "P-NY-01.creditScore", lambda c: c.add_field("creditScore")),
    ("GR01", "P-NY-01.note", lambda c: c.add_field("note", zh="诚信分")),
    ("GR01", "P-NY-01.note", lambda c: c.add_field("note", en="Points this year")),
    ("GR01", "P-NY-01.dengji", lambda c: c.add_field("dengji")),
    ("GR01", "P-NY-01.level", lambda c: c.add_field("level", statutoryFact=True)),
    ("GR01", "P-NY-01.annual", lambda c: c.add_field("annual", statutoryFact=True)),
    ("GR01", "P-NY-01", lambda c: c.certificate.update(graphqlType="FarmerCreditRating")),
    ("GR01", "P-NY-01", lambda c: c.certificate.update(section="farmerRanking")),
    ("GR08", "P-NY-01.note", lambda c: c.add_field("note", zh="病史")),
    ("GR08", "P-NY-01.note", lambda c: c.add_field("note", zh="计划生育情况")),
    ("GR08", "P-NY-01.note", lambda c: c.add_field("note", zh="信访记录")),
    ("GR08", "P-NY-01.religion", lambda c: c.add_field("religion")),
    ("GR08", "P-NY-01.medicalHistory", lambda c: c.add_field("medicalHistory")),
    ("GR08", "P-NY-01.xuexing", lambda c: c.add_field("xuexing")),
    ("GR08", "P-NY-01.income", lambda c: c.add_field("income")),
    ("GR08", "P-NY-01.note", lambda c: c.add_field("note", zh="银行存款")),
    ("GR08", "P-NY-01", lambda c: c.certificate.update(name={"zh": "行踪信息", "en": "Movements"})),
    ("GR08", "P-NY-01.spouse", lambda c: c.add_field("spouse")),
    ("GR08", "P-NY-01.note", lambda c: c.add_field("note", zh="子女姓名")),
    ("GR08", "P-NY-01.note", lambda c: c.add_field("note", en="Name of the father")),
    ("GR09", "P-NY-01.decisionNo", lambda c: c.add_field("decisionNo")),
    ("GR09", "P-NY-01.recommend", lambda c: c.add_field("recommend")),
    ("MASK_UNKNOWN", "P-NY-01.note", lambda c: c.add_field("note", mask="M_SHA1")),
    ("ID_UNMASKED", "P-NY-01.citizenId", lambda c: c.field("citizenId").pop("mask")),
    ("DROPPED_FIELD", "P-NY-01.note", lambda c: c.add_field("note", mask="M_DROP")),
    (
        "DROPPED_FIELD",
        "P-NY-01.documentNo",
        lambda c: c.certificate.update(neverMapped=[{"name": "documentNo", "label": GRADE}]),
    ),
    ("CLASS_LOOSER", "P-NY-01.note", lambda c: c.add_field("note", **{"class": "P"})),
    ("DUPLICATE_NAME", "P-NY-01.certificateNo", lambda c: c.add_field("certificateNo")),
    ("DUPLICATE_NAME", "P-NY-01.determinedOn", lambda c: c.add_field("listedOn", role="determinedOn")),
    ("DUPLICATE_NAME", "TourGuide", lambda c: c.certificate.update(graphqlType="TourGuide")),
    ("DUPLICATE_NAME", "QUALIFICATION.tourGuides", lambda c: c.certificate.update(section="tourGuides")),
    ("UNKNOWN_REFERENCE", "P-NY-01", lambda c: c.certificate.update(department="NX")),
    ("UNKNOWN_REFERENCE", "P-NY-01", lambda c: c.certificate.update(domain="FARMING")),
    ("UNKNOWN_REFERENCE", "P-NY-01", lambda c: c.certificate["scenarios"].append("S91")),
    ("UNKNOWN_REFERENCE", "P-NY-01.adverseWhen", lambda c: c.certificate["adverseWhen"].append("gone")),
    ("UNKNOWN_REFERENCE", "P-NY-01.when", lambda c: publication(c).update(when={"gone": ["A"]})),
    (
        "UNKNOWN_REFERENCE",
        "P-NY-01.responsible",
        lambda c: c.certificate.update(responsible={"name": "gone"}),
    ),
    ("UNKNOWN_REFERENCE", "P-NY-01.pointer", lambda c: c.certificate.update(pointer={"gone": "text"})),
    ("UNKNOWN_REFERENCE", "S90.P-NY-01", lambda c: c.scenario["relevance"][0].update(fields=["gone"])),
    ("UNKNOWN_REFERENCE", "B-NY-01", lambda c: c.behaviour["recordTypes"].append("P-NY-09")),
    ("UNKNOWN_REFERENCE", "xx-990100", lambda c: c.locality.update(clocks={"P-NY-09": {}})),
    ("MASK_TYPE", "P-NY-01.note", lambda c: c.add_field("note", type="money", mask="M_BAND")),
    ("SCENARIO_MISMATCH", "P-RS-01", lambda c: c.scenario["relevance"].append(SHARED)),
    ("SCENARIO_MISMATCH", "P-NY-01", lambda c: c.certificate["scenarios"].append("S02")),
    ("SEVERITY", "P-NY-01", lambda c: (c.certificate.update(severities=[]), c.behaviour.pop("severity"))),
    ("SEVERITY", "P-NY-01", two_severities),
    ("SEVERITY", "P-NY-01.documentNo", lambda c: c.field("documentNo").update(adverse=False)),
    (
        "SEVERITY",
        "P-NY-01.determinedOn",
        lambda c: c.certificate.update(adverseUnless={"determinedOn": ["x"]}),
    ),
    ("SEVERITY_CAP", "P-NY-01", lambda c: publication(c).update(max={"GENERAL": "P1Y1D"})),
    ("SEVERITY_CAP", "xx-990100.P-NY-01", lambda c: local_clocks(c, publication={"max": {"MINOR": "P4M"}})),
    ("CLOCK_TERM", "P-NY-01", lambda c: publication(c).update(max={})),
    ("CLOCK_TERM", "P-NY-01", lambda c: publication(c).update(basis=[])),
    ("CLOCK_TERM", "P-NY-01", lambda c: clocks(c).update(retention={"kind": "PERIOD"})),
    ("CLOCK_TERM", "P-NY-01", lambda c: clocks(c).update(retention={"kind": "LIVE", "period": "P1Y"})),
    ("CLOCK_START", "P-NY-01", lambda c: clocks(c).update(startsOn=[])),
    ("CLOCK_START", "P-NY-01", lambda c: clocks(c).update(startsOn=["determinedOn", "endedOn"])),
    ("CLOCK_START", "xx-990100.P-NY-01", lambda c: local_clocks(c, startsOn=["publishedOn"])),
    ("NOT_IN_NATIONAL_LIST", "P-NY-01", lambda c: c.certificate.update(nationalItems=[])),
    ("PERSONS_WITHOUT_LAW", "P-NY-01", lambda c: publication(c).update(byLaw=False, persons=True)),
    ("LOCALITY_CLOCK", "xx-990100", lambda c: c.locality.update(adverseRetention="P5Y1D")),
    ("LOCALITY_CLOCK", "xx-990100", lambda c: c.locality.update(objection={"extendTo": 21})),
    ("LOCALITY_CLOCK", "xx-990100", lambda c: c.locality.update(objection={"markWithin": 6})),
    ("BEHAVIOUR", "B-NY-01", lambda c: c.behaviour.update(kind="GOOD")),
    ("BEHAVIOUR", "B-NY-01", lambda c: c.behaviour.update(severity="SERIOUS")),
    ("BEHAVIOUR", "B-NY-01", lambda c: c.behaviour.update(recordTypes=["P-GA-01"])),
    ("GR07", "S90", lambda c: c.scenario["measures"].append({"code": "R-99", "basis": ["农业法"]})),
    ("GR07", "S90", lambda c: c.scenario.update(approvedBy=["op-0012", " OP-0012"])),
    ("GR07", "S90", lambda c: c.scenario.update(approvedBy=["op-0012", " "])),
    ("GR07", "S90.NOT_REVOKED", lambda c: predicate(c).update(absent=["P-NY-01", "P-FG-03"])),
    (
        "GR07",
        "S90.NOT_REVOKED",
        lambda c: (c.scenario["relevance"][0].update(fields=["certificateNo"]), with_value(c, "documentNo")),
    ),
    ("GR01", "S90.TRUST_SCORE", lambda c: (predicate(c).update(code="TRUST_SCORE"), measure(c).pop("when"))),
    ("GR08", "S90", lambda c: c.scenario.update(relatedPersons=["LEGAL_REPRESENTATIVE"])),
    ("DUPLICATE_NAME", "S90.NOT_REVOKED", lambda c: c.scenario["predicates"].append(predicate(c))),
    ("UNKNOWN_REFERENCE", "S90.NOT_REVOKED", lambda c: with_value(c, "gone")),
    ("UNKNOWN_REFERENCE", "S90.R-01", lambda c: measure(c).update(when="GONE")),
    ("PREDICATE", "S90.CONFIRMED", lambda c: add_predicate(c, "absent")),
    ("PREDICATE", "S90.CONFIRMED", lambda c: add_predicate(c, "present", severities=["SERIOUS"])),
    ("PREDICATE", "S90.FINED", lambda c: add_fines(c)),
    ("MEASURE", "S90.R-01", lambda c: (add_predicate(c, "present"), measure(c).update(when="CONFIRMED"))),
    (
        "MEASURE",
        "S90.I-01",
        lambda c: measure(c).update(code="I-01", obligation="MANDATORY"),
    ),
    (
        "MEASURE",
        "S90.R-08",
        lambda c: measure(c).update(code="R-08", disputed="HUMAN_VERIFICATION"),
    ),
    ("GR12", "S90", lambda c: c.scenario.update(validUntil="2028-01-02")),
    ("GR12", "S90", lambda c: c.scenario.update(validUntil="2025-12-31")),
    ("GR07", "S90", lambda c: c.scenario["relevance"].append({"recordType": "P-NY-09", "reason": OTHER})),
    ("GR07", "S90", lambda c: c.scenario["relevance"].append({"recordType": "P-NY-01", "reason": OTHER})),
    ("GR07", "S90", lambda c: c.scenario.update(kind="BANK_LOAN", measures=[])),
    ("GR07", "S90", lambda c: c.scenario.update(kind="COURT_ENFORCEMENT", basis=["CONSENT"], measures=[])),
    ("GR07", "S90", lambda c: c.scenario.update(kind="INSPECTION_FREQUENCY")),
    ("GR07", "S90.R-01", lambda c: c.scenario.update(kind="PRIVATE_RECRUITMENT", basis=["CONSENT"])),
]


@pytest.mark.parametrize(("code", "where", "change"), BROKEN)
def test_a_broken_catalogue_has_exactly_that_problem(county, code, where, change):
    change(county)
    found = lint(county.load())
    assert [(problem.code, problem.where) for problem in found] == [(code, where)]
    assert str(found[0]) == f"{where}: {found[0].message} [{code}]"


def test_every_code_of_the_lint_is_broken_above():
    modules = (catalogue.lint, catalogue.scenario_lint, catalogue.problems)
    sources = [ast.parse(Path(str(module.__file__)).read_text("utf-8")) for module in modules]
    calls = [node for tree in sources for node in ast.walk(tree) if isinstance(node, ast.Call)]
    codes = {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name)
        and call.func.id == "Problem"
        and isinstance(call.args[0], ast.Constant)
    }
    assert codes == {code for code, _, _ in BROKEN}
    assert all(code in (catalogue.lint.__doc__ or "") for code in codes)


@pytest.mark.parametrize(
    "purpose",
    [
        "婚恋交友核验",
        "网上购物信用",
        "会员消费定价",
        "商业保险定价",
        "理财准入画像",
        "普通出国旅游核验",
        "普通购票乘机乘车",
        "子女入学审查",
        "亲属连带审查",
        "租房租车押金",
        "小区物业停车",
        "献血垃圾分类信访闯红灯计分",
        "投票评议、村民评级",
        "医疗急救、义务教育、低保等基本公共服务",
        "房价、贷款利率自动定价",
        "员工日常考核",
        "信用分排行榜",
        "媒体检索",
        "全量名单下载",
        "Dating",
        "Shopping",
        "Insurance pricing",
        "Bulk download",
    ],
)
def test_a_prohibited_purpose_cannot_be_a_scenario(county, purpose):
    county.scenario["name"] = {"zh": purpose, "en": purpose}
    assert [(problem.code, problem.where) for problem in lint(county.load())] == [("GR07", "S90")]


def test_entities_may_be_graded_by_law_but_not_profiled(county):
    as_entity_type(county)
    county.add_field("grade", zh="评价等级")
    county.add_field("netIncome", zh="营业收入", en="Income")
    assert lint(county.load()) == []
    county.add_field("faith", zh="宗教信仰")
    assert [problem.code for problem in lint(county.load())] == ["GR08"]


def test_a_child_post_check_is_not_a_relative(county):
    county.certificate["graphqlType"] = "ChildCarePostCheck"
    assert lint(county.load()) == []


def test_words_are_whole_and_read_camel_case():
    assert words("reviewGrade") == ["review", "grade"]
    assert words("USCC of the organization") == ["uscc", "of", "the", "organization"]
    assert SCORES.find("pointer", "upgrade", "startedOn") is None
    assert SCORES.find("starLevel") == "level"


def test_a_county_scenario_may_look_at_a_shared_type_but_not_at_its_statutory_facts(county):
    county.scenario["relevance"].append(SHARED | {"fields": ["certificateNo", "validUntil"]})
    assert lint(county.load()) == []


def test_a_county_cannot_reuse_a_statutory_fact_of_another_type(county):
    assert "P-WJ-01.points" in STATUTORY_FACTS
    county.add_field("points", statutoryFact=True)
    assert [problem.code for problem in lint(county.load())] == ["GR01"]


def test_dropping_is_no_mask():
    assert "M_DROP" not in MASK_RULES
