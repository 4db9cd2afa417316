"""`me { export }`: everything of one's own, signed, through the audited path, and for nobody else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from unittest.mock import patch

import aiohttp
import pytest
from joserfc.errors import BadSignatureError

from connectors.errors import SourceUnavailable
from tests.consent.conftest import Town
from tests.support.county import cast

pytestmark = pytest.mark.asyncio(loop_scope="session")

EXPORT = "query E { me { export { jws exportedAt complete } } }"
READ = """{
  me { person { displayName judicial { judgmentDefaults { state records { caseNo obligation } } } } }
}"""
LOG = "{ me { accessLog(first: 1) { edges { node { basis result records { recordType fields } } } } } }"
PAGE = Path(__file__).parents[2] / "docs" / "export.md"


def opened(document: str, published: dict[str, Any]) -> dict[str, Any]:
    """By the lines that the page tells third parties to use."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    content: dict[str, Any] = json.loads(names["opened"](document, published))
    return content


async def published(town: Town) -> dict[str, Any]:
    address = f"{town.stage.urls['default']}/.well-known/consent-jwks.json"
    async with aiohttp.ClientSession() as session, session.get(address) as response:
        keys: dict[str, Any] = await response.json()
    return keys


async def exported(town: Town, name: str) -> Any:
    reply = await town.ask(town.person(name), EXPORT)
    assert reply.codes == []
    return reply.data["me"]["export"]


async def test_everything_of_oneself_is_signed_and_as_one_reads_it(town: Town):
    export = await exported(town, "测试甲")
    content = opened(export["jws"], await published(town))
    assert export["complete"] is True
    assert content["exportedAt"] == export["exportedAt"]
    person = content["person"]
    read = (await town.ask(town.person("测试甲"), READ)).data["me"]["person"]
    assert person["displayName"] == read["displayName"] == "测试甲"
    judgments = person["judicial"]["judgmentDefaults"]["records"]
    told = read["judicial"]["judgmentDefaults"]["records"]
    for name in ("caseNo", "obligation"):
        assert [one[name] for one in judgments] == [one[name] for one in told]
    assert person["identity"]["civilIdentity"]["records"][0]["citizenId"] == cast()["测试甲"].value
    asked = {(source["source"], source["recordType"]) for source in content["sources"]}
    persons = town.stage.deployment.catalogue.record_types.values()
    assert {code for _, code in asked} >= {
        entry.code for entry in persons if entry.about_persons and entry.tier == "CORE" and not entry.pointer
    }


async def test_the_export_is_one_read_that_the_person_sees(town: Town):
    start = len(await town.leaves())
    await exported(town, "欧阳样例")
    phases = [leaf["phase"] for leaf in (await town.leaves())[start:]]
    assert phases == ["INTENT", "OUTCOME"]
    (edge,) = (await town.ask(town.person("欧阳样例"), LOG)).data["me"]["accessLog"]["edges"]
    assert edge["node"]["basis"] == "SELF"
    assert {"P-FY-01", "P-GA-01"} <= {one["recordType"] for one in edge["node"]["records"]}


async def test_without_a_strong_login_nothing_is_asked(town: Town):
    reply = await town.ask(town.person("样例乙", step_up=False), EXPORT)
    assert (reply.codes, reply.questions, reply.data) == (["STEP_UP_REQUIRED"], (), {"me": None})
    for token in (town.bank(), town.officer(), None):
        refused = await town.ask(token, EXPORT)
        assert (refused.codes, refused.questions) == (["NOT_A_PERSON"], ())


async def test_a_department_that_is_down_is_named_and_never_looks_clean(town: Town):
    court = town.stage.deployment.sources["court"]

    async def down(_: Any) -> Any:
        raise SourceUnavailable("court", "CONNECT")

    with patch.object(court, "fetch", down):
        export = await exported(town, "修复样例")
    content = opened(export["jws"], await published(town))
    assert export["complete"] is False
    section = content["person"]["judicial"]["judgmentDefaults"]
    assert (section["state"], section["records"]) == ("UNAVAILABLE", None)


async def test_an_altered_export_and_other_signatures_are_refused(town: Town):
    document = (await exported(town, "买买提·样例"))["jws"]
    keys = await published(town)
    head, body, signature = document.split(".")
    swapped = f"{head}.{body[:-4]}AAAA.{signature}"
    with pytest.raises(BadSignatureError):
        opened(swapped, keys)
    receipt = (await town.given())["receipt"]
    with pytest.raises(ValueError, match="something else"):
        opened(receipt, keys)
