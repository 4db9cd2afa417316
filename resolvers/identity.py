"""Confirm a subject at its identity authority, before any department is asked.

Unknown, mismatched and ambiguous are one answer (ruling 3); an authority that is down is
another: then nothing may be said about the subject at all. So it is with an entity's code under
which the register holds several names, or a row that cannot be read: the code is public, its holder unsure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from authz.tickets import Tickets
from catalogue.identifiers import KeyKind, SubjectKey
from catalogue.model import Role
from connectors.errors import SectionState
from connectors.protocol import Answer, Ask, Links, Row
from resolvers.context import RequestContext
from resolvers.fetching import Fault, Fetched, fetch_all
from resolvers.healing import canonical_name, names_match
from resolvers.quality import ambiguous, drifted, unconfirmed

CONFLICT = "IDENTITY_CONFLICT"
_GONE = {"REVOKED", "SEALED", "SUPERSEDED"}


@dataclass(frozen=True, slots=True)
class Lookup:
    """Whom an operation asks about: a normalized key and, for a person by number, the name typed."""

    key: SubjectKey
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The authority knows the subject, by this name, and under which numbers it stood before."""

    name: str | None
    links: Links | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """The number was corrected: the subject is known under this one."""

    key: SubjectKey


class Match(StrEnum):
    """Whether number and name belong together."""

    MATCH = "MATCH"
    NO_MATCH = "NO_MATCH"
    UNSURE = "UNSURE"


@dataclass(frozen=True, slots=True)
class Doubt:
    """Not confirmed. To a reader every doubt is the same; only `verifyIdentity` tells them apart."""

    match: Match


Confirmation: TypeAlias = Confirmed | Moved | Doubt | Fault


async def confirm(
    context: RequestContext, lookups: Sequence[Lookup], *, until: float | None = None
) -> dict[SubjectKey, Confirmation]:
    """Confirm subjects of one kind with one question to their authority, answered `until` then."""
    kind = lookups[0].key.subject_kind
    authority = context.services.identity.get(kind)
    if authority is None:
        missing = Fault(
            "SOURCE_NOT_CONNECTED", "identity", SectionState.NOT_CONNECTED, "NO_SOURCE", retryable=False
        )
        return dict.fromkeys((lookup.key for lookup in lookups), missing)
    ask = Ask(
        authority.record_type,
        frozenset(),
        tuple(dict.fromkeys(lookup.key for lookup in lookups)),
        context.request_id,
        follow=True,
        asker=context.actor.client_id,
    )
    code = authority.record_type
    sources = {code: (authority.source,)}
    fetched = await fetch_all({code: ask}, sources, context.report, confirmed=False, until=until)
    _note(context.services.tickets, code, fetched[code])
    return {lookup.key: _verdict(lookup, fetched[code]) for lookup in lookups}


def _note(tickets: Tickets, code: str, fetched: Fetched) -> None:
    """What is wrong with the authority's rows, whoever was asked for."""
    if fetched.faults:
        tickets.note(drifted(code, fetched))
    for source, answer in fetched.answers:
        if answer.strays or answer.rejects or answer.links:
            tickets.note(unconfirmed(code, source, answer))
        for key, rows in answer.rows.items():
            if len(rows) > 1 and len(_names(standing := _standing(answer, key))) > 1:
                tickets.note(ambiguous(code, source, standing))


async def verify(context: RequestContext, lookup: Lookup) -> Match:
    """MATCH or NO_MATCH; UNSURE when the authority cannot be sure or cannot be asked."""
    confirmation = (await confirm(context, [lookup]))[lookup.key]
    if isinstance(confirmation, Doubt):
        return confirmation.match
    # a number that was corrected is no longer theirs: a person should look at it
    return Match.MATCH if isinstance(confirmation, Confirmed) else Match.UNSURE


def told(fault: Fault) -> Fault:
    """How the subject's sections say that nobody could be confirmed."""
    return fault if fault.code == CONFLICT else replace(fault, code="IDENTITY_UNAVAILABLE", reason="IDENTITY")


def _verdict(lookup: Lookup, fetched: Fetched) -> Confirmation:
    """By the number asked about or, where it was corrected, by the number that it became (ruling 15)."""
    if fetched.faults:
        return fetched.faults[0]
    source, answer = fetched.answers[0]
    links = answer.links.get(lookup.key)
    found = _known(lookup, answer)
    if links and isinstance(found, Confirmed):
        return replace(found, links=_still_theirs(found.name, links, answer))
    if links and links.current and isinstance(_known(replace(lookup, key=links.current), answer), Confirmed):
        return Moved(links.current)
    if not lookup.key.personal and found == Doubt(Match.UNSURE):
        return Fault(CONFLICT, source.name, SectionState.UNAVAILABLE, CONFLICT, retryable=False)
    return found


def _still_theirs(name: str | None, links: Links, answer: Answer) -> Links:
    """Without former numbers that another person holds today: what stands under those is another's."""
    kept = (one for one in links.former if not any(_names_another(name, row) for row in answer.rows[one]))
    return replace(links, former=tuple(kept))


def _names_another(name: str | None, row: Row) -> bool:
    found = row.controls.get(Role.NAME)
    return isinstance(found, str) and name is not None and not names_match(found, name)


def _known(lookup: Lookup, answer: Answer) -> Confirmed | Doubt:
    rows = _standing(answer, lookup.key)
    if answer.rejects.get(lookup.key):
        return Doubt(Match.UNSURE)
    if not rows:
        return Doubt(Match.NO_MATCH)
    names = _names(rows)
    if lookup.key.kind is KeyKind.USCC and len(names) <= 1:
        return Confirmed(next(iter(names.values()), None))
    if len(names) != 1 or _unreadable(*names):
        return Doubt(Match.UNSURE)
    (known,) = names.values()
    if lookup.name is not None and not names_match(lookup.name, known):
        return Doubt(Match.NO_MATCH)
    return Confirmed(known)


def _standing(answer: Answer, key: SubjectKey) -> list[Row]:
    return [row for row in answer.rows[key] if row.controls.get(Role.STATUS) not in _GONE]


def _names(rows: Iterable[Row]) -> dict[str, str]:
    """Different names, by what is compared."""
    names = (row.controls.get(Role.NAME) for row in rows)
    return {canonical_name(name): name for name in names if isinstance(name, str)}


def _unreadable(name: str) -> bool:
    """Old systems write `?` for a character their charset lacks: nothing can be matched to it."""
    return "?" in name
