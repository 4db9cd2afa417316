"""What may be asked for and agreed to. Each rule has a stable code; a refusal never holds a value.

Of a request: the scenario is one for consent, each type and field bears on it, and nothing
goes beyond the scenario's limits. Of an agreement: it is the notice that was shown, every
confirmation was given on its own, and nothing is wider than what was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final

from authz.consent.artefact import (
    AgeBand,
    Capacity,
    Confirmation,
    ConsentRequest,
    Item,
    Level,
    Terms,
)
from authz.wording import holds_personal_number
from catalogue.identifiers import SubjectKey, SubjectKind, birth_date
from catalogue.model import Catalogue, DataClass, Relevance, Scenario
from catalogue.values import Period

GUARDED_UNTIL: Final = Period(years=14)
ADULT_FROM: Final = Period(years=18)


class Code(StrEnum):
    """Why an act on a consent was refused."""

    SHAPE = "SHAPE"
    """A value is missing or outside what it may be."""
    SUBJECT_KIND = "SUBJECT_KIND"
    """Natural persons and enterprises can be asked; for others nobody's right to agree can be confirmed."""
    SCENARIO = "SCENARIO"
    """The scenario does not exist, or consent is no basis for it."""
    RECORD_TYPE = "RECORD_TYPE"
    """A record type does not bear on the scenario, or nothing of it is read here."""
    FIELD = "FIELD"
    """A field does not bear on the scenario, or is named twice."""
    LEVEL = "LEVEL"
    """BOOLEAN names no field; MASKED and FULL name at least one."""
    PERIOD = "PERIOD"
    """The data window ends before it begins."""
    LIMIT = "LIMIT"
    """Longer, more often or kept longer than the scenario allows."""
    WORDING = "WORDING"
    """A personal number, or a character that cannot be seen, stands in the purpose or the case number."""
    PARENT = "PARENT"
    """The consent to be widened is not one of this client with this person."""
    UNKNOWN = "UNKNOWN"
    """There is no such consent for whoever asks."""
    STATE = "STATE"
    """It is in another state."""
    NOTICE = "NOTICE"
    """What was shown is not what was asked for."""
    CONFIRMATION = "CONFIRMATION"
    """A confirmation is missing."""
    WIDENED = "WIDENED"
    """More was ticked than was asked for; that needs a request of its own."""
    QUOTA = "QUOTA"
    """This client has asked this subject too often: nobody is worn down into agreeing."""
    GUARDIAN = "GUARDIAN"
    """Under 14 a guardian agrees, whom the civil affairs register confirms."""


class ConsentRefused(Exception):
    """An act on a consent that may not be done; nothing was changed."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def check_terms(terms: Terms, valid_days: int, catalogue: Catalogue, kind: SubjectKind) -> None:
    """Raise ConsentRefused for a request that may not be made of this kind of subject."""
    scenario = catalogue.scenarios.get(terms.purpose.scenario_code)
    if scenario is None or "CONSENT" not in scenario.basis:
        raise ConsentRefused(Code.SCENARIO, "Name a scenario for which consent is a basis, such as S17.")
    for item in terms.authorization_details:
        _check_item(item, scenario, catalogue, kind)
    _check_limits(terms, valid_days, scenario)
    words = (terms.purpose.text, terms.purpose.case_no)
    if not all(map(str.isprintable, words)):  # marks that turn the direction of a line rewrite the notice
        raise ConsentRefused(Code.WORDING, "Say each in one line, without characters that cannot be seen.")
    if any(map(holds_personal_number, words)):
        raise ConsentRefused(Code.WORDING, "Describe the matter without the number of a person or a phone.")


def _check_item(item: Item, scenario: Scenario, catalogue: Catalogue, kind: SubjectKind) -> None:
    code = item.record_type
    relevant = _relevance(scenario, code)
    entry = catalogue.record_types.get(code)
    if relevant is None or entry is None or kind not in entry.subjects or entry.pointer is not None:
        about = "persons" if kind is SubjectKind.NATURAL_PERSON else "enterprises"
        raise ConsentRefused(Code.RECORD_TYPE, f"{code} is not read about {about} in {scenario.code}.")
    if (item.level is Level.BOOLEAN) != (not item.named):
        raise ConsentRefused(Code.LEVEL, f"{code}: BOOLEAN names no field, every other level names some.")
    permitted = frozenset(relevant.fields) or entry.field_by_name.keys()
    if len(set(item.named)) < len(item.named) or not set(item.named) <= permitted:
        raise ConsentRefused(Code.FIELD, f"{code}: name once each field that bears on {scenario.code}.")
    first, last = item.within
    if first > last:
        raise ConsentRefused(Code.PERIOD, f"{code}: `from` lies after `to`.")


def _relevance(scenario: Scenario, code: str) -> Relevance | None:
    return next((item for item in scenario.relevance if item.record_type == code), None)


def _check_limits(terms: Terms, valid_days: int, scenario: Scenario) -> None:
    limits, day, at = scenario.consent, date(2001, 1, 1), datetime(2001, 1, 1, tzinfo=UTC)
    too_long = valid_days > (limits.validity.after(day) - day).days
    kept_too_long = terms.data_life.until(at) > at + (limits.data_life.after(day) - day)
    if too_long or kept_too_long or terms.max_uses > limits.max_uses:
        raise ConsentRefused(
            Code.LIMIT,
            f"At most: uses {limits.max_uses}, valid {limits.validity}, kept {limits.data_life}.",
        )


def still_relevant(
    items: Iterable[Item], scenario_code: str, catalogue: Catalogue, today: date
) -> dict[str, Item]:
    """Items by type, as far as the scenario of today's catalogue runs and holds their fields relevant."""
    scenario = catalogue.scenarios.get(scenario_code)
    if scenario is None or "CONSENT" not in scenario.basis or not scenario.runs_on(today):
        return {}
    kept: dict[str, Item] = {}
    for item in items:
        relevant = _relevance(scenario, item.record_type)
        if relevant is None or item.record_type not in catalogue.record_types:
            continue
        fields = relevant.fields or tuple(catalogue.record_types[item.record_type].field_by_name)
        named = tuple(name for name in item.named if name in fields)
        kept[item.record_type] = item.model_copy(update={"named": named})
    return kept


def needed(items: Iterable[Item], catalogue: Catalogue, capacity: Capacity | None) -> frozenset[Confirmation]:
    """The confirmations an agreement to these items takes, of the subject or of who agrees for it."""
    always = {Confirmation.GENERAL, Confirmation.THIRD_PARTY_PROVISION}
    if sensitive(items, catalogue):
        always.add(Confirmation.SENSITIVE)
    if capacity is not None:
        always.add(capacity.confirmation)
    return frozenset(always)


def sensitive(items: Iterable[Item], catalogue: Catalogue) -> bool:
    """Whether anything of class R is among them (PIPL 28)."""
    for item in items:
        entry = catalogue.record_types.get(item.record_type)
        if entry is None:
            continue
        fields = (entry.field_by_name[name] for name in item.named if name in entry.field_by_name)
        if DataClass.RESTRICTED in {entry.data_class, *(field.data_class for field in fields)}:
            return True
    return False


def check_choice(
    chosen: Iterable[Item],
    request: ConsentRequest,
    confirmed: frozenset[Confirmation],
    catalogue: Catalogue,
) -> None:
    """Raise ConsentRefused for an agreement wider than the request, or not confirmed item by item."""
    chosen = tuple(chosen)
    if not chosen:
        raise ConsentRefused(Code.SHAPE, "Agree to one item at least, or reject the request.")
    offers = {item.record_type: item for item in request.authorization_details}
    for item in chosen:
        offer = offers.get(item.record_type)
        if offer is None or not _narrower(item, offer):
            raise ConsentRefused(Code.WIDENED, f"{item.record_type}: agree to what was asked, or to less.")
    missing = needed(chosen, catalogue, request.capacity) - confirmed
    if missing:
        raise ConsentRefused(Code.CONFIRMATION, f"Confirm each on its own: {', '.join(sorted(missing))}.")


_LEVELS: Final = (Level.BOOLEAN, Level.MASKED, Level.FULL)


def _narrower(item: Item, offer: Item) -> bool:
    if _LEVELS.index(item.level) > _LEVELS.index(offer.level):
        return False
    if (item.level is Level.BOOLEAN) != (not item.named) or not set(item.named) <= set(offer.named):
        return False
    natures = offer.natures is None or (item.natures is not None and set(item.natures) <= set(offer.natures))
    (first, last), (offered_first, offered_last) = item.within, offer.within
    return natures and offered_first <= first <= last <= offered_last


def intersection(one: Item, other: Item) -> Item | None:
    """What both items of a record type allow; None where that is nothing."""
    level = min(one.level, other.level, key=_LEVELS.index)
    named = () if level is Level.BOOLEAN else tuple(name for name in one.named if name in other.named)
    natures = one.natures if other.natures is None else other.natures
    if one.natures is not None and other.natures is not None:
        natures = tuple(each for each in one.natures if each in other.natures)
    first, last = max(one.within[0], other.within[0]), min(one.within[1], other.within[1])
    if first > last or natures == () or (level is not Level.BOOLEAN and not named):
        return None
    return one.model_copy(
        update={
            "level": level,
            "named": named,
            "natures": natures,
            "since": None if first == date.min else first,
            "until": None if last == date.max else last,
        }
    )


def under_14(subject: SubjectKey, today: date) -> bool:
    """Whether a guardian has to agree (PIPL 31)."""
    return age_band(subject, today) is AgeBand.UNDER_14


def age_band(subject: SubjectKey, today: date) -> AgeBand:
    """The person's age band by the birth date in their number (GB 11643)."""
    born = birth_date(subject.value)
    if today < GUARDED_UNTIL.after(born):
        return AgeBand.UNDER_14
    return AgeBand.FROM_14_TO_17 if today < ADULT_FROM.after(born) else AgeBand.ADULT
