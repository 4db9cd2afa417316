"""A county in which people use their rights: what they file, who decides, and every channel that looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from authz import outbox
from authz.outbox import Notice, Recipient
from tests.consent.conftest import Town, access, person_lookup
from tests.support.county import cast
from tests.support.declared import DECLARED

PERSON: Final = "测试甲"
"""The legal representative of COMPANY too."""
OTHER: Final = "样例乙"
COMPANY: Final = "91990100MA9TE00142"
_CASE: Final = """
fragment C on CaseResult {
  ... on RightsCase {
    id kind state recordType departmentName recordId reason text evidence suspends dueOn
    events { act state by reasons operator } sourceSystem sourceKey auditEvent
  }
  ... on CaseRefusal { refused: code message }
}
"""
_RECORD: Final = """
  recordId recordType status dispute { since caseNo } repair { state on } subjectStatement
"""
MINE: Final = f"""
query Mine {{ me {{ person {{ judicial {{
  judgmentDefaults {{ state records {{ {_RECORD} caseNo }} }}
  consumptionRestrictionOrders {{ state records {{ {_RECORD} }} }}
}} }} }} }}
"""
OF_CASE: Final = f"""
query Officer($who: SubjectLookup!, $access: AccessContext!) {{
  subject(lookup: $who, access: $access) {{ ... on NaturalPerson {{
    judicial {{ judgmentDefaults {{ state present records {{ {_RECORD} }} }} }}
  }} }}
}}
"""
LISTED: Final = f"""
query Public($uscc: String!) {{ enterprise(uscc: $uscc) {{ market {{
  marketSeriousViolations {{ state records {{ {_RECORD} documentNo }} }}
}} }} }}
"""
S04: Final = {"scenario": "S04", "caseNo": "RSKS-2026-0001", "purpose": "事业单位公开招聘考察", **DECLARED}


@dataclass(frozen=True)
class Rights:
    """What parties of a town do about records."""

    town: Town

    def steward(self, client: str = "court-steward", operator: str = "op-0201") -> str:
        return self.town.stage.deployment.token(client, operator)

    async def done(self, token: str, name: str, given: Mapping[str, Any]) -> Any:
        """What a mutation with one `input` came to."""
        kind = {
            "fileObjection": "ObjectionInput",
            "requestRepair": "RepairInput",
            "addStatement": "StatementInput",
            "fileComplaint": "ComplaintInput",
            "decideCase": "DecideCaseInput",
        }[name]
        text = f"mutation M($input: {kind}!) {{ {name}(input: $input) {{ ...C }} }} {_CASE}"
        reply = await self.town.ask(token, text, {"input": given})
        return reply.result if reply.data and reply.result else reply.codes

    async def moved(self, token: str, call: str) -> Any:
        """What a mutation with plain arguments came to."""
        reply = await self.town.ask(token, f"mutation M {{ {call} {{ ...C }} }} {_CASE}")
        return reply.result if reply.data and reply.result else reply.codes

    async def decided(self, case: Mapping[str, Any], outcome: str, token: str = "", **more: Any) -> Any:
        given = {"id": case["id"], "outcome": outcome, "reasons": "经核查，情况属实。"}
        return await self.done(
            token or self.steward(), "decideCase", given | {"noConflictOfInterest": True} | more
        )

    async def objected(self, record: Mapping[str, Any], name: str = PERSON, **more: Any) -> Any:
        given = {"record": named(record), "reason": "FACT_WRONG", "text": "款项已经付清。"}
        return await self.done(self.town.person(name), "fileObjection", given | more)

    async def mine(self, name: str = PERSON, section: str = "judgmentDefaults") -> list[dict[str, Any]]:
        reply = await self.town.ask(self.town.person(name), MINE)
        assert reply.codes == []
        found = reply.data["me"]["person"]["judicial"][section]
        assert found["state"] == "OK"
        return list(found["records"])

    async def officers(self, name: str = PERSON) -> list[dict[str, Any]]:
        variables = {"who": person_lookup(name), "access": S04}
        reply = await self.town.ask(self.town.officer(), OF_CASE, variables)
        assert reply.codes == []
        return list(reply.data["subject"]["judicial"]["judgmentDefaults"]["records"])

    async def banks(self, consent: Mapping[str, Any]) -> list[dict[str, Any]]:
        variables = {"who": person_lookup(PERSON), "access": access(consent)}
        reply = await self.town.ask(self.town.bank(), OF_CASE, variables)
        assert reply.codes == []
        return list(reply.data["subject"]["judicial"]["judgmentDefaults"]["records"])

    async def public(self, token: str | None = None) -> list[dict[str, Any]]:
        reply = await self.town.ask(token, LISTED, {"uscc": COMPANY})
        assert reply.codes == []
        return list(reply.data["enterprise"]["market"]["marketSeriousViolations"]["records"])

    async def cases(self, name: str = PERSON) -> list[dict[str, Any]]:
        text = f"{{ me {{ cases(first: 50) {{ edges {{ node {{ ...C }} }} }} }} }} {_CASE}".replace(
            "on CaseResult", "on RightsCase"
        ).replace("... on CaseRefusal { refused: code message }", "")
        reply = await self.town.ask(self.town.person(name, step_up=False), text)
        assert reply.codes == []
        return [edge["node"] for edge in reply.data["me"]["cases"]["edges"]]

    async def told(self, to: Recipient) -> list[Notice]:
        async with self.town.stage.deployment.store.reading() as connection:
            return await outbox.after(connection, 0, [to])


def named(record: Mapping[str, Any]) -> dict[str, Any]:
    return {"recordId": record["recordId"], "recordType": record["recordType"]}


def key(name: str) -> str:
    return cast()[name].value
