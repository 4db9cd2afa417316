"""The words of the pages, in Chinese and English, from one file: `texts.yaml`.

A catalogue of our own and not gettext: there are few texts, both languages stand side by side
where a lawyer can read them, a missing one stops the start, and nothing has to be compiled.
Placeholders are named in braces; values are escaped by the template that prints them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import yaml

from catalogue.model import Label
from catalogue.values import CHINA_TIME

LANGUAGES: Final = ("zh", "en")
TAGS: Final = {"zh": "zh-CN", "en": "en"}


def _load() -> Mapping[str, Label]:
    raw = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    return {f"{group}.{key}": Label(**text) for group, texts in raw.items() for key, text in texts.items()}


TEXTS: Final = _load()


@dataclass(frozen=True, slots=True)
class Words:
    """The texts in one language."""

    language: str

    @property
    def tag(self) -> str:
        """The language tag of a page (BCP 47)."""
        return TAGS[self.language]

    def __call__(self, key: str, **values: object) -> str:
        """The text by its key, filled in; KeyError for one that does not exist."""
        text = self.of(TEXTS[key])
        return text.format(**values) if values else text

    def of(self, label: Label) -> str:
        """A label of the catalogue in this language."""
        return label.zh if self.language == "zh" else label.en

    def maybe(self, key: str, otherwise: str) -> str:
        """The text of a code that departments or partners may have added to."""
        return self.of(TEXTS[key]) if key in TEXTS else otherwise

    def moment(self, raw: object) -> str:
        """A moment on China's clock: `2026年11月21日 05:30`, or `21 Nov 2026, 05:30`."""
        if raw is None:
            return "—"
        at = raw if isinstance(raw, datetime) else datetime.fromisoformat(str(raw))
        here = at.astimezone(CHINA_TIME)
        if self.language == "zh":
            return f"{here.year}年{here.month}月{here.day}日 {here:%H:%M}"
        return f"{here.day} {here:%b %Y, %H:%M}"

    def day(self, raw: object) -> str:
        """A partial date in words, with the precision that it has; `..` has no end."""
        if raw == "..":
            return self("records.open_ended")
        parts = str(raw).split("-")
        if not all(part.isdecimal() for part in parts):
            return str(raw)
        if self.language == "zh":
            return "".join(f"{int(part)}{unit}" for part, unit in zip(parts, "年月日", strict=False))
        if len(parts) == 3:
            year, month, day = map(int, parts)
            return f"{day} {datetime(year, month, day, tzinfo=CHINA_TIME):%b %Y}"
        return str(raw)


def language_of(cookie: str | None, accepted: str | None) -> str:
    """Chinese, unless the person chose English or their browser prefers it (RFC 9110 §12.5.4)."""
    if cookie in LANGUAGES:
        return str(cookie)
    best, weight = "zh", 0.0
    for part in (accepted or "").split(","):
        tag, _, quality = part.strip().partition(";q=")
        language = tag.lower().partition("-")[0]
        try:
            wanted = float(quality or 1)
        except ValueError:
            continue
        if language in LANGUAGES and wanted > weight:
            best, weight = language, wanted
    return best
