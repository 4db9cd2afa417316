"""What tests ask the running county, and how they compare its answers."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import yaml

from catalogue.identifiers import SubjectKind
from catalogue.strict_yaml import StrictLoader
from tests.support.county import COUNTY, cast
from tests.support.processes import Reply, Server, eventually
from tests.support.questions import about_me, sections

PERSON: Final = cast()["测试甲"]
"""Has records in all eight departments."""
FIRM: Final = cast()["测试有限公司"]
ANSWERED: Final = ("OK", "PARTIAL")


@cache
def served_by(*sources: str) -> frozenset[str]:
    """Record types that the manifests of these departments describe."""
    files = (COUNTY / "sources" / f"{name}.yaml" for name in sources)
    contents = (yaml.load(file.read_text("utf-8"), StrictLoader) for file in files)
    return frozenset(code for content in contents for code in content["records"])


async def mine(server: Server) -> Reply:
    """Everything about PERSON, asked by that person."""
    reply = await server.ask(about_me(), token=server.home.token("citizen-app", PERSON))
    assert reply.status == 200, reply.codes
    return reply


def my_sections(reply: Reply) -> dict[str, dict[str, Any]]:
    """Sections by the code of their record type."""
    return sections(SubjectKind.NATURAL_PERSON, reply.data["me"]["person"])


def faults(reply: Reply) -> dict[str, dict[str, Any]]:
    """The extensions of each error, by the path of what it stands for."""
    found = {".".join(map(str, error["path"])): error["extensions"] for error in reply.errors}
    assert len(found) == len(reply.errors)
    return found


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """Keys whose values differ; neither side may have a key of its own."""
    assert before.keys() == after.keys()
    return {key for key in before if before[key] != after[key]}


async def back_to(server: Server, whole: Reply) -> None:
    """Wait until the answer is the one from before: the breaker lets the source be asked again."""

    async def same() -> bool:
        again = await mine(server)
        return bool(again.data == whole.data and faults(again) == faults(whole))

    await eventually(same)


def only_changed(whole: Reply, broken: Reply, types: frozenset[str], source: str, **expected: Any) -> None:
    """`types` are unanswered because of `source`, for these reasons; everything else is as it was."""
    before, after = my_sections(whole), my_sections(broken)
    theirs = types & before.keys()
    assert changed(before, after) == theirs
    assert all(before[code]["state"] == "OK" and before[code]["records"] for code in theirs)
    for code in theirs:
        assert after[code]["state"] == expected["state"]
        assert after[code]["reason"] in expected["reasons"], after[code]
        assert after[code]["records"] is None
    new = {path: fault for path, fault in faults(broken).items() if path not in faults(whole)}
    assert len(new) == len(theirs)
    assert all(path.startswith("me.person.") and path.endswith(".records") for path in new)
    for fault in new.values():
        assert fault["reason"] in expected["reasons"], fault
        told = {key: fault[key] for key in ("code", "source", "retryable")}
        assert told == {"code": expected["code"], "source": source, "retryable": expected["retryable"]}
    assert {path: faults(broken)[path] for path in faults(whole)} == faults(whole)
    states = broken.sources
    assert expected["state"] in states[source]
    assert {name for name, state in states.items() if state != {"OK"}} == {source}
