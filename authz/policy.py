"""Whether a grant may read a field, or know that a record type exists for a subject.

Precedence, from first to last:

1. A question that cannot be asked raises PolicyError: a field of another type, an unknown mask.
2. FORBID: any rule that matches denies, whatever permits.
3. PERMIT: the first rule that matches permits; nothing matching means deny.
4. PRESENCE: a permitted type of which only whether there is a record may leave.
5. MASKS: of a permitted field, the first rule that matches says which mask, or none.

The tables are ordered data, in `authz.rules`. The verdict is pure: equal questions, equal answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from cachetools import LRUCache

from authz.decisions import Decision, Effect, RowGuard, TypeDecisions
from authz.grants import Consent, Grant, Public, SelfAccess, Statutory
from authz.masks import known_rules
from authz.rules import RULES, Question, Rule, Rules, consented
from catalogue.identifiers import SubjectKey, SubjectKind
from catalogue.model import RecordField, RecordType

_GRANTS: Final = (Statutory, SelfAccess, Public, Consent)


class PolicyError(ValueError):
    """The question itself is wrong: the caller's fault, never an answer."""


def decide(
    grant: Grant,
    entry: RecordType,
    field: RecordField | None,
    kind: SubjectKind,
    *,
    personal: bool,
    subject: SubjectKey | None = None,
) -> Decision:
    """The verdict on a field, or with None on the existence of the type for a subject.

    `personal` is `SubjectKey.personal`; natural persons are personal whatever it says.
    Raises PolicyError for a field that is not the type's or a mask nobody knows.
    """
    about_person = personal or kind is SubjectKind.NATURAL_PERSON
    return decide_by(RULES, Question(grant, entry, field, kind, about_person, subject))


def decide_by(rules: Rules, ask: Question) -> Decision:
    """`decide` under given tables, so that each rule can be shown to matter."""
    _require_sound(ask)
    for rule in rules.forbid:
        if rule.matches(ask):
            return Decision(Effect.DENY, rule.id, rule.reason)
    permitted = next((rule for rule in rules.permit if rule.matches(ask)), None)
    if permitted is None:
        return Decision(Effect.DENY, "deny.default", "Nothing permits this.")
    if ask.field is None:
        return _existence(rules, permitted, ask)
    shown = next((rule for rule in rules.masks if rule.matches(ask)), None)
    if shown is None:
        return Decision(Effect.PERMIT, permitted.id, permitted.reason)
    mask = shown.mask(ask.field)
    return Decision(Effect.MASK if mask else Effect.PERMIT, shown.id, shown.reason, mask)


def _existence(rules: Rules, permitted: Rule, ask: Question) -> Decision:
    presence = next((rule for rule in rules.presence if rule.matches(ask)), None)
    if presence is None:
        return Decision(Effect.PERMIT, permitted.id, permitted.reason, guard=_guard(ask))
    return Decision(Effect.MASK, presence.id, presence.reason, "M_BOOL", guard=_guard(ask))


def _require_sound(ask: Question) -> None:
    if not isinstance(ask.grant, _GRANTS):
        raise PolicyError("unknown kind of grant")
    if ask.field is None:
        return
    known = ask.entry.field_by_name.get(ask.field.name)
    if known is not ask.field and known != ask.field:  # models are compared member by member
        raise PolicyError(f"{ask.entry.code} has no such field {ask.field.name}")
    if ask.field.mask is not None and ask.field.mask not in known_rules():
        raise PolicyError(f"{ask.entry.code}.{ask.field.name} has an unknown mask {ask.field.mask}")


def _guard(ask: Question) -> RowGuard | None:
    """In public the rows that the law orders to be published; by consent those agreed to (ruling 17)."""
    when = ask.entry.clocks.publication.when
    if when and isinstance(ask.grant, Public):
        return RowGuard(when)
    item = consented(ask)
    if item is None or (item.natures is None and item.since is None and item.until is None):
        return None
    natures = None if item.natures is None else frozenset(item.natures)
    return RowGuard(natures=natures, within=item.within if item.since or item.until else None)


_Table: TypeAlias = Mapping[str, TypeDecisions]
_TABLES: Final[LRUCache[object, tuple[tuple[RecordType, ...], _Table]]] = LRUCache(512)


def decision_table(
    grant: Grant,
    entries: Iterable[RecordType],
    kind: SubjectKind,
    *,
    personal: bool,
    subject: SubjectKey | None = None,
) -> Mapping[str, TypeDecisions]:
    """Decisions on every type and field, by record type code; cached per grant version and catalogue.

    The catalogue's version is the identity of its entries, which the cache keeps alive:
    two catalogues can never share a table. Raises PolicyError.
    """
    types = tuple(entries)
    about = subject if isinstance(grant, Consent) else None  # others decide alike for every subject
    key = (grant.version, kind, personal, about, *map(id, types))
    cached = _TABLES.get(key)
    if cached is None:

        def verdict(entry: RecordType, field: RecordField | None) -> Decision:
            return decide(grant, entry, field, kind, personal=personal, subject=about)

        table = MappingProxyType({entry.code: _decide_type(verdict, entry) for entry in types})
        cached = _TABLES[key] = (types, table)
    return cached[1]


def _decide_type(
    verdict: Callable[[RecordType, RecordField | None], Decision], entry: RecordType
) -> TypeDecisions:
    fields = {field.name: verdict(entry, field) for field in entry.fields}
    return TypeDecisions(verdict(entry, None), MappingProxyType(fields))
