"""A job outlasts a gateway that has no turn for it, and not one that does not answer."""

from __future__ import annotations

import io
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.bulk import job as jobs
from gateway.bulk.job import Job, Terms
from gateway.bulk.journal import Journal
from gateway.bulk.rows import Candidates
from gateway.client import GatewayError

TIMES = 60


class Tells:
    """A gateway that says the same for a while, then answers."""

    def __init__(self, code: str) -> None:
        self._code = code
        self.asked = 0

    async def ask(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        self.asked += 1
        if self.asked <= TIMES:
            raise GatewayError(self._code, "Not now.", retryable=True)
        return {"rows": []}


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> float:
    monkeypatch.setattr(jobs, "_FIRST_PAUSE", 0.001)
    return 0.02


def job_of(gateway: Tells, patience: float) -> Job:
    nothing = cast(Candidates, None), cast(Journal, SimpleNamespace(end=0)), io.BytesIO()
    return Job([gateway], *nothing, Terms("", {}, patience=patience))


async def test_whoever_gets_no_turn_comes_back_as_long_as_it_takes(patience: float) -> None:
    gateway = Tells("GATEWAY_BUSY")
    assert await job_of(gateway, patience)._sent("", {}, 0) == {"rows": []}
    assert gateway.asked == TIMES + 1


async def test_a_gateway_that_does_not_answer_is_given_up(patience: float) -> None:
    gateway = Tells("GATEWAY_UNREACHABLE")
    with pytest.raises(GatewayError, match="GATEWAY_UNREACHABLE"):
        await job_of(gateway, patience)._sent("", {}, 0)
    assert gateway.asked < TIMES
