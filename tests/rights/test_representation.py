"""A guardian and a legal representative see the records of whom they represent, and object to them."""

from __future__ import annotations

from typing import Any

import pytest

from catalogue.identifiers import SubjectKey
from tests.support.rights import COMPANY, OTHER, PERSON, Rights, named

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHILD = SubjectKey.person("99010120150101004X")
OF_CHILD = {"person": {"citizenId": CHILD.value, "name": "样例童"}}
OF_COMPANY = {"uscc": COMPANY}
_SECTION = "{ state records { recordId recordType status dispute { caseNo } } }"
THEIRS = f"""
query Theirs($of: SubjectLookup!) {{ represented(lookup: $of) {{ kind
  ... on NaturalPerson {{ identity {{ civilIdentity {_SECTION} }} }}
  ... on Enterprise {{ market {{ marketSeriousViolations {_SECTION} }}
    registration {{ marketEntityRegistration {{ records {{ legalRepresentative phone }} }} }} }}
}} }}
"""
LOG = "{ me { accessLog(first: 1) { edges { node { role basis purpose } } } } }"


async def theirs(rights: Rights, of: Any, name: str = PERSON) -> Any:
    return await rights.town.ask(rights.town.person(name), THEIRS, {"of": of})


@pytest.mark.parametrize(
    ("of", "domain", "section"),
    [
        (OF_CHILD, "identity", "civilIdentity"),
        (OF_COMPANY, "market", "marketSeriousViolations"),
    ],
)
async def test_who_represents_them_reads_and_objects(rights: Rights, of: Any, domain: str, section: str):
    async def record() -> dict[str, Any]:
        reply = await theirs(rights, of)
        assert reply.codes == []
        (found,) = reply.data["represented"][domain][section]["records"]
        return dict(found)

    seen = await record()
    assert seen["status"] == "ACTIVE"
    given = {"record": named(seen) | {"of": of}, "reason": "FACT_WRONG"}
    case = await rights.done(rights.town.person(), "fileObjection", given)
    assert (case["state"], case["suspends"]) == ("OPEN", True)
    marked = await record()
    assert (marked["status"], marked["dispute"]["caseNo"]) == ("DISPUTED", case["id"])
    taken = await rights.moved(rights.town.person(), f'withdrawCase(id: "{case["id"]}")')
    assert taken["state"] == "WITHDRAWN"


@pytest.mark.parametrize("of", [OF_CHILD, OF_COMPANY])
async def test_a_stranger_is_told_nothing_and_no_record_is_asked_for(rights: Rights, of: Any):
    reply = await theirs(rights, of, OTHER)
    nobody = {"person": {"citizenId": "990101201501010066", "name": "样例童"}}
    unknown = await theirs(rights, nobody if "person" in of else {"uscc": "91990100MA9TE009XP"}, OTHER)
    assert reply.codes == unknown.codes == ["SUBJECT_NOT_CONFIRMED"]
    assert reply.body == unknown.body
    asked = {question.record_type for question in reply.questions}
    assert asked == {question.record_type for question in unknown.questions} <= {"P-MZ-99", "E-SC-99"}
    officer = await rights.town.ask(rights.town.officer(), THEIRS, {"of": of})
    assert (officer.codes, officer.questions) == (["NOT_A_PERSON"], ())


async def test_the_wrong_name_of_ones_own_child_is_nobody(rights: Rights):
    reply = await theirs(rights, {"person": OF_CHILD["person"] | {"name": "样例乙"}})
    assert (reply.codes, reply.data) == (["SUBJECT_NOT_CONFIRMED"], {"represented": None})


async def test_the_child_sees_in_its_log_that_the_guardian_looked(rights: Rights):
    await theirs(rights, OF_CHILD)
    child = rights.town.stage.deployment.token("citizen-app", person=CHILD, step_up=True)
    reply = await rights.town.ask(child, LOG)
    (edge,) = reply.data["me"]["accessLog"]["edges"]
    assert edge["node"] == {"role": "PERSON", "basis": "SELF", "purpose": "监护人代为查询"}


async def test_two_are_not_represented_in_one_operation(rights: Rights):
    text = """query Two($a: SubjectLookup!, $b: SubjectLookup!) {
      a: represented(lookup: $a) { kind } b: represented(lookup: $b) { kind } }"""
    other = {"uscc": "92990100MA9TE00732"}
    reply = await rights.town.ask(rights.town.person(), text, {"a": OF_COMPANY, "b": other})
    assert (reply.codes, reply.questions) == (["ACCESS_CONTEXT_CONFLICT"], ())
