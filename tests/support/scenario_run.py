"""Asks one scenario over HTTP and compares everything it says with what happened."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from unittest.mock import patch
from zlib import crc32

import aiohttp
from sqlalchemy import func, select

from authz.actors import Actor, ActorKind
from authz.audit.tables import audit_leaf
from authz.consent.artefact import Confirmation
from authz.consent.token_scope import TYPE, of_token
from authz.consent.use import Claim
from authz.declarations import Declared, ReasonCode
from authz.grants import Consent, Grant, SelfAccess, Statutory
from catalogue.identifiers import KeyKind, SubjectKey
from tests.support.bank import presented
from tests.support.county import PHONE, TODAY, cast, personal_values
from tests.support.deployment import PERSON_CLIENT, Stage
from tests.support.recording import Question
from tests.support.scenarios import Access, Audited, Consented, HandedIn, Scenario, flat, scenarios

Leaf = dict[str, Any]
BANK = "sample-bank"
"""The partner that consents are given to."""


@dataclass(frozen=True)
class Answer:
    """What came of asking a scenario."""

    status: int
    body: bytes
    questions: tuple[Question, ...]
    leaves: tuple[Leaf, ...]
    variables: Mapping[str, Any]

    @property
    def content(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """Everything in the body, however it was escaped."""
        return json.dumps(self.content, ensure_ascii=False)

    @property
    def comparable(self) -> str:
        """The body without what differs between two askings of one question: ids and times."""
        content = self.content
        for source in content.get("extensions", {}).get("sources", ()):
            source["latencyMs"] = 0
        return json.dumps(content)


async def ask(stage: Stage, scenario: Scenario) -> Answer:
    """Ask one scenario, and first the one it comes after."""
    variables = await _variables(stage, scenario)
    questions, leaves = len(stage.ledger.questions), await _leaf_count(stage)
    token = _token(stage, scenario, variables)
    headers = presented(token, *stage.deployment.expected_proof) if token else {}
    body = {"query": scenario.query, "variables": variables}
    with await _first_lock(stage, scenario, variables):
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{stage.urls[scenario.locality]}/graphql", json=body, headers=headers) as response,
        ):
            content = await response.read()
    written = [leaf.event async for leaf in stage.deployment.audit.read(start=leaves)]
    asked = tuple(stage.ledger.questions[questions:])
    return Answer(response.status, content, asked, tuple(written), variables)


async def problems(stage: Stage, scenario: Scenario) -> list[str]:
    """Everything in which the deployment does not do what the scenario says."""
    answer = await ask(stage, scenario)
    found = [*_answer(scenario, answer), *_bytes(scenario, answer), *_sources(scenario, answer)]
    found += _audit(scenario, answer)
    if scenario.same_answer_as:
        found += _equal(answer, await ask(stage, scenarios()[scenario.same_answer_as]))
    return found


async def _variables(stage: Stage, scenario: Scenario) -> dict[str, Any]:
    variables = dict(scenario.variables)
    variables |= {name: variables[name] * times for name, times in scenario.repeat.items()}
    if scenario.about:
        key = cast()[scenario.about]
        person = {"person": {"citizenId": key.value, "name": scenario.about}}
        variables |= {"who": person if key.kind is KeyKind.CITIZEN_ID else {"uscc": key.value}}
        variables |= {"uscc": key.value}
    if isinstance(scenario.grant, Consented):
        variables["access"] = await _agreed(stage, scenario, scenario.grant)
    if isinstance(scenario.grant, Access):
        variables["access"] = scenario.grant.model_dump(by_alias=True, exclude_none=True)
    if scenario.after:
        before = (await ask(stage, scenarios()[scenario.after])).content["data"]
        variables |= {name: _at(before, path) for name, path in scenario.take.items()}
    return {name: value for name, value in variables.items() if f"${name}" in scenario.query}


REQUEST = """
mutation Ask($input: ConsentRequestInput!) {
  requestConsent(input: $input) {
    ... on Consent { id confirmationsNeeded notice { sha256 } }
    ... on ConsentRefusal { code message }
  }
}
"""
GIVE = "mutation Give($input: GiveConsentInput!) { giveConsent(input: $input) { __typename } }"


async def _agreed(stage: Stage, scenario: Scenario, consented: Consented) -> dict[str, Any]:
    """The access context of a consent that the bank asked for and the person gave."""
    assert scenario.about
    person = {"person": {"citizenId": cast()[scenario.about].value, "name": scenario.about}}
    request = {
        "subject": person,
        "scenario": consented.scenario,
        "reason": "LOAN_APPROVAL",
        "purpose": consented.purpose,
        "caseNo": consented.case_no,
        "items": [item.model_dump(by_alias=True, exclude_none=True) for item in consented.items],
        "validDays": 7,
        "dataLife": {"unit": "DAY", "value": 30},
    }
    asked = await _post(stage, scenario, stage.deployment.token(BANK), REQUEST, request)
    agreement = {
        "id": asked["id"],
        "confirmations": asked["confirmationsNeeded"],
        "noticeSha256": asked["notice"]["sha256"],
    }
    login = stage.deployment.token(PERSON_CLIENT, person=cast()[scenario.about], step_up=True)
    assert await _post(stage, scenario, login, GIVE, agreement) == {"__typename": "Consent"}
    return {
        "consentId": asked["id"],
        "scenario": consented.scenario,
        "caseNo": consented.case_no,
        "purpose": consented.purpose,
    }


async def _post(stage: Stage, scenario: Scenario, token: str, query: str, given: object) -> Any:
    """The one root field of a mutation."""
    body = {"query": query, "variables": {"input": given}}
    headers = presented(token, *stage.deployment.expected_proof)
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{stage.urls[scenario.locality]}/graphql", json=body, headers=headers) as response,
    ):
        (found,) = (await response.json(content_type=None))["data"].values()
        return found


def _at(node: Any, path: str) -> Any:
    for step in path.split("."):
        node = node[int(step)] if step.isdecimal() else node[step]
    return node


def _token(stage: Stage, scenario: Scenario, variables: Mapping[str, Any]) -> str | None:
    actor = scenario.actor
    if actor.person:
        return stage.deployment.token(PERSON_CLIENT, person=cast()[actor.person], step_up=actor.step_up)
    officer = actor.operator or f"op-{crc32(scenario.name.encode()):08x}"
    reach = variables.get("access", {}).get("consentId", "") if actor.client == BANK else ""
    return stage.deployment.token(actor.client, officer, consent_id=reach) if actor.client else None


async def _leaf_count(stage: Stage) -> int:
    async with stage.deployment.store.reading() as connection:
        return int((await connection.execute(select(func.count()).select_from(audit_leaf))).scalar_one())


async def _first_lock(
    stage: Stage, scenario: Scenario, variables: Mapping[str, Any]
) -> AbstractContextManager[object]:
    """Takes the check before execution away, so that the policy alone stands in the way."""
    if scenario.handed_in is None:
        return nullcontext()
    if scenario.handed_in.consent:
        opened = ExitStack()
        spoiled = await _spoiled(stage, scenario.handed_in.consent, variables["access"])
        opened.enter_context(patch("resolvers.execution.grant_of", lambda *_: spoiled))
        opened.enter_context(patch("resolvers.reading.require_subject", _anybody))
        return opened
    grant = _grant(stage, scenario.handed_in, scenario.grant)
    return patch("resolvers.execution.grant_of", lambda *_: grant)


async def _anybody(*_: object) -> None:
    """In place of the check of whom a consent is about."""


async def _spoiled(stage: Stage, what: str, access: Mapping[str, Any]) -> Consent:
    """A consent grant that should never have been made."""
    claim = Claim(access["consentId"], access["scenario"], access["caseNo"], access["purpose"], None)
    reach = of_token([{"type": TYPE, "consentId": claim.consent_id}])
    actor = Actor(ActorKind.PARTNER, BANK, consent=reach)
    grant = await stage.deployment.consent_use.grant(actor, claim)
    artefact = grant.artefact
    confirmed = tuple(one for one in artefact.notice.items_confirmed if one is not Confirmation.SENSITIVE)
    notice = artefact.notice.model_copy(update={"items_confirmed": confirmed})
    changes: dict[str, dict[str, Any]] = {
        "other-client": {"actor": Actor(ActorKind.PARTNER, "other-bank")},
        "other-subject": {"subject": SubjectKey.person("990101196307080059")},
        "run-out": {"granted_at": artefact.validity.until},
        "not-sensitive": {"artefact": artefact.model_copy(update={"notice": notice})},
        "other-type": {"items": {}},
    }
    return replace(grant, **changes[what])


def _grant(stage: Stage, handed: HandedIn, access: object) -> Grant:
    if handed.self_of:
        subject = cast()[handed.self_of]
        return SelfAccess(Actor(ActorKind.PERSON, PERSON_CLIENT, subject=subject), subject)
    mandates = stage.deployment.mandates.mandates
    mandate = next(mandate for mandate in mandates if mandate.id == handed.mandate)
    until = date.fromisoformat(handed.valid_until) if handed.valid_until else mandate.valid_until
    assert isinstance(access, Access)
    officer = f"op-{handed.mandate}"
    actor = Actor(ActorKind.OFFICER, "sample-office", organization=mandate.authority, operator=officer)
    changed = replace(mandate, valid_until=until, stopped=handed.stopped)
    told = Declared(ReasonCode.QUALIFICATION_REVIEW)
    return Statutory(actor, changed, str(access.case_no), access.purpose, granted_on=TODAY, declared=told)


def _answer(scenario: Scenario, answer: Answer) -> Iterator[str]:
    if answer.status != scenario.status:
        yield f"status {answer.status}, expected {scenario.status}: {answer.text[:400]}"
    if scenario.expected is not None:
        yield from _difference(scenario.expected, answer.content.get("data"), "data")
    seen = Counter(
        (error["extensions"]["code"], _dotted(error)) for error in answer.content.get("errors", ())
    )
    stated = Counter((error.code, error.path) for error in scenario.errors)
    if seen != stated:
        yield f"errors {sorted(seen.elements(), key=str)}, expected {sorted(stated.elements(), key=str)}"
    told = answer.content.get("extensions", {}).get("authorization", {})
    for what, paths in (("denied", scenario.denied), ("masked", scenario.masked)):
        if (found := set(told.get(what, ()))) != (expected := flat(paths)):
            yield f"{what}: unexpectedly {sorted(found - expected)}, missing {sorted(expected - found)}"


def _dotted(error: Mapping[str, Any]) -> str | None:
    return ".".join(map(str, error["path"])) if "path" in error else None


def _difference(expected: Any, found: Any, place: str) -> Iterator[str]:
    """Where the answer is not what is written; mappings may hold more than is written."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for name, value in expected.items():
            if name not in found:
                yield f"{place}.{name} is missing"
            else:
                yield from _difference(value, found[name], f"{place}.{name}")
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            yield f"{place} has {len(found)} items, expected {len(expected)}: {found}"
        for index, (one, other) in enumerate(zip(expected, found, strict=False)):
            yield from _difference(one, other, f"{place}.{index}")
    elif expected != found:
        yield f"{place} is {found!r}, expected {expected!r}"


def _bytes(scenario: Scenario, answer: Answer) -> Iterator[str]:
    guarded = {*personal_values(), PHONE} - set(scenario.may_appear) | set(scenario.must_not_appear)
    yield from (f"the answer holds {value}" for value in sorted(guarded) if value in answer.text)


def _sources(scenario: Scenario, answer: Answer) -> Iterator[str]:
    if scenario.source_saw is not None:
        yield from _saw(scenario.source_saw, answer.questions)
    for stated in scenario.never_asked:
        source, _, part = stated.partition(".")
        for one in answer.questions:
            if one.source == source and (not part or part == one.record_type or part in one.columns):
                yield f"{stated} was asked: {one.sent}"


def _saw(stated: Mapping[str, Mapping[str, list[str] | int]], questions: Iterable[Question]) -> Iterator[str]:
    seen: dict[tuple[str, str], list[Question]] = {}
    for one in questions:
        seen.setdefault((one.source, one.record_type), []).append(one)
    expected = {(source, code): what for source, types in stated.items() for code, what in types.items()}
    if seen.keys() != expected.keys():
        yield f"sources asked: {sorted(seen)}, expected {sorted(expected)}"
    for place in seen.keys() & expected.keys():
        what = expected[place]
        columns = sorted(frozenset().union(*(one.columns for one in seen[place])))
        found = len(seen[place]) if isinstance(what, int) else columns
        if found != (what if isinstance(what, int) else sorted(what)):
            yield f"{' '.join(place)} saw {found}, expected {what}"


def _audit(scenario: Scenario, answer: Answer) -> Iterator[str]:
    stated = scenario.audit or _usual_audit(scenario)
    leaves = answer.leaves
    phases = [leaf["phase"] for leaf in leaves]
    if stated.nothing or stated.denied:
        expected = [] if stated.nothing else ["DENIAL"]
        if phases != expected:
            yield f"audit holds {phases}, expected {expected}"
        elif stated.denied and leaves[0]["codes"] != [stated.denied]:
            yield f"audit holds the refusal {leaves[0]['codes']}, expected {stated.denied}"
    elif phases.count("INTENT") != stated.times or phases.count("OUTCOME") != stated.times:
        yield f"audit holds {phases}, expected {stated.times} intents and outcomes"
    else:
        yield from _intent(scenario, stated, leaves[0])
        yield from _outcome(stated, leaves[-1])
    written = json.dumps(leaves, ensure_ascii=False)
    guarded = {*personal_values(), PHONE, *scenario.must_not_appear}
    yield from (f"the audit holds {value}" for value in sorted(guarded) if value in written)


def _usual_audit(scenario: Scenario) -> Audited:
    """Public reads are counted; every other one has its two leaves."""
    return Audited(nothing=scenario.grant == "public" or scenario.status != 200)


def _intent(scenario: Scenario, stated: Audited, leaf: Leaf) -> Iterator[str]:
    basis = leaf["authorization"]
    if isinstance(scenario.grant, Access):
        access = scenario.grant
        said = (basis.get("scenarioCode"), basis.get("caseNo"), basis["purposeText"])
        if said != (access.scenario, access.case_no, access.purpose):
            yield f"audit holds the basis {said}"
    elif isinstance(scenario.grant, Consented):
        consented = scenario.grant
        said = (basis.get("scenarioCode"), basis.get("caseNo"), basis["purposeText"])
        if said != (consented.scenario, consented.case_no, consented.purpose) or "consentId" not in basis:
            yield f"audit holds the basis {said}"
    elif basis["basis"] != "SELF":
        yield f"audit holds the basis {basis['basis']}"
    visibility = leaf["visibility"]
    if visibility.get("delayBasisId") != stated.told_later or ("delayUntil" in visibility) != bool(
        stated.told_later
    ):
        yield f"audit holds {visibility}"
    for key, expected in (("fields", stated.fields), ("maskedFields", stated.masked)):
        found = {read["recordType"]: read[key] for read in leaf["entity"] if read[key] or key == "fields"}
        if expected is not None and found != {code: sorted(names) for code, names in expected.items()}:
            yield f"audit holds {key} {found}"


def _outcome(stated: Audited, leaf: Leaf) -> Iterator[str]:
    if leaf["result"] != stated.result or leaf["codes"] != stated.codes:
        yield f"audit holds {leaf['result']} {leaf['codes']}, expected {stated.result} {stated.codes}"
    if stated.suppressed is not None and leaf["suppressed"] != stated.suppressed:
        yield f"audit holds {leaf['suppressed']} suppressed, expected {stated.suppressed}"
    returned = {read["recordType"]: read["returned"] for read in leaf["entity"]}
    if stated.returned is not None and returned != stated.returned:
        yield f"audit holds returned {returned}"


def _equal(one: Answer, other: Answer) -> Iterator[str]:
    if one.comparable != other.comparable:
        yield f"the answers differ: {one.text} and {other.text}"
    if one.questions != other.questions:
        yield "the sources were asked different questions"
