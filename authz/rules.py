"""The rules of the policy, as ordered tables. `authz.policy` says in which order they decide.

A rule is an id, a predicate and a reason about the grant, never about the subject (ruling 2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from authz.consent.artefact import Item, Level
from authz.grants import Consent, Grant, Public, SelfAccess, Statutory
from catalogue.identifiers import SubjectKey, SubjectKind
from catalogue.model import DataClass, FieldType, RecordField, RecordType, Role


@dataclass(frozen=True, slots=True)
class Question:
    """May this grant read this field (None: know of the type) of a subject of this kind?"""

    grant: Grant
    entry: RecordType
    field: RecordField | None
    kind: SubjectKind
    personal: bool
    """About one natural person: a person, or an individual business (D/T 92, ruling 24)."""
    subject: SubjectKey | None = None
    """Who it is; a consent opens nothing for a subject that is not told."""


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
    """The four tables of one policy."""

    forbid: tuple[Rule, ...]
    permit: tuple[Rule, ...]
    presence: tuple[Rule, ...]
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
    return _scenario(ask.grant) not in ask.entry.scenarios


def _scenario(grant: Grant) -> str | None:
    if isinstance(grant, Statutory):
        return grant.mandate.scenario
    return grant.artefact.purpose.scenario_code if isinstance(grant, Consent) else None


def _other_grantee(ask: Question) -> bool:
    return (
        isinstance(ask.grant, Consent) and ask.grant.artefact.grantee.client_id != ask.grant.actor.client_id
    )


def _other_subject(ask: Question) -> bool:
    return isinstance(ask.grant, Consent) and ask.grant.subject != ask.subject


def _consent_out_of_time(ask: Question) -> bool:
    return isinstance(ask.grant, Consent) and not ask.grant.in_force


def consented(ask: Question) -> Item | None:
    """What the consent says of this record type."""
    return ask.grant.items.get(ask.entry.code) if isinstance(ask.grant, Consent) else None


def _type_not_consented(ask: Question) -> bool:
    return isinstance(ask.grant, Consent) and consented(ask) is None


def _field_not_consented(ask: Question) -> bool:
    item = consented(ask)
    return item is not None and ask.field is not None and ask.field.name not in item.named


def _no_field_consented(ask: Question) -> bool:
    return ask.field is not None and _presence_only(ask)


def _sensitive_unconfirmed(ask: Question) -> bool:
    if not isinstance(ask.grant, Consent) or ask.grant.sensitive:
        return False
    classes = {ask.entry.data_class, ask.field.data_class if ask.field else None}
    return DataClass.RESTRICTED in classes


def _presence_only(ask: Question) -> bool:
    item = consented(ask)
    return item is not None and item.level is Level.BOOLEAN


def _in_full(ask: Question) -> bool:
    """The person opened this very field to the grantee."""
    item = consented(ask)
    return item is not None and item.level is Level.FULL


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
    return not _named(ask) and not _stepped_up(ask) and not _in_full(ask)


def _is_self(ask: Question) -> bool:
    return isinstance(ask.grant, SelfAccess)


def _is_mandated(ask: Question) -> bool:
    return isinstance(ask.grant, Statutory)


def _is_public(ask: Question) -> bool:
    return isinstance(ask.grant, Public)


def _is_consented(ask: Question) -> bool:
    return isinstance(ask.grant, Consent)


def _is_text(ask: Question) -> bool:
    return ask.field is not None and (ask.field.type is FieldType.TEXT or ask.field.mask == "M_TEXT")


def _named(ask: Question) -> bool:
    """The mandate's legal basis names this very field (ruling 25)."""
    if not isinstance(ask.grant, Statutory) or ask.field is None:
        return False
    return ask.field.name in ask.grant.mandate.unmasked.get(ask.entry.code, ())


def _stepped_up(ask: Question) -> bool:
    """One's own record after a strong login; whom an entity's records name is somebody else."""
    if not isinstance(ask.grant, SelfAccess) or not ask.grant.actor.step_up:
        return False
    return ask.kind is SubjectKind.NATURAL_PERSON or not _of_others(ask)


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


_OF_OTHERS: Final = ("M_NAME", "M_NAME_PUB", "M_ID")


def _own_in_full(ask: Question) -> bool:
    """Opened in full, and not the name or number of somebody else, who agreed to nothing."""
    if ask.field is None or not _in_full(ask):
        return False
    return not _of_others(ask) and not _court_id_elsewhere(ask)


def _of_others(ask: Question) -> bool:
    """Whether the field holds the name or number of another than the subject."""
    field = ask.field
    return field is not None and field.mask in _OF_OTHERS and field.role not in (Role.NAME, Role.KEY)


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
    Rule("forbid.consent-grantee", _other_grantee, "The consent was given to another client."),
    Rule("forbid.consent-subject", _other_subject, "The consent is about somebody else."),
    Rule("forbid.consent-period", _consent_out_of_time, "The consent is not in force at this moment."),
    Rule("forbid.consent-type", _type_not_consented, "The consent does not name this record type."),
    Rule("forbid.consent-level", _no_field_consented, "The consent shows only whether there is a record."),
    Rule("forbid.consent-field", _field_not_consented, "The consent does not name this field."),
    Rule(
        "forbid.consent-sensitive",
        _sensitive_unconfirmed,
        "Restricted data needs a confirmation of its own (PIPL 29).",
    ),
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
    Rule("permit.consent", _is_consented, "The person agreed to this."),
)
PRESENCE: Final = (
    Rule("presence.consent", _presence_only, "The consent shows only whether there is a record."),
)
MASKS: Final = (
    MaskRule("mask.text", _is_text, lambda _: "M_TEXT", "Third parties are scrubbed from text for everyone."),
    MaskRule("mask.named", _named, _clear, "The mandate's legal basis names this field."),
    MaskRule("mask.consent-full", _own_in_full, _clear, "The person opened this field in full."),
    MaskRule("mask.step-up", _stepped_up, _clear, "A fresh strong login opens one's own record."),
    MaskRule("mask.entity-name", _name_of_entity, _clear, "The name of an entity is no personal name."),
    MaskRule("mask.name-by-law", _name_by_law, _clear, "The law orders publication of the full name."),
    MaskRule("mask.name", _name_mask, lambda _: "M_NAME", "No law orders publication of the full name."),
    MaskRule("mask.court-id", _court_id_elsewhere, lambda _: "M_ID", "The court's form stays in public."),
    MaskRule("mask.declared", _has_mask, _declared, "The catalogue masks this field."),
)
RULES: Final = Rules(FORBID, PERMIT, PRESENCE, MASKS)
