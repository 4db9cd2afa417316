"""我的授权: whom the person allowed to look, and the way to take it back (PIPL 15)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from catalogue.model import Catalogue
from gateway.web.graph import Graph
from gateway.web.security import PageRefused
from gateway.web.texts import Words
from gateway.web.visit import Visit

PAGE: Final = 10
_CONSENT: Final = """
fragment Told on Consent {
  id state grantee { name uscc contact } scenario scenarioName purpose caseNo
  items { recordType recordTypeName departmentName fields fieldNames level sensitive from to }
  mode frequency { unit value } maxUses uses lastUsedAt dataLife { unit value }
  validFrom validUntil requestedAt answerBy refusalConsequence events { act by at } receipt
}
"""
_MINE: Final = """
query MyConsents($first: Int!, $after: String) {
  me { consents(first: $first, after: $after) {
    edges { node {
      id state grantee { name } scenario scenarioName purpose maxUses uses validFrom validUntil answerBy
    } }
    pageInfo { hasNextPage endCursor }
  } }
}
"""
_ONE: Final = "query MyConsent($id: ID!) { consent(id: $id) { ...Told } }" + _CONSENT
_ACTS: Final = {"pause": "pauseConsent", "resume": "resumeConsent", "revoke": "revokeConsent"}
_CHANGE: Final = """
mutation ChangeConsent($id: ID!) { changed: %s(id: $id) {
  ... on Consent { state } ... on ConsentRefusal { code }
} }
"""


class Consents:
    """The views of a person's consents."""

    def __init__(self, graph: Graph, catalogue: Catalogue) -> None:
        self._graph = graph
        self._catalogue = catalogue

    async def listed(self, visit: Visit) -> Response:
        """GET /consents: everything anybody asked of the person, newest first."""
        after = visit.request.query_params.get("after") or None
        variables = {"first": PAGE, "after": after}
        answer = await self._graph.ask(visit.request, visit.person(), _MINE, variables)
        consents = answer.me["consents"]
        page = consents["pageInfo"]
        return visit.show(
            "consents.html",
            consents=[self._told(visit.words, edge["node"]) for edge in consents["edges"]],
            later=f"/consents?{urlencode({'after': page['endCursor']})}" if page["hasNextPage"] else None,
            first_page=after is None,
        )

    async def one(self, visit: Visit) -> Response:
        """GET /consents/{id}: one consent in full, with its history and its receipt."""
        variables = {"id": visit.request.path_params["id"]}
        answer = await self._graph.ask(visit.request, visit.person(), _ONE, variables)
        if answer.data["consent"] is None:
            raise PageRefused(404, "not_found")
        return visit.show("consent.html", consent=self._told(visit.words, answer.data["consent"]))

    async def change(self, visit: Visit) -> Response:
        """POST /consents/{id}/{act}: pause, resume (after a strong login) or revoke."""
        consent_id, act = visit.request.path_params["id"], visit.request.path_params["act"]
        person = visit.person(strong=act == "resume", then=f"/consents/{consent_id}")
        await visit.form()
        if act not in _ACTS:
            raise PageRefused(404, "not_found")
        variables = {"id": consent_id}
        answer = await self._graph.ask(visit.request, person, _CHANGE % _ACTS[act], variables)
        code = answer.data["changed"].get("code")
        if code:
            raise PageRefused(
                404 if code == "UNKNOWN" else 409, "not_found" if code == "UNKNOWN" else "state"
            )
        return visit.go(f"/consents/{consent_id}")

    def _told(self, words: Words, consent: Mapping[str, Any]) -> dict[str, Any]:
        """The consent with its types and fields named in the page's language."""
        scenario = self._catalogue.scenarios.get(consent["scenario"])
        return {
            **consent,
            "matter": words.of(scenario.name) if scenario else consent["scenarioName"],
            "items": [self._item(words, item) for item in consent.get("items", ())],
        }

    def _item(self, words: Words, item: Mapping[str, Any]) -> dict[str, Any]:
        entry = self._catalogue.record_types.get(item["recordType"])
        known = entry.field_by_name if entry else {}
        names = [
            words.of(known[name].label) if name in known else told
            for name, told in zip(item["fields"], item["fieldNames"], strict=True)
        ]
        return {**item, "type": words.of(entry.name) if entry else item["recordTypeName"], "names": names}
