"""Registered statutory bases in force: the only maker of statutory grants (GR-07, GR-12).

`authz.mandate_entries` says what may be registered, `authz.register` who approved and stopped what.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import yaml

from authz.actors import Actor, ActorKind
from authz.declarations import Declared, ReasonCode, RepeatReason, declared
from authz.errors import AccessDenied, ConfigurationError
from authz.grants import Consent, Mandate, Statutory
from authz.mandate_entries import check_mandate, mandate_entry
from authz.wording import LONGEST_CASE_NUMBER, case_number, purpose_text
from catalogue.identifiers import holds_citizen_id
from catalogue.model import Catalogue


@dataclass(frozen=True, slots=True)
class CaseClaim:
    """What an operation says of the mandate and the case it stands on."""

    scenario: str
    case_no: str | None
    purpose: str
    legal_basis: str | None = None
    """A mandate's id, or one of its legal bases."""
    reason: ReasonCode | None = None
    no_conflict: bool | None = None
    repeat: RepeatReason | None = None
    repeat_note: str | None = None

    def declared(self) -> Declared:
        """What the officer declares; raises AccessDenied."""
        return declared(self.reason, no_conflict=self.no_conflict, repeat=self.repeat, note=self.repeat_note)


class MandateRegister:
    """Mandates in force, by authority and scenario; the only maker of statutory grants."""

    def __init__(self, mandates: Iterable[Mandate] = (), *, stopped_scenarios: Collection[str] = ()) -> None:
        self.stopped_scenarios = frozenset(stopped_scenarios)
        """Scenarios whose switch is off."""
        self._mandates: defaultdict[tuple[str, str], list[Mandate]] = defaultdict(list)
        for mandate in mandates:
            off = mandate.scenario in self.stopped_scenarios
            held = replace(mandate, stopped=True) if off else mandate
            self._mandates[mandate.authority, mandate.scenario].append(held)

    @property
    def mandates(self) -> tuple[Mandate, ...]:
        """Every registered mandate, ended and stopped ones too."""
        return tuple(mandate for group in self._mandates.values() for mandate in group)

    def grant(self, actor: Actor, claim: CaseClaim, today: date) -> Statutory:
        """The grant of one case; raises AccessDenied with a stable code.

        No message repeats what was sent.
        """
        mandates = self.in_force(actor, claim, today)
        number = case_number(claim.case_no)
        bounded = len(number) <= LONGEST_CASE_NUMBER
        mandate = next((one for one in mandates if bounded and _fits(one.case_pattern, number)), None)
        if mandate is None or holds_citizen_id(number):
            patterns = " or ".join(dict.fromkeys(one.case_pattern for one in mandates))
            raise AccessDenied(
                "CASE_NUMBER_INVALID",
                f"The case number does not match {patterns}, or holds an id. Send your own file's number.",
            )
        if not actor.operator or (mandate.operator_assertion and not actor.vouched):
            raise AccessDenied(
                "OPERATOR_REQUIRED",
                "Send the header `Operator-Assertion`: your own issuer signs which employee asks.",
            )
        if actor.staff in {approver.strip().casefold() for approver in mandate.approved_by}:
            raise AccessDenied("ACTOR_NOT_ALLOWED", "Who approved a mandate may not use it. Ask a colleague.")
        purpose, told = purpose_text(claim.purpose), claim.declared()
        return Statutory(actor, mandate, number, purpose, granted_on=today, declared=told)

    def require_running(self, grant: Statutory | Consent) -> None:
        """That what a grant stands on has not been stopped since; raises AccessDenied."""
        if isinstance(grant, Consent):
            running = grant.artefact.purpose.scenario_code not in self.stopped_scenarios
        else:
            alike = self._mandates.get((grant.mandate.authority, grant.mandate.scenario), ())
            running = any(mandate.id == grant.mandate.id and not mandate.stopped for mandate in alike)
        if not running:
            raise _stopped()

    def in_force(self, actor: Actor, claim: CaseClaim, today: date) -> list[Mandate]:
        """The mandates that a case may stand on, whatever its number; raises AccessDenied."""
        require_officer(actor)
        basis = claim.legal_basis
        registered = [
            mandate
            for mandate in self._mandates.get((actor.organization, claim.scenario), ())
            if basis is None or basis == mandate.id or basis in mandate.legal_basis
        ]
        if not registered:
            raise AccessDenied(
                "SCENARIO_NOT_MANDATED",
                "Your organization has no mandate for this scenario and legal basis. Ask the credit office.",
            )
        running = [mandate for mandate in registered if not mandate.stopped]
        if not running:
            raise _stopped()
        in_force = [mandate for mandate in running if mandate.valid_from <= today <= mandate.valid_until]
        if not in_force:
            raise AccessDenied(
                "MANDATE_EXPIRED", "The mandate is not in force today. Ask the credit office to renew it."
            )
        return in_force


def _stopped() -> AccessDenied:
    return AccessDenied("SCENARIO_STOPPED", "The scenario has been stopped. Ask the credit office.")


def require_officer(actor: Actor) -> None:
    """Mandates serve officers of an authority only; raises AccessDenied ACTOR_NOT_ALLOWED."""
    if actor.kind is not ActorKind.OFFICER or not actor.organization:
        raise AccessDenied(
            "ACTOR_NOT_ALLOWED",
            "Mandates are for case officers of an authority. Use consent, self or public access instead.",
        )


def _fits(pattern: str, number: str) -> bool:
    """ASCII digits and letters only: nobody finds a file by others."""
    return re.fullmatch(pattern, number, re.ASCII) is not None


def load_mandates(path: Path, catalogue: Catalogue) -> MandateRegister:
    """Read the register from a YAML list; raises ConfigurationError with the mandate it is about."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError("MANDATE_FILE", str(path), "The mandates cannot be opened.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ConfigurationError("MANDATE_SYNTAX", where, "Not YAML in UTF-8; correct the file.") from None
    if not isinstance(raw, list):
        raise ConfigurationError("MANDATE_SYNTAX", str(path), "Expected a list of mandates.")
    mandates: dict[str, Mandate] = {}
    for number, item in enumerate(raw):
        mandate = check_mandate(mandate_entry(item, f"{path}[{number}]"), catalogue)
        if mandate.id in mandates:
            raise ConfigurationError("MANDATE_DUPLICATE", mandate.id, "The mandate id is taken.")
        mandates[mandate.id] = mandate
    return MandateRegister(mandates.values())
