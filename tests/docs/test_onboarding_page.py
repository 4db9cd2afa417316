"""The worked example of docs/onboarding.md, done as written."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from catalogue.identifiers import SubjectKey
from catalogue.loader import load_catalogue
from connectors.introspect import Request, introspect
from connectors.protocol import Ask
from connectors.registry import load_sources
from tests.support.documents import ROOT, sections

EXAMPLE = sections(ROOT / "docs" / "onboarding.md")["A worked example"]
EDITS = {"{待填: ACTIVE}": '{"1": ACTIVE, "2": REVOKED}', "{unit: 元}": "{unit: 万元}"}


def test_the_example_is_three_edits_away_from_records(tmp_path: Path) -> None:
    (script,) = EXAMPLE.blocks("python")
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    asyncio.run(followed(tmp_path))


async def followed(folder: Path) -> None:
    catalogue = load_catalogue()
    url = f"sqlite:///{folder}/var/culture.db"
    found = await introspect(Request(url, "culture", "CULTURE_URL"), catalogue)
    assert found.records == {"P-FG-03": "whzf_xzcf"}
    text = found.text
    codes = []
    for before, after in [(None, None), *EDITS.items()]:
        if before and after:
            assert text.count(before) == 1
            assert any(after in row[2] or after.strip("{}") in row[2] for row in EXAMPLE.rows())
            text = text.replace(before, after)
        folder.joinpath("sources").mkdir(exist_ok=True)
        folder.joinpath("sources", "culture.yaml").write_text(text, "utf-8")
        source = load_sources(folder / "sources", catalogue, {"CULTURE_URL": url})["culture"]
        codes.append({finding.code for finding in await source.check() if finding.level == "error"})
        key = SubjectKey.person("990101198001010014")
        answer = await source.fetch(Ask("P-FG-03", frozenset({"documentNo", "fineBand"}), (key,)))
        await source.close()
    assert codes == [{"ROWS_ALL_REJECTED"}, set(), set()]
    assert [row.values for row in answer.rows[key]] == [
        {"documentNo": "测文罚〔2026〕1号", "fineBand": "≤1000元"}
    ]
