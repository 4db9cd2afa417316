"""Whether a grant may read a field, or know that a record type exists for a subject.

Precedence, from first to last:

1. A question that cannot be asked raises PolicyError: a field of another type, an unknown mask.
2. FORBID: any rule that matches denies, whatever permits.
3. PERMIT: the first rule that matches permits; nothing matching means deny.
4. MASKS: of a permitted field, the first rule that matches says which mask, or none.

Each table is ordered data: a rule is an id, a predicate and a reason about the grant,
never about the subject (ruling 2). The verdict is pure: equal questions, equal answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

from cachetools import LRUCache

from authz.decisions import Decision, Effect, RowGuard, TypeDecisions
from authz.grants import Grant, Public, SelfAccess, Statutory
from authz.masks import known_rules
from catalogue.identifiers import SubjectKind
from catalogue.model import DataClass, FieldType, RecordField, RecordType, Role


class PolicyError(ValueError):
    """The question itself is wrong: the caller's fault, never an answer."""


@dataclass(frozen=True, slots=True)
class Question:
    """May this grant read this field (None: know of the type) of a subject of this kind?"""

    grant: Grant
    entry: RecordType
    field: RecordField | None
    kind: SubjectKind
    personal: bool
    """About one natural person: a person, or an individual business (D/T 92, ruling 24)."""


Predicate: TypeAlias = Callable[[Question], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """When it matches, it decides."""

    id: str
    matches: Predicate
    reason: str


@dataclass(frozen=True, slots=True)
class MaskRule:
    """When it matches a permitted field, `mask` says how the field is shown; None is clear."""

    id: str
    matches: Predicate
    mask: Callable[[RecordField], str | None]
    reason: str


@dataclass(frozen=True, slots=True)
class Rules:
    """The three tables of one policy."""

    forbid: tuple[Rule, ...]
    permit: tuple[Rule, ...]
    masks: tuple[MaskRule, ...]


def _is_pointer(ask: Question) -> bool:
    return ask.entry.pointer is not None


def _other_kind(ask: Question) -> bool:
    return ask.kind not in ask.entry.subjects


def _self_of_other_kind(ask: Question) -> bool:
    return isinstance(ask.grant, SelfAccess) and ask.grant.subject.subject_kind is not ask.kind


def _mandate_stopped(ask: Question) -> bool:
    return isinstance(ask.grant, Statutory) and ask.grant.mandate.stopped


def _mandate_out_of_time(ask: Question) -> bool:
    if not isinstance(ask.grant, Statutory):
        return False
    mandate = ask.grant.mandate
    return not mandate.valid_from <= ask.grant.granted_on <= mandate.valid_until


def _type_not_mandated(ask: Question) -> bool:
    return isinstance(ask.grant, Statutory) and ask.entry.code not in ask.grant.mandate.record_types


def _field_not_mandated(ask: Question) -> bool:
    if not isinstance(ask.grant, Statutory) or ask.field is None:
        return False
    named = ask.grant.mandate.record_types.get(ask.entry.code)
    return named is not None and ask.field.name not in named


def _statutory_fact_elsewhere(ask: Question) -> bool:
    if ask.field is None or not ask.field.statutory_fact or isinstance(ask.grant, SelfAccess):
        return False
    return not (isinstance(ask.grant, Statutory) and ask.grant.mandate.scenario in ask.entry.scenarios)


def _not_public_by_law(ask: Question) -> bool:
    return isinstance(ask.grant, Public) and not ask.entry.clocks.publication.by_law


def _persons_not_public(ask: Question) -> bool:
    return isinstance(ask.grant, Public) and ask.personal and not ask.entry.clocks.publication.persons


def _class_not_public(ask: Question) -> bool:
    if not isinstance(ask.grant, Public):
        return False
    restricted = ask.entry.data_class is DataClass.RESTRICTED
    return restricted or (ask.field is not None and ask.field.data_class is not DataClass.PUBLIC)


def _text_of_person(ask: Question) -> bool:
    return ask.personal and _is_text(ask) and not isinstance(ask.grant, SelfAccess) and not _named(ask)


def _restricted_without_mask(ask: Question) -> bool:
    if (
        ask.field is None
        or ask.field.data_class is not DataClass.RESTRICTED
        or ask.field.mask
        or _is_text(ask)
    ):
        return False
    return not _named(ask) and not _stepped_up(ask)


def _is_self(ask: Question) -> bool:
    return isinstance(ask.grant, SelfAccess)


def _is_mandated(ask: Question) -> bool:
    return isinstance(ask.grant, Statutory)


def _is_public(ask: Question) -> bool:
    return isinstance(ask.grant, Public)


def _is_text(ask: Question) -> bool:
    return ask.field is not None and (ask.field.type is FieldType.TEXT or ask.field.mask == "M_TEXT")


def _named(ask: Question) -> bool:
    """The mandate's legal basis names this very field (ruling 25)."""
    if not isinstance(ask.grant, Statutory) or ask.field is None:
        return False
    return ask.field.name in ask.grant.mandate.unmasked.get(ask.entry.code, ())


def _stepped_up(ask: Question) -> bool:
    return isinstance(ask.grant, SelfAccess) and ask.grant.actor.step_up


def _has_mask(ask: Question) -> bool:
    return ask.field is not None and ask.field.mask is not None


def _name_mask(ask: Question) -> bool:
    return ask.field is not None and ask.field.mask == "M_NAME_PUB"


def _name_of_entity(ask: Question) -> bool:
    own_name = ask.field is not None and ask.field.role is Role.NAME
    return _name_mask(ask) and own_name and not ask.personal


def _name_by_law(ask: Question) -> bool:
    """The law orders the full name of persons; elsewhere than in public, only if it does for every row."""
    law = ask.entry.clocks.publication
    return _name_mask(ask) and law.by_law and law.persons and (_is_public(ask) or not law.when)


def _court_id_elsewhere(ask: Question) -> bool:
    return ask.field is not None and ask.field.mask == "M_ID_COURT" and not _is_public(ask)


def _clear(_: RecordField) -> None:
    return None


def _declared(field: RecordField) -> str | None:
    return field.mask


FORBID: Final = (
    Rule("forbid.pointer", _is_pointer, "This type is a pointer: no source is ever asked."),
    Rule("forbid.subject-kind", _other_kind, "This type holds no records of this kind of subject."),
    Rule("forbid.self-kind", _self_of_other_kind, "Access to oneself opens no other kind of subject."),
    Rule("forbid.mandate-stopped", _mandate_stopped, "The scenario has been stopped."),
    Rule("forbid.mandate-period", _mandate_out_of_time, "The mandate is not in force on this day."),
    Rule("forbid.mandate-type", _type_not_mandated, "The mandate does not name this record type."),
    Rule("forbid.mandate-field", _field_not_mandated, "The mandate is narrowed to other fields."),
    Rule("forbid.statutory-fact", _statutory_fact_elsewhere, "This fact is shown in its own scenarios only."),
    Rule("forbid.public-law", _not_public_by_law, "No law orders this type to be published."),
    Rule("forbid.public-persons", _persons_not_public, "No law orders publication of natural persons here."),
    Rule("forbid.public-class", _class_not_public, "Only class P is public."),
    Rule("forbid.person-text", _text_of_person, "Free text of persons needs a mandate that names the field."),
    Rule(
        "forbid.restricted",
        _restricted_without_mask,
        "Restricted, without a mask, and not named by the basis.",
    ),
)
PERMIT: Final = (
    Rule("permit.self", _is_self, "The subject reads what is held on them."),
    Rule("permit.mandate", _is_mandated, "The mandate names this record type."),
    Rule("permit.public", _is_public, "A law orders this type to be published."),
)
MASKS: Final = (
    MaskRule("mask.text", _is_text, lambda _: "M_TEXT", "Third parties are scrubbed from text for everyone."),
    MaskRule("mask.named", _named, _clear, "The mandate's legal basis names this field."),
    MaskRule("mask.step-up", _stepped_up, _clear, "A fresh strong login opens one's own record."),
    MaskRule("mask.entity-name", _name_of_entity, _clear, "The name of an entity is no personal name."),
    MaskRule("mask.name-by-law", _name_by_law, _clear, "The law orders publication of the full name."),
    MaskRule("mask.name", _name_mask, lambda _: "M_NAME", "No law orders publication of the full name."),
    MaskRule("mask.court-id", _court_id_elsewhere, lambda _: "M_ID", "The court's form stays in public."),
    MaskRule("mask.declared", _has_mask, _declared, "The catalogue masks this field."),
)
RULES: Final = Rules(FORBID, PERMIT, MASKS)


def decide(
    grant: Grant, entry: RecordType, field: RecordField | None, kind: SubjectKind, *, personal: bool
) -> Decision:
    """The verdict on a field, or with None on the existence of the type for a subject.

    `personal` is `SubjectKey.personal`; natural persons are personal whatever it says.
    Raises PolicyError for a field that is not the type's or a mask nobody knows.
    """
    about_person = personal or kind is SubjectKind.NATURAL_PERSON
    return decide_by(RULES, Question(grant, entry, field, kind, about_person))


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
        return Decision(Effect.PERMIT, permitted.id, permitted.reason, guard=_guard(ask))
    shown = next((rule for rule in rules.masks if rule.matches(ask)), None)
    if shown is None:
        return Decision(Effect.PERMIT, permitted.id, permitted.reason)
    mask = shown.mask(ask.field)
    return Decision(Effect.MASK if mask else Effect.PERMIT, shown.id, shown.reason, mask)


def _require_sound(ask: Question) -> None:
    if not isinstance(ask.grant, Statutory | SelfAccess | Public):
        raise PolicyError("unknown kind of grant")
    if ask.field is None:
        return
    if ask.entry.field_by_name.get(ask.field.name) != ask.field:
        raise PolicyError(f"{ask.entry.code} has no such field {ask.field.name}")
    if ask.field.mask is not None and ask.field.mask not in known_rules():
        raise PolicyError(f"{ask.entry.code}.{ask.field.name} has an unknown mask {ask.field.mask}")


def _guard(ask: Question) -> RowGuard | None:
    """In public, only the rows that the law orders to be published (ruling 17)."""
    when = ask.entry.clocks.publication.when
    return RowGuard(when) if when and _is_public(ask) else None


_Table: TypeAlias = Mapping[str, TypeDecisions]
_TABLES: Final[LRUCache[object, tuple[tuple[RecordType, ...], _Table]]] = LRUCache(maxsize=512)


def decision_table(
    grant: Grant, entries: Iterable[RecordType], kind: SubjectKind, *, personal: bool
) -> Mapping[str, TypeDecisions]:
    """Decisions on every type and field, by record type code; cached per grant version and catalogue.

    The catalogue's version is the identity of its entries, which the cache keeps alive:
    two catalogues can never share a table. Raises PolicyError.
    """
    types = tuple(entries)
    key = (grant.version, kind, personal, *map(id, types))
    cached = _TABLES.get(key)
    if cached is None:
        table = MappingProxyType({entry.code: _decide_type(grant, entry, kind, personal) for entry in types})
        cached = _TABLES[key] = (types, table)
    return cached[1]


def _decide_type(grant: Grant, entry: RecordType, kind: SubjectKind, personal: bool) -> TypeDecisions:  # noqa: FBT001
    existence = decide(grant, entry, None, kind, personal=personal)
    fields = {field.name: decide(grant, entry, field, kind, personal=personal) for field in entry.fields}
    return TypeDecisions(existence, MappingProxyType(fields))
