"""我的权利: objections, repair, statements and complaints, from the record or the read they are about.

A form holds the reference of a record, never a value of it; what is sent is found anew, live, and
filed only if the person has it in view.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from authz.cases.register import LONGEST_TEXT
from authz.cases.states import REASONS, Kind, Reason
from catalogue.model import Catalogue
from gateway.web.graph import Graph
from gateway.web.security import PageRefused
from gateway.web.texts import Words
from gateway.web.visit import Visit

PAGE: Final = 20
_CASES: Final = """
query MyCases($first: Int!, $after: String) { me { cases(first: $first, after: $after) {
  edges { node {
    id kind state recordType recordTypeName departmentName reason text evidence suspends filedAt dueOn
    events { act by at reasons }
  } }
  pageInfo { hasNextPage endCursor }
} } }
"""
_RESULT: Final = "{ ... on RightsCase { id } ... on CaseRefusal { code } }"
_WITHDRAW: Final = f"mutation WithdrawCase($id: ID!) {{ done: withdrawCase(id: $id) {_RESULT} }}"


@dataclass(frozen=True, slots=True)
class _Form:
    """One way to file: its mutation, its input type and its kind."""

    kind: Kind
    mutation: str
    input: str

    @property
    def document(self) -> str:
        return f"mutation File($input: {self.input}!) {{ done: {self.mutation}(input: $input) {_RESULT} }}"

    @property
    def reasons(self) -> list[Reason]:
        """What the person chooses from, in the order of the enum; none where there is only one."""
        allowed = REASONS[self.kind]
        return [reason for reason in Reason if reason in allowed] if len(allowed) > 1 else []


_FORMS: Final = {
    "objection": _Form(Kind.OBJECTION, "fileObjection", "ObjectionInput"),
    "repair": _Form(Kind.REPAIR, "requestRepair", "RepairInput"),
    "statement": _Form(Kind.STATEMENT, "addStatement", "StatementInput"),
    "complaint": _Form(Kind.COMPLAINT, "fileComplaint", "ComplaintInput"),
}


class Rights:
    """The views of a person's cases."""

    def __init__(self, graph: Graph, catalogue: Catalogue) -> None:
        self._graph = graph
        self._catalogue = catalogue

    async def listed(self, visit: Visit) -> Response:
        """GET /rights: everything the person filed, newest first."""
        after = visit.request.query_params.get("after") or None
        answer = await self._graph.ask(visit.request, visit.person(), _CASES, {"first": PAGE, "after": after})
        cases = answer.me["cases"]
        page = cases["pageInfo"]
        return visit.show(
            "rights.html",
            cases=[self._told(visit.words, edge["node"]) for edge in cases["edges"]],
            later=f"/rights?{urlencode({'after': page['endCursor']})}" if page["hasNextPage"] else None,
            first_page=after is None,
        )

    async def form(self, visit: Visit) -> Response:
        """GET /rights/{kind}/…: after a strong login, the form about one record or one read."""
        form = _form_of(visit)
        visit.person(strong=True)
        return self._form(visit, form, {}, None)

    async def file(self, visit: Visit) -> Response:
        """POST /rights/{kind}/…."""
        form = _form_of(visit)
        sent = {name: values[0] for name, values in (await visit.form()).items()}
        url = visit.request.url
        person = visit.person(strong=True, then=f"{url.path}?{url.query}" if url.query else url.path)
        about = {**visit.request.query_params, **visit.request.path_params}
        variables = {"input": _input(form, about, sent)}
        answer = await self._graph.ask(visit.request, person, form.document, variables)
        done = answer.data.get("done") or {}
        if "id" in done:
            return visit.go(f"/rights#{done['id']}")
        return self._form(visit, form, sent, str(done.get("code", "OTHER")))

    async def withdraw(self, visit: Visit) -> Response:
        """POST /rights/withdraw/{id}."""
        person = visit.person(then="/rights")
        await visit.form()
        variables = {"id": visit.request.path_params["id"]}
        answer = await self._graph.ask(visit.request, person, _WITHDRAW, variables)
        code = (answer.data.get("done") or {}).get("code")
        if code:
            unknown = code == "CASE_UNKNOWN"
            raise PageRefused(404 if unknown else 409, "not_found" if unknown else "state")
        return visit.go("/rights")

    def _form(self, visit: Visit, form: _Form, sent: Mapping[str, str], problem: str | None) -> Response:
        """The form, with what was written before where something was missing."""
        return visit.show(
            "rights_form.html",
            422 if problem else 200,
            kind=form.kind,
            entry=self._catalogue.record_types.get(visit.request.path_params.get("type", "")),
            reasons=form.reasons,
            sent=sent,
            problem=problem,
            longest=LONGEST_TEXT,
        )

    def _told(self, words: Words, case: Mapping[str, Any]) -> dict[str, Any]:
        entry = self._catalogue.record_types.get(case["recordType"] or "")
        return {**case, "type": words.of(entry.name) if entry else case["recordTypeName"]}


def _form_of(visit: Visit) -> _Form:
    """The form of an address: a complaint is about a read, everything else about a record."""
    given = visit.request.path_params
    form = _FORMS.get(given["kind"])
    if form is None or (form.kind is Kind.COMPLAINT) is not ("read" in given):
        raise PageRefused(404, "not_found")
    return form


def _input(form: _Form, about: Mapping[str, str], sent: Mapping[str, str]) -> dict[str, Any]:
    text = sent.get("text", "").replace("\r\n", "\n")
    if form.kind is Kind.COMPLAINT:
        return {"read": about["read"], "reason": _reason(form, sent), "text": text}
    record: dict[str, Any] = {"recordId": about["record"], "recordType": about["type"]}
    if about.get("of"):
        record["of"] = {"subjectRef": about["of"]}
    given = {"record": record, "text": text}
    if form.kind is Kind.STATEMENT:
        return given
    evidence = [line.strip() for line in sent.get("evidence", "").splitlines() if line.strip()]
    reason = {"reason": _reason(form, sent)} if form.reasons else {}
    return given | {"evidence": evidence} | reason


def _reason(form: _Form, sent: Mapping[str, str]) -> str:
    reason = sent.get("reason", "")
    if reason not in REASONS[form.kind]:
        raise PageRefused(400, "form_malformed")
    return reason
