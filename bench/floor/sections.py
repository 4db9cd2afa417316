"""The register and the eight sections by hand: each statement, and each row decoded and masked.

The statements name the columns that the gateway's do, control columns included.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

Row = Sequence[Any]
Record = dict[str, object]
Forms = Callable[[str], tuple[str, ...]]

_SERIOUS: Final = timedelta(days=3 * 365)
"""Longest publication of a serious record."""
_YEAR: Final = re.compile(r"[（(\[](\d{4})[）)\]](?:第(?=\d))?")
_PRACTICE: Final = {"1": "执业", "2": "注销"}
_LEVELS: Final = {"1": "一级", "2": "二级", "3": "不分级"}
_CERTIFICATES: Final = {"1": "有效", "2": "注销", "3": "撤销", "4": "吊销"}
_SEVERITIES: Final = {"1": "MINOR", "2": "GENERAL", "3": "SERIOUS"}
_PENALTIES: Final = {"1": "罚款", "2": "没收违法所得"}
_STAGES: Final = {"1": "小学", "2": "初中", "3": "高中"}
_REGISTRATIONS: Final = {"1": "注册", "2": "变更注册"}
_OCCUPATIONS: Final = {"1": "客运驾驶", "2": "货运驾驶"}
_CARDS: Final = {"0": "正常", "1": "注销"}


def _day(text: str | None) -> str | None:
    """20260401…, 2026-04-01, 2026/04/01, 2026.04.01 or 2026年04月01日 → 2026-04-01."""
    if not text:
        return None
    if text[4].isdigit():
        return f"{text[:4]}-{text[4:6]}-{text[6:8]}"
    return f"{text[:4]}-{text[5:7]}-{text[8:10]}"


def _document(text: str | None) -> str | None:
    return _YEAR.sub(r"〔\1〕", text) if text else None


def _number(text: str) -> str:
    """The citizen id, masked; 15-digit ones are upgraded first, which needs the check digit."""
    number = text.upper()
    if len(number) == 15:
        number = f"{number[:6]}19{number[6:]}"
        weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
        total = sum(int(digit) * weight for digit, weight in zip(number, weights, strict=True))
        number += "10X98765432"[total % 11]
    return f"{number[0]}****************{number[-1]}"


def _certificate(text: str) -> str:
    """First and last two characters; one that is a citizen id keeps one at each end."""
    if len(text) == 18:
        return _number(text)
    return f"{text[:2]}{'*' * (len(text) - 4)}{text[-2:]}"


def star(name: str) -> str:
    """The surname."""
    return name[0] + "*" * (len(name) - 1)


def _base(code: str, nature: str, department: str, system: str, changed: datetime) -> Record:
    return {
        "recordType": code,
        "nature": nature,
        "status": "ACTIVE",
        "provenance": {
            "department": department,
            "system": system,
            "sourceUpdatedAt": f"{changed.isoformat()}.000+08:00",
        },
    }


def _traffic(row: Row, today: date) -> Record | None:
    _, _, _, ruled, _, _, severity, appeal, changed, document, violation = row
    day = _day(ruled)
    if appeal == "1" or day is None or date.fromisoformat(day) + _SERIOUS < today:
        return None
    return _base("P-GA-02", "ADVERSE", "GA", "公安综合平台", changed) | {
        "documentNo": _document(document),
        "violationName": violation,
        "plateNo": None,
        "determinedOn": day,
        "severity": severity,
    }


def _lawyer(row: Row, _: date) -> Record:
    (number, _, name, ruled, _, changed, review, document, first, licence, organization, uscc, kind, state,
     sanction) = row  # fmt: skip
    return _base("P-SF-01", "BASIC", "SF", "法律服务管理系统", changed) | {
        "licenceNo": licence,
        "name": name,
        "citizenId": _number(number),
        "practiceKind": kind,
        "organization": organization,
        "organizationUscc": uscc,
        "firstPractisedOn": _day(first),
        "annualReview": review,
        "practiceState": _PRACTICE[state],
        "sanction": sanction,
        "documentNo": _document(document),
        "determinedOn": _day(ruled),
    }


def _engineer(row: Row, _: date) -> Record:
    (number, _, name, until, changed, certificate, state, issued, issuer, level, organization, uscc, code,
     title) = row  # fmt: skip
    return _base("P-RS-01", "BASIC", "RS", "职业资格管理系统", changed) | {
        "certificateNo": _certificate(certificate),
        "name": star(name),
        "citizenId": _number(number),
        "qualificationCode": code,
        "qualificationName": title,
        "level": _LEVELS[level],
        "issuedOn": _day(issued),
        "issuer": issuer,
        "organization": organization,
        "organizationUscc": uscc,
        "validUntil": _day(until),
        "certificateState": _CERTIFICATES[state],
    }


def _penalty(row: Row, today: date) -> Record | None:
    (_, _, _, ruled, until, procedure, severity, _, appeal, changed, authority, behaviour, document,
     penalty) = row  # fmt: skip
    if appeal == "1" or procedure == "简易" or until < today.isoformat():
        return None
    if date.fromisoformat(ruled) + _SERIOUS < today:
        return None
    return _base("P-FG-03", "ADVERSE", "FG", "双公示系统", changed) | {
        "documentNo": _document(document),
        "behaviourKind": behaviour,
        "facts": None,
        "penaltyKind": _PENALTIES[penalty],
        "determinedOn": _day(ruled),
        "authority": authority,
        "severity": _SEVERITIES[severity],
    }


def _teacher(row: Row, _: date) -> Record:
    number, _, name, ruled, _, changed, ban, certificate, document, school, result, stage, subject = row
    return _base("P-JY-01", "BASIC", "JY", "教师管理信息系统", changed) | {
        "certificateNo": _certificate(certificate),
        "name": star(name),
        "citizenId": _number(number),
        "teachingStage": _STAGES[stage],
        "teachingSubject": subject,
        "organization": school,
        "registrationResult": result,
        "documentNo": _document(document),
        "determinedOn": _day(ruled),
        "banKind": ban,
    }


def _doctor(row: Row, _: date) -> Record:
    (number, _, name, until, ruled, _, changed, acts, cycle, document, licence, organization, points, kind,
     scope, state) = row  # fmt: skip
    return _base("P-WJ-01", "BASIC", "WJ", "医护执业注册系统", changed) | {
        "licenceNo": licence,
        "name": name,
        "citizenId": _number(number),
        "practiceKind": kind,
        "practiceScope": scope,
        "organization": organization,
        "validUntil": _day(until),
        "registrationState": _REGISTRATIONS[state],
        "behaviourCodes": acts.split(",") if acts else None,
        "points": points,
        "cycle": cycle,
        "documentNo": _document(document),
        "determinedOn": _day(ruled),
    }


def _builder(row: Row, _: date) -> Record:
    (number, _, name, until, ruled, published, _, changed, acts, document, organization, uscc, project, kind,
     registration, specialty) = row  # fmt: skip
    return _base("P-ZJ-01", "BASIC", "ZJ", "建筑市场监管平台", changed) | {
        "registrationNo": registration,
        "name": name,
        "citizenId": _number(number),
        "registrationKind": kind,
        "specialty": specialty,
        "organization": organization,
        "organizationUscc": uscc,
        "validUntil": _day(until),
        "behaviourCodes": acts.split(",") if acts else None,
        "projectName": project,
        "documentNo": _document(document),
        "determinedOn": _day(ruled),
        "publishedUntil": _day(published),
    }


def _driver(row: Row, _: date) -> Record:
    number, _, name, until, _, _, changed, certificate, card, document, issued, kind, grade, year = row
    return _base("P-JT-01", "BASIC", "JT", "道路运输从业人员系统", changed) | {
        "certificateNo": _certificate(certificate),
        "name": star(name),
        "citizenId": _number(number),
        "occupationKind": _OCCUPATIONS[kind],
        "firstIssuedOn": _day(issued),
        "validUntil": _day(until),
        "reviewYear": int(year[:4]),
        "reviewGrade": grade,
        "certificateState": _CARDS[card],
        "documentNo": _document(document),
    }


def _same(number: str) -> tuple[str, ...]:
    return (number,)


def _with_15_digits(number: str) -> tuple[str, ...]:
    return (number, number[:6] + number[8:17])


def _with_lower_case(number: str) -> tuple[str, ...]:
    return (number, number.lower())


@dataclass(frozen=True, slots=True)
class Section:
    """One section: where it stands in the answer, the statement, and its rows."""

    group: str
    name: str
    source: str
    sql: str
    status: int
    """Position of the status column; "0" is in force."""
    person: int
    """Position of the name column."""
    record: Callable[[Row, date], Record | None]
    forms: Forms = _same


REGISTER_SOURCE: Final = "ga"
REGISTER: Final = "SELECT gmsfhm, id, xm, ryzt, gxsj FROM rkjbxx WHERE gmsfhm = ANY ($1) LIMIT 201"
"""Confirms number and name."""
SECTIONS: Final = (
    Section("publicSecurity", "seriousTrafficViolations", "ga",
        "SELECT sfzmhm, id, wfsj, clsj, dsr, zt, jdjb, fyzt, gxsj, jdsbh, wfxw FROM dljtwf"
        " WHERE sfzmhm = ANY ($1) LIMIT 201", 5, 4, _traffic),
    Section("qualifications", "legalPractitioners", "sf",
        "SELECT sfzh, id, xm, cfrq, zt, gxsj, ndkh, cfwh, sczyrq, zyzh, zyjg, zyjgdm, zylb, zyzt, cfzl"
        " FROM lszy WHERE sfzh = ANY ($1) LIMIT 201", 4, 2, _lawyer, _with_15_digits),
    Section("qualifications", "professionalQualifications", "rs",
        "SELECT sfzh, id, xm, yxqz, gxsj, zsbh, zszt, fzrq, fzjg, jb, zcdw, zcdwdm, zydm, zymc FROM zyzg"
        " WHERE sfzh = ANY ($1) LIMIT 201", -1, 2, _engineer),
    Section("qualifications", "teacherCertificates", "jy",
        "SELECT sfzh, id, xm, clrq, zt, gxsj, cyjz, zsbh, clwh, rjdw, zcjl, rjxd, rjxk FROM jszg"
        " WHERE sfzh IN (%s, %s) LIMIT 201", 4, 2, _teacher, _with_lower_case),
    Section("qualifications", "medicalPractitioners", "wj",
        "SELECT sfzh, id, xm, yxqz, clrq, zt, gxsj, blxw, jfzq, clwh, zyzbm, zyjg, jf, zylb, zyfw, zczt"
        " FROM yshs WHERE sfzh IN (%s) LIMIT 201", 5, 2, _doctor),
    Section("qualifications", "constructionPractitioners", "zj",
        "SELECT sfzh, id, xm, yxqz, rdrq, gbqz, zt, gxsj, blxw, rdwh, zcdw, zcdwdm, xmmc, zclb, zch, zy"
        " FROM zcry WHERE sfzh IN (%s) LIMIT 201", 6, 2, _builder),
    Section("qualifications", "roadTransportQualifications", "jt",
        "SELECT sfzh, id, xm, yxqz, cxrq, zt, gxsj, cyzgzh, zjzt, cxwh, clrq, cylb, khdj, khnd FROM cyzg"
        " WHERE sfzh IN (%s) LIMIT 201", 5, 2, _driver),
    Section("administration", "administrativePenalties", "fg",
        "SELECT zjhm, id, mc, jdrq, gsjzq, cfcx, sxdj, zt, fyzt, sjc, cfjg, wfxw, wsh, cflb FROM xzcf"
        " WHERE zjhm = ANY ($1) LIMIT 201", 7, 2, _penalty),
)  # fmt: skip
