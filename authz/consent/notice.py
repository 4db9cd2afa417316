"""The words a person is shown before agreeing: the eight matters of PIPL 17, 23 and 30, from the request.

The text is made from the request and the catalogue alone, so that its hash says what was shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from authz.consent.artefact import ConsentRequest, Item, Level, Mode, Withdrawal
from authz.consent.rules import sensitive
from catalogue.model import Catalogue

VERSION: Final = "1"

_LEVEL: Final = {Level.BOOLEAN: "仅告知有无记录", Level.MASKED: "脱敏后提供", Level.FULL: "完整提供"}
_MODE: Final = {Mode.CHECK: "在线核验，不提供副本", Mode.REPORT: "形成本次查询报告"}
_UNIT: Final = {"HOUR": "小时", "DAY": "日", "MONTH": "个月", "YEAR": "年"}
_NATURE: Final = {
    "BASIC": "基础信息",
    "GOOD": "守信信息",
    "NEUTRAL": "中性信息",
    "MINOR": "轻微失信",
    "GENERAL": "一般失信",
    "SERIOUS": "严重失信",
}


def notice_id(request: ConsentRequest) -> str:
    """Which template was used."""
    return f"N-{request.purpose.scenario_code}"


def render(request: ConsentRequest, catalogue: Catalogue) -> str:
    """The notice in plain Chinese, one matter a line."""
    return "\n".join(_matters(request, catalogue))


def _matters(request: ConsentRequest, catalogue: Catalogue) -> Iterator[str]:
    grantee, purpose = request.grantee, request.purpose
    yield f"一、谁来查询：{grantee.name}（{grantee.uscc}），联系方式：{grantee.contact}。"
    scenario = catalogue.scenarios[purpose.scenario_code].name.zh
    yield f"二、为什么查询：{scenario}；{purpose.text}（编号 {purpose.case_no}）。"
    how_long = f"自同意之时起 {request.valid_days} 日内有效"
    yield f"三、怎样查询：{_MODE[request.mode]}；{_times(request)}，{how_long}。"
    yield "四、查询哪些信息："
    yield from (f"　　· {_item(item, catalogue)}" for item in request.authorization_details)
    life = request.data_life
    never = "不得转给他人，不得用于评分、营销或模型训练"
    yield f"五、保存多久：{life.value}{_UNIT[life.unit]}，届满即删除；{never}。"
    if sensitive(request.authorization_details, catalogue):
        yield (
            "六、敏感信息：以上包含敏感个人信息，仅因办理本事项所必需；一旦泄露可能影响您的权益，须您单独同意。"
        )
    else:
        yield "六、敏感信息：不涉及。"
    yield "七、您的权利：可随时查阅、复制、更正、删除，要求说明，投诉；每次查询您都看得到，由人工作出决定。"
    yield f"八、撤回：随时可在应用或窗口撤回，立即停止其后的查询；{Withdrawal().refusal_consequence}。"


def _times(request: ConsentRequest) -> str:
    if request.frequency is None:
        return "仅一次"
    often = request.frequency
    return f"最多 {request.max_uses} 次，每{_UNIT[often.unit]}不超过 {often.value} 次"


def _item(item: Item, catalogue: Catalogue) -> str:
    entry = catalogue.record_types[item.record_type]
    department = catalogue.departments[entry.department].name.zh
    parts = [f"{entry.name.zh}（{department}），{_LEVEL[item.level]}"]
    if item.named:
        parts.append("、".join(entry.field_by_name[name].label.zh for name in item.named))
    if item.natures:
        parts.append("限于" + "、".join(_NATURE[nature] for nature in item.natures))
    if item.since or item.until:
        parts.append(f"限于 {item.since or '最早'} 至 {item.until or '今日'}")
    return "；".join(parts)
