"""A county whose approval systems, bank and persons meet over a must-check, over HTTP."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio

from gateway.app import create_app
from tests.consent.conftest import Reply, Town, access, key
from tests.support.declared import DECLARED
from tests.support.deployment import county_stage, without_lifespan
from tests.support.http import served
from tests.support.scenarios import OVERLAY

CASES: Final = {
    "S04": ("hr-approval", "RSKS-2026-{:04d}", "公务员招录资格审查"),
    "S06": ("education-approval", "JSRZ-2026-{:04d}", "密切接触未成年人岗位审查"),
    "S11": ("service-hall", "XZXK-2026-{:05d}", "行政许可审批"),
    "S16": ("service-hall", "LSTD-2026-{:05d}", "绿色通道资格核验"),
    "S20": ("rail-enforcement", "XZGX-2026-{:06d}", "限制消费令协助执行"),
    "S09": ("procurement-centre", "ZFCG-2026-{:05d}", "政府采购资格审查"),
}
"""Who checks, in which case, for what."""

CHECK: Final = """
mutation Check($lookup: SubjectLookup!, $access: AccessContext!, $related: [RelatedPersonInput!]) {
  mustCheck(lookup: $lookup, access: $access, relatedPersons: $related) {
    checkId scenario obligation caseNo subjectRef displayName completeness manualCheckRequired
    checkedAt validUntil catalogueVersion guard { zh } disclaimers { zh }
    items { recordType result state reason count severityMax recordIds departmentName contact fetchedAt
      records { __typename recordId status severity
        ... on PersonJudgmentDefault { caseNo court citizenId } } }
    predicates { code value reasons recordTypes recordIds covered { recordType period } }
    measures { measure { code } predicate obligation basis humanVerification }
    tasks { recordType step departmentName contact }
    related { role subjectRef displayName items { recordType result recordIds }
      predicates { code value } measures { measure { code } } }
    receipt { jws nonce statement }
  }
}
"""


YOUNG: Final = "成年样例"
"""Of age since 2025-06-15; in the police register of the test county only."""
PENALTY: Final = {
    "ID": "check-1",
    "CF_XDR_LB": "自然人",
    "CF_XDR_ZJLX": "身份证",
    "CF_WSH": "测市监罚〔2026〕99号",
    "CF_WFXW": "占道经营",
    "CF_CFLB": "罚款",
    "CF_JDRQ": "2026/09/01",
    "CF_WFRQ": "2026/08/01",
    "CF_CX": "普通",
    "CF_SXDJ": "一般",
    "CF_ZT": "0",
    "SJC": "2026-09-02 01:00:00",
}


@dataclass(frozen=True)
class Checked:
    """An answer, taken apart."""

    reply: Reply

    @property
    def body(self) -> Any:
        assert not self.reply.codes, self.reply.body
        return self.reply.data["mustCheck"]

    @property
    def results(self) -> dict[str, str]:
        return {item["recordType"]: item["result"] for item in self.body["items"]}

    @property
    def truths(self) -> dict[str, str]:
        return {one["code"]: one["value"] for one in self.body["predicates"]}

    @property
    def measures(self) -> list[tuple[str, str, bool]]:
        return [
            (one["measure"]["code"], one["predicate"], one["humanVerification"])
            for one in self.body["measures"]
        ]

    def item(self, code: str) -> Any:
        (found,) = (item for item in self.body["items"] if item["recordType"] == code)
        return found

    def predicate(self, code: str) -> Any:
        (found,) = (one for one in self.body["predicates"] if one["code"] == code)
        return found


@dataclass(frozen=True)
class Office(Town):
    """The town, and its approval systems."""

    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def access(self, scenario: str, **changes: Any) -> dict[str, Any]:
        """The basis of a new case."""
        _, pattern, purpose = CASES[scenario]
        case = {"scenario": scenario, "caseNo": pattern.format(next(self.numbers)), "purpose": purpose}
        return case | DECLARED | changes

    def officer_of(self, scenario: str) -> str:
        return self.stage.deployment.token(CASES[scenario][0], "op-0087")

    async def check(self, scenario: str, about: str, query: str = CHECK, **changes: Any) -> Checked:
        """One check by the approval system whose scenario it is."""
        related = changes.pop("related", None)
        variables = {"lookup": lookup(about), "access": self.access(scenario, **changes), "related": related}
        return Checked(await self.ask(self.officer_of(scenario), query, variables))

    @property
    def folder(self) -> Path:
        """Where the departments' databases are."""
        return self.stage.deployment.settings.keys.parent

    @contextmanager
    def writing(self, name: str) -> Iterator[sqlite3.Connection]:
        """A department's own people at work in their database."""
        with closing(sqlite3.connect(self.folder / f"{name}.db")) as opened, opened:
            yield opened

    @contextmanager
    def penalty(self, about: str, **row: str) -> Iterator[None]:
        """A penalty of a person that stands within the block."""
        values = PENALTY | {"CF_XDR_MC": about, "CF_XDR_ZJHM": key(about).value} | row
        with self.writing("sgs") as sgs:
            places = ", ".join("?" for _ in values)
            sgs.execute(
                f"INSERT INTO t_xzcf_grr ({', '.join(values)}) VALUES ({places})", tuple(values.values())
            )
        yield
        with self.writing("sgs") as sgs:
            sgs.execute("DELETE FROM t_xzcf_grr WHERE ID = ?", (values["ID"],))

    async def on_consent(self, about: str, query: str = CHECK, **changes: Any) -> Checked:
        """One check by the bank, on a consent that the person has just given."""
        consent = await self.requested(about)
        await self.agreed(consent, about)
        variables = {
            "lookup": {"subjectRef": consent["subjectRef"]},
            "access": access(consent),
            **changes,
        }
        return Checked(await self.ask(self.bank(), query, variables))

    @asynccontextmanager
    async def with_scenario(self, code: str, **changes: Any) -> AsyncIterator[Office]:
        """The same county, of whose scenarios one says something else."""
        catalogue = self.stage.deployment.catalogue
        changed = {**catalogue.scenarios, code: catalogue.scenarios[code].model_copy(update=changes)}
        async with self.later(catalogue=catalogue.model_copy(update={"scenarios": changed})) as other:
            yield other

    @asynccontextmanager
    async def later(self, **services: Any) -> AsyncIterator[Office]:
        """The same county at another time: some of its services replaced, behind a server of its own."""
        deployment = replace(self.stage.deployment)
        deployment.__dict__["schema"] = self.stage.deployment.schema
        deployment.__dict__["services"] = replace(self.stage.deployment.services, **services)
        async with served(without_lifespan(create_app(deployment))) as url:
            yield Office(replace(self.stage, deployment=deployment, urls={"default": url}))


def lookup(about: str) -> dict[str, Any]:
    """How a subject is named in a check."""
    if about == YOUNG:
        return {"person": {"citizenId": "990101200706150084", "name": about}}
    subject = key(about)
    if subject.kind == "USCC":
        return {"uscc": subject.value}
    return {"person": {"citizenId": subject.value, "name": about}}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    folder: Path = tmp_path_factory.mktemp("checks")
    async with county_stage(folder, OVERLAY, "default") as stage:
        yield Office(stage)
