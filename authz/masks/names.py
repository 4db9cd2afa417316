"""Names of persons: the surname stays, by code point."""

from __future__ import annotations

import re
from typing import Final

from authz.masks.registry import text_rule

_COMPOUNDS: Final = (
    "欧阳太史端木上官司马东方独孤南宫万俟闻人夏侯诸葛尉迟公羊赫连澹台皇甫宗政濮阳公冶太叔申屠公孙慕容"
    "仲孙钟离长孙宇文司徒鲜于司空闾丘子车亓官司寇巫马公西颛孙壤驷公良漆雕乐正宰父谷梁拓跋夹谷轩辕令狐"
    "段干百里呼延东郭南门羊舌微生梁丘左丘东门西门南荣第五纳兰完颜耶律叶赫欧陽司馬諸葛東方長孫尉遲"
)
COMPOUND_SURNAMES: Final = frozenset(_COMPOUNDS[at : at + 2] for at in range(0, len(_COMPOUNDS), 2))
_HAN_NAME: Final = re.compile(
    r"[\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af\ufe00-\ufe0f\U000e0100-\U000e01ef]+"
)
_OTHER_NAME: Final = re.compile(r"[^\W\d_]+(?:[ .·•・‧'’-]+[^\W\d_]+)*\.?")
_LONGEST_HAN_NAME: Final = 6


@text_rule("M_NAME")
def name(text: str) -> str | None:
    """张伟 → 张*, 欧阳样例 → 欧阳**; a name in several words or another script keeps one letter."""
    text = text.strip()
    if len(text) == 1:
        return "*"
    if _HAN_NAME.fullmatch(text) and len(text) <= _LONGEST_HAN_NAME:
        shown = 2 if len(text) > 2 and text[:2] in COMPOUND_SURNAMES else 1
        return text[:shown] + "*" * (len(text) - shown)
    return f"{text[0]}**" if _OTHER_NAME.fullmatch(text) else None


@text_rule("M_NAME_PUB")
def name_unless_published(text: str) -> str | None:
    """As M_NAME: whether a law orders the full name is the policy's decision, not the mask's."""
    return name(text)
