from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.support.databases"]
LONG = ("e2e", "stories", "guardrails", "cli", "web", "bench", "soak")
"""What starts many processes or waits for them: begun first, so that none is left alone at the end."""
settings.register_profile(
    "suite", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    folders = (*LONG, *sorted({item.path.relative_to(here).parts[0] for item in items} - {*LONG}))
    items.sort(key=lambda item: folders.index(item.path.relative_to(here).parts[0]))
