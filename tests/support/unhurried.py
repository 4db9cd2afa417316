"""The county's manifests with deadlines that a busy machine keeps: what ends before was ended on purpose."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from tests.support.county import COUNTY

UNHURRIED_MS: Final = 20_000


def unhurried(manifest: str) -> str:
    """The text of a manifest with a deadline that is not what a test is about."""
    return f"deadlineMs: {UNHURRIED_MS}\n" + re.sub(r"(?m)^deadlineMs:.*\n", "", manifest)


def copy_unhurried(folder: Path, into: Path) -> Path:
    """Copies of a folder's manifests; returns `into`."""
    into.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.glob("*.yaml")):
        (into / path.name).write_text(unhurried(path.read_text("utf-8")), "utf-8")
    return into


def unhurried_county(folder: Path) -> dict[str, str]:
    """Variables under which a gateway over the county's own settings takes its time; copies to `folder`."""
    return {
        "CREDIT_GATEWAY_SOURCES": str(copy_unhurried(COUNTY / "sources", folder)),
        "CREDIT_GATEWAY_DEADLINES__OPERATION_MS": str(UNHURRIED_MS),
    }
