"""A request for consent in front of the person: read, tick, agree to all or to less, or refuse.

A request comes either through the graph (`/consents/{id}/decide`) or through the authorization
server (`/consent-requests/{handle}`), whose answer leads the browser back to the client. What
is shown and what is done is the same, by `ConsentDialogue`. Nothing is ticked beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from starlette.responses import RedirectResponse, Response

from authz.consent.artefact import Confirmation
from authz.consent.dialogue import Asked, ConsentDialogue
from authz.consent.notice import Notice
from authz.consent.notice_words import Language
from authz.consent.rules import Code, ConsentRefused
from authz.consent.states import State
from authz.sessions import Login
from gateway.oauth.authorizations import Authorizations, OAuthError, PendingAuthorization
from gateway.replies import request_id_of
from gateway.web.security import PageRefused
from gateway.web.visit import Visit

_FIELD: Final = "tick"
"""Name of the boxes of fields; a value is `<record type>` or `<record type> <field>`."""
_LANGUAGES: Final = {"zh": Language.CHINESE, "en": Language.ENGLISH}
_AGAIN: Final = {Code.CONFIRMATION: "confirm", Code.SHAPE: "tick", Code.NOTICE: "notice"}
"""Refusals that the person can do something about on the same page."""
Form = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Decisions:
    """The views of a decision; without an authorization server there is only the graph's kind."""

    dialogue: ConsentDialogue
    authorizations: Authorizations | None

    async def consider(self, visit: Visit) -> Response:
        """GET /consents/{id}/decide."""
        asked = await self._asked(visit, visit.request.path_params["id"])
        return self._page(visit, asked, {}, None)

    async def decide(self, visit: Visit) -> Response:
        """POST /consents/{id}/decide."""
        consent_id = visit.request.path_params["id"]
        asked = await self._asked(visit, consent_id)
        form = await visit.form()
        if _answer(form) == "refuse":
            await self._reject(visit, consent_id)
        elif problem := await self._give(visit, asked, form):
            return self._page(visit, asked, form, problem)
        return visit.go(f"/consents/{consent_id}")

    async def pending(self, visit: Visit) -> Response:
        """GET /consent-requests/{handle}: what a client asks for, to whoever has logged in."""
        waiting = await self._waiting(visit)
        if waiting.details is None:
            visit.person()
            return visit.show("app.html", waiting=waiting, form_targets=(_origin(waiting.redirect_uri),))
        visit.person(strong=True)
        asked = await self._asked(visit, await self._asked_once(visit, waiting))
        return self._page(visit, asked, {}, None, waiting)

    async def answer(self, visit: Visit) -> Response:
        """POST /consent-requests/{handle}: decided; the browser goes back to the client."""
        waiting = await self._waiting(visit)
        if waiting.details is None:
            visit.person()
            form, consent_id = await visit.form(), None
        else:
            visit.person(strong=True, then=visit.request.url.path)
            form, consent_id = await visit.form(), await self._asked_once(visit, waiting)
        if _answer(form) == "refuse":
            if consent_id is not None:
                await self._reject(visit, consent_id)
            return _leave(await self._server.refuse(waiting.handle))
        if consent_id is not None:
            asked = await self._asked(visit, consent_id)
            if problem := await self._give(visit, asked, form):
                return self._page(visit, asked, form, problem, waiting)
        return _leave(await self._grant(visit, waiting, consent_id))

    @property
    def _server(self) -> Authorizations:
        if self.authorizations is None:
            raise PageRefused(404, "not_found")
        return self.authorizations

    async def _waiting(self, visit: Visit) -> PendingAuthorization:
        try:
            return await self._server.pending(visit.request.path_params["handle"])
        except OAuthError:
            raise PageRefused(404, "request_gone") from None

    async def _grant(self, visit: Visit, waiting: PendingAuthorization, consent_id: str | None) -> str:
        person, session = visit.person(), visit.session
        if person.subject is None or session is None:
            raise PageRefused(403, "forged")
        login = Login(person.subject, session.strong, session.authenticated_at)
        try:
            return await self._server.grant(waiting.handle, login, consent_id)
        except OAuthError:
            raise PageRefused(404, "request_gone") from None

    async def _asked_once(self, visit: Visit, waiting: PendingAuthorization) -> str:
        """The consent that this request became for this person; reloading a page asks nothing new."""
        session = visit.session
        if session is None:
            raise PageRefused(403, "forged")
        known = session.state.get("asked", {})
        if waiting.handle not in known:
            person, request_id = visit.person(), request_id_of(visit.request.scope)
            try:
                asked = await self.dialogue.ask(waiting.client.client_id, waiting.details, person, request_id)
            except ConsentRefused as refused:
                if refused.code is Code.QUOTA:
                    back = await self._server.refuse(waiting.handle, "temporarily_unavailable")
                    raise PageRefused(429, "asked_too_often", client_address=back) from None
                raise _refused(refused) from None
            known = {**known, waiting.handle: asked.consent_id}
            await visit.desk.sessions.remember(session, {**session.state, "asked": known})
        return str(known[waiting.handle])

    async def _asked(self, visit: Visit, consent_id: str) -> Asked:
        try:
            asked = await self.dialogue.shown(visit.person(), consent_id, _LANGUAGES[visit.words.language])
        except ConsentRefused as refused:
            raise _refused(refused) from None
        if asked.state is not State.REQUESTED:
            raise PageRefused(409, "state")
        return asked

    async def _reject(self, visit: Visit, consent_id: str) -> None:
        try:
            await self.dialogue.reject(visit.person(), consent_id, request_id_of(visit.request.scope))
        except ConsentRefused as refused:
            raise _refused(refused) from None

    async def _give(self, visit: Visit, asked: Asked, form: Form) -> str | None:
        """Agree to what was ticked; what is missing, if something is."""
        ticked = _ticked(asked.notice, form)
        if not ticked:
            return "tick"
        try:
            await self.dialogue.give(
                visit.person(strong=True, then=_here(visit)),
                asked.consent_id,
                ticked=ticked,
                confirmed=[each for each in Confirmation if each in form.get("confirm", ())],
                notice_sha256=form.get("notice", [""])[0],
                request_id=request_id_of(visit.request.scope),
            )
        except ConsentRefused as refused:
            if refused.code in _AGAIN:
                return _AGAIN[refused.code]
            raise _refused(refused) from None
        return None

    def _page(
        self,
        visit: Visit,
        asked: Asked,
        form: Form,
        problem: str | None,
        waiting: PendingAuthorization | None = None,
    ) -> Response:
        """The request, with what was ticked before where something was missing."""
        return visit.show(
            "decide.html",
            422 if problem else 200,
            (_origin(waiting.redirect_uri),) if waiting else (),
            asked=asked,
            notice=asked.notice,
            ticked=frozenset(form.get(_FIELD, ())),
            confirmed=frozenset(form.get("confirm", ())),
            problem=problem,
            strong=visit.person().step_up,
        )


def _ticked(notice: Notice, form: Form) -> dict[str, list[str]]:
    """Fields by record type, as ticked; a type without fields is ticked by itself."""
    boxes = set(form.get(_FIELD, ()))
    found: dict[str, list[str]] = {}
    for item in notice.items:
        named = [field.name for field in item.fields if f"{item.record_type} {field.name}" in boxes]
        if named or (not item.fields and item.record_type in boxes):
            found[item.record_type] = named
    return found


def _answer(form: Form) -> str:
    answer = form.get("answer", [""])[0]
    if answer not in ("give", "refuse"):
        raise PageRefused(400, "form_malformed")
    return answer


def _here(visit: Visit) -> str:
    return visit.request.url.path


def _leave(address: str) -> Response:
    """Back to the client; nothing of the page goes along."""
    return RedirectResponse(address, 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})


def _origin(address: str) -> str:
    """Where the form leads on to, as a CSP source; an app's own scheme stands alone."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else f"{parts.scheme}:"


def _refused(refused: ConsentRefused) -> PageRefused:
    if refused.code is Code.UNKNOWN:
        return PageRefused(404, "not_found")
    return PageRefused(409, "guardian" if refused.code is Code.GUARDIAN else "state")
