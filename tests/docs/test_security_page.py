"""Every test that the security page names is there, and every published bypass is named."""

import re

import pytest

from tests.support.documents import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[^`]+)`", PAGE)))


@pytest.mark.parametrize("named", NAMED)
def test_a_named_test_is_there(named: str) -> None:
    path, _, function = named.partition("::")
    assert (ROOT / path).exists()
    if function:
        assert f"def {function}(" in (ROOT / path).read_text("utf-8")


def test_the_published_bypasses_are_scenarios() -> None:
    scenarios = (ROOT / "tests" / "scenarios" / "bypasses.yaml").read_text("utf-8")
    for published in ("mx7m-j9xf-62hw", "m8jr-fxqx-8xx6", "x33c-7c2v-mrj9", "g8jh-vg5j-4h3f"):
        assert f"GHSA-{published}" in PAGE
        assert f"- name: GHSA-{published}" in scenarios
