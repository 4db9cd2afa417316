"""The fixed words of the notice, in each language a person may be shown it in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from authz.consent.artefact import Confirmation, Level, Mode, RowNature


class Language(StrEnum):
    """A language of the notice (BCP 47). The Chinese one comes first and is always there."""

    CHINESE = "zh-CN"
    ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Words:
    """One language: headings of the matters in order, sentences with places, and names of codes."""

    numerals: str | None
    """Numbers of the matters; None is 1, 2, 3."""
    separator: str
    headings: tuple[str, ...]
    who: str
    why: str
    how: str
    once: str
    again: str
    kept: str
    sensitive: str
    not_sensitive: str
    rights: str
    withdrawal: str
    between: str
    beginning: str
    today: str
    only: str
    item: str
    joint: str
    break_: str
    levels: Mapping[Level, str]
    modes: Mapping[Mode, str]
    units: Mapping[str, str]
    natures: Mapping[RowNature, str]
    confirmations: Mapping[Confirmation, str]


WORDS: Final[Mapping[Language, Words]] = {
    Language.CHINESE: Words(
        numerals="一二三四五六七八九",
        separator="、",
        headings=(
            "谁来查询",
            "为什么查询",
            "怎样查询",
            "查询哪些信息",
            "保存多久",
            "敏感信息",
            "您的权利",
            "撤回与不同意",
            "须您逐项确认",
        ),
        who="{name}（{uscc}），联系方式：{contact}。",
        why="{scenario}；{text}（编号 {case_no}）。",
        how="{mode}；{times}，自同意之时起 {days} 日内有效。",
        once="仅一次",
        again="最多 {uses} 次，每{unit}不超过 {often} 次",
        kept="{value}{unit}，届满即删除；不得转给他人，不得用于评分、营销或模型训练。",
        sensitive="以上包含敏感个人信息，仅因办理本事项所必需；一旦泄露可能影响您的权益，须您单独同意。",
        not_sensitive="不涉及。",
        rights="可随时查阅、复制、更正、删除，要求说明，投诉；每次查询您都看得到，由人工作出决定。",
        withdrawal=(
            "随时可在应用或窗口撤回，立即停止其后的查询；不同意不影响其他事项办理，可改为自行提交证明材料。"
        ),
        between="限于 {since} 至 {until}",
        beginning="最早",
        today="今日",
        only="限于{natures}",
        item="{name}（{department}），{level}",
        joint="、",
        break_="；",
        levels={Level.BOOLEAN: "仅告知有无记录", Level.MASKED: "脱敏后提供", Level.FULL: "完整提供"},
        modes={Mode.CHECK: "在线核验，不提供副本", Mode.REPORT: "形成本次查询报告"},
        units={"HOUR": "小时", "DAY": "日", "MONTH": "个月", "YEAR": "年"},
        natures={
            RowNature.BASIC: "基础信息",
            RowNature.GOOD: "守信信息",
            RowNature.NEUTRAL: "中性信息",
            RowNature.MINOR: "轻微失信",
            RowNature.GENERAL: "一般失信",
            RowNature.SERIOUS: "严重失信",
        },
        confirmations={
            Confirmation.GENERAL: "我已阅读以上内容，自愿同意上述查询。",
            Confirmation.THIRD_PARTY_PROVISION: "我单独同意将所选信息提供给{name}。",
            Confirmation.SENSITIVE: "我单独同意提供其中的敏感个人信息。",
            Confirmation.GUARDIAN: "我是该未成年人的监护人，代其同意。",
            Confirmation.LEGAL_REPRESENTATIVE: "我是该企业登记的法定代表人（经营者），代其同意。",
        },
    ),
    Language.ENGLISH: Words(
        numerals=None,
        separator=". ",
        headings=(
            "Who asks",
            "Why",
            "How",
            "What is read",
            "How long it is kept",
            "Sensitive information",
            "Your rights",
            "Taking back, and refusing",
            "You confirm each of these",
        ),
        who="{name} ({uscc}), contact {contact}.",
        why="{scenario}; {text} (case {case_no}).",
        how="{mode}; {times}, within {days} days of your agreement.",
        once="once only",
        again="at most {uses} times, no more than {often} per {unit}",
        kept="{value} {unit}, then deleted; never passed on, scored, used for marketing or to train models.",
        sensitive=(
            "Sensitive personal information is included, as far as this matter needs it; a leak could harm "
            "you, so you agree to it on its own."
        ),
        not_sensitive="None.",
        rights=(
            "See, copy, correct or delete it, ask for an explanation, or complain, at any time; you see "
            "every read, and a human decides."
        ),
        withdrawal=(
            "Take it back at any time in the app or at the counter: no read follows. Refusing changes "
            "nothing else you do with the authorities; you may hand in proof yourself instead."
        ),
        between="from {since} to {until}",
        beginning="the beginning",
        today="today",
        only="only {natures}",
        item="{name} ({department}), {level}",
        joint=", ",
        break_="; ",
        levels={
            Level.BOOLEAN: "only whether there is a record",
            Level.MASKED: "masked",
            Level.FULL: "in full",
        },
        modes={Mode.CHECK: "a check online, no copy", Mode.REPORT: "a report of this one query"},
        units={"HOUR": "hour(s)", "DAY": "day(s)", "MONTH": "month(s)", "YEAR": "year(s)"},
        natures={
            RowNature.BASIC: "basic records",
            RowNature.GOOD: "good conduct",
            RowNature.NEUTRAL: "neutral records",
            RowNature.MINOR: "minor misconduct",
            RowNature.GENERAL: "general misconduct",
            RowNature.SERIOUS: "serious misconduct",
        },
        confirmations={
            Confirmation.GENERAL: "I have read this and agree to the reads above of my own will.",
            Confirmation.THIRD_PARTY_PROVISION: "I agree on its own to what I ticked being given to {name}.",
            Confirmation.SENSITIVE: "I agree on its own to the sensitive information in it being given.",
            Confirmation.GUARDIAN: "I am the guardian of this minor and agree on their behalf.",
            Confirmation.LEGAL_REPRESENTATIVE: (
                "I am the registered legal representative of this enterprise and agree on its behalf."
            ),
        },
    ),
}
