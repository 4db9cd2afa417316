"""Outcomes as authorities report them: who concluded what, on which check, and by which measures.

The reasons themselves stay with the authority, in what it served on the subject; the store and the
log hold their digest with the rest of the report, so that nobody can change them afterwards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from sqlalchemy import Row, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from authz.audit import AuditLog, HumanAct, Query
from authz.audit.leaves import canonical
from authz.consent.tables import reading
from authz.errors import AccessDenied
from authz.grants import Statutory
from authz.ids import id_of, new_id
from authz.moments import millis
from authz.outcomes.measures import initiate, require_officer, require_others
from authz.outcomes.rates import Rate, rates
from authz.outcomes.states import Hearing, MeasureState, OutcomeKind
from authz.outcomes.tables import Measure, Step, check_outcome, of_outcome
from authz.receipts import Entry, ReceiptBook
from authz.references import References
from authz.store import Store
from authz.wording import holds_personal_number
from catalogue.model import Obligation
from catalogue.scenario import FACTS_OF_THE_CASE, Scenario

LONGEST_REASONS: Final = 500


@dataclass(frozen=True, slots=True)
class Report:
    """What an authority says that a named person concluded."""

    receipt: str | None
    """None: nobody checked. It counts, and takes no measure."""
    kind: OutcomeKind
    officer: str
    concluded_on: date
    reasons: str
    noticed_on: date | None
    """When the subject was told beforehand what was intended, and why."""
    hearing: Hearing
    measures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reported:
    """An outcome as it is kept."""

    id: str
    overridden: tuple[str, ...]
    """Record types that the check did not know, and that somebody looked up by hand or went on without."""
    measures: Sequence[Measure]


class OutcomeBook:
    """Keeps each outcome once."""

    def __init__(self, store: Store, audit: AuditLog, receipts: ReceiptBook, references: References) -> None:
        self._store = store
        self._audit = audit
        self._receipts = receipts
        self._references = references

    async def report(self, report: Report, scenario: Scenario, grant: Statutory, query: Query) -> Reported:
        """Keep it with a leaf, or find the same one; raises AuditUnavailable and AccessDenied.

        RECEIPT_INVALID, RECEIPT_CASE, RECEIPT_EXPIRED: of the receipt. OUTCOME_REPORTED: another outcome
        is kept on this check. OUTCOME_INCOMPLETE: a mandatory check is not whole. OUTCOME_BEFORE_CHECK,
        OUTCOME_OWN_CASE, OUTCOME_OFFICER, OUTCOME_REASONS, OUTCOME_NOTICE, OUTCOME_MEASURE: of the report.
        """
        found = None if report.receipt is None else await self._receipts.shown(report.receipt, grant)
        related = self._related(report.receipt) if report.receipt else ()
        if found:
            require_others(self._references, grant, found.subject, *related)
        outcome, digest = _id_of(found, grant), _digest(report, grant)
        if kept := await self._same(outcome, digest, found):
            return kept
        _require_guards(report, scenario, found)
        if found:
            self._receipts.require_valid(found)
            _require_whole(found, scenario)
            if report.concluded_on < found.checked_at.date():
                raise AccessDenied(
                    "OUTCOME_BEFORE_CHECK",
                    "Somebody concluded before the check. Report it without a receipt.",
                )
        measures = await self._resting(found, scenario, _measures(report, scenario, found, related, grant))

        async def keep(connection: AsyncConnection) -> None:
            now = self._receipts.now
            try:
                await connection.execute(
                    insert(check_outcome).values(
                        id=outcome, digest=digest, reported_at=millis(now), **_row(report, found, grant)
                    )
                )
            except IntegrityError:
                raise _reported() from None
            who = (report.officer, grant.actor.operator)
            step = Step(MeasureState.INITIATED, *who, report.concluded_on, now)
            for measure in measures:
                await initiate(connection, measure, step)

        subject = found.subject if found else None
        act = HumanAct(grant, query, subject, "REPORTED", outcome, report.officer, digest)
        try:
            await self._audit.human_act(act, keep)
        except AccessDenied:
            # the same report, sent twice at once: the other one was kept
            if kept := await self._same(outcome, digest, found):
                return kept
            raise
        return await self._same(outcome, digest, found) or _gone()

    def _related(self, jws: str) -> tuple[str, ...]:
        """Audit references of the related persons of a check."""
        receipt, refs = self._receipts.opened(jws), self._references
        return tuple(
            sorted({refs.audit_ref(refs.resolve(one, receipt.client_id)) for one in receipt.related})
        )

    async def rates(self, since: date, until: date) -> list[Rate]:
        """The must-check rates of a period, both days included; raises AuditUnavailable."""
        async with reading(self._store) as connection:
            return await rates(connection, since, until)

    async def _resting(
        self, found: Entry | None, scenario: Scenario, measures: Sequence[Measure]
    ) -> list[Measure]:
        """Each with the records that counted at its check; where none did, on any of its types."""
        resting: list[Measure] = []
        if found is None:
            return resting
        for measure in measures:
            grounds = await self._receipts.grounds(found.jti, _predicates_of(measure.code, scenario))
            unknown = tuple(code for code in measure.record_types if code in found.unknown)
            types = unknown if grounds else measure.record_types
            resting.append(replace(measure, record_types=types, grounds=grounds))
        return resting

    async def _same(self, outcome: str, digest: str, found: Entry | None) -> Reported | None:
        """The outcome of this id; raises AccessDenied OUTCOME_REPORTED where it says something else."""
        async with reading(self._store) as connection:
            query = select(check_outcome.c.digest).where(check_outcome.c.id == outcome)
            row: Row[tuple[str]] | None = (await connection.execute(query)).first()
            measures = await of_outcome(connection, outcome) if row else ()
        if row is None:
            return None
        if row.digest != digest:
            raise _reported()
        return Reported(outcome, found.unknown if found else (), measures)


def _require_guards(report: Report, scenario: Scenario, found: Entry | None) -> None:
    """What GR-09 asks of whoever acts against somebody."""
    require_officer(report.officer)
    words = report.reasons.strip()
    told = 0 < len(words) <= LONGEST_REASONS and "".join(words.splitlines()).isprintable()
    if not told or holds_personal_number(words):
        raise AccessDenied(
            "OUTCOME_REASONS",
            f"Give reasons of at most {LONGEST_REASONS} plain characters, without a number.",
        )
    known = set(scenario.measure_codes) if found else set()
    if len(set(report.measures)) != len(report.measures) or not known.issuperset(report.measures):
        raise AccessDenied(
            "OUTCOME_MEASURE", "Name each measure once, of those the scenario lists, on a check."
        )
    restricts = any(code.startswith("R") for code in report.measures)
    late = report.noticed_on is None or report.noticed_on > report.concluded_on
    if restricts and (late or report.hearing is Hearing.NOT_OFFERED):
        raise AccessDenied(
            "OUTCOME_NOTICE", "Against nobody without prior notice and the offer of a hearing. Do both first."
        )


def _require_whole(found: Entry, scenario: Scenario) -> None:
    if found.open_types and scenario.obligation is Obligation.MANDATORY:
        raise AccessDenied(
            "OUTCOME_INCOMPLETE", "The check is not whole. Check by hand what is open, and record that first."
        )


def _measures(
    report: Report,
    scenario: Scenario,
    found: Entry | None,
    related: tuple[str, ...],
    grant: Statutory,
) -> list[Measure]:
    if found is None:
        return []
    return [
        Measure(
            id=new_id("ms"),
            outcome=found.jti,
            subject=found.subject,
            organization=found.organization,
            client=grant.actor.client_id,
            scenario=found.scenario,
            case_no=found.case_no,
            code=code,
            record_types=_types_of(code, scenario),
            state=MeasureState.INITIATED,
            related=related,
        )
        for code in report.measures
    ]


def _predicates_of(code: str, scenario: Scenario) -> list[str]:
    """On what the measure rests, as far as an objection suspends it (ruling 29)."""
    return [one.when or FACTS_OF_THE_CASE for one in scenario.suspendable if one.code == code]


def _types_of(code: str, scenario: Scenario) -> tuple[str, ...]:
    """Record types that it may rest on."""
    predicates = _predicates_of(code, scenario)
    if FACTS_OF_THE_CASE in predicates:
        return tuple(sorted(scenario.record_types))
    types = (each for one in predicates for each in scenario.predicate_by_code[one].record_types)
    return tuple(dict.fromkeys(types))


def _id_of(found: Entry | None, grant: Statutory) -> str:
    """One outcome for each check; without one, one for each case of an organization."""
    if found:
        return found.jti
    case = "\n".join((grant.actor.organization, grant.mandate.scenario, grant.case_no))
    return id_of("oc", case)


def _digest(report: Report, grant: Statutory) -> str:
    """SHA-256 over RFC 8785 text of everything reported."""
    told: Mapping[str, object] = {
        "caseNo": grant.case_no,
        "concludedOn": report.concluded_on.isoformat(),
        "hearing": report.hearing.value,
        "kind": report.kind.value,
        "measures": sorted(report.measures),
        "noticedOn": report.noticed_on.isoformat() if report.noticed_on else None,
        "officer": report.officer,
        "reasons": report.reasons.strip(),
        "scenario": grant.mandate.scenario,
    }
    return hashlib.sha256(canonical(told)).hexdigest()


def _row(report: Report, found: Entry | None, grant: Statutory) -> dict[str, object]:
    return {
        "jti": found.jti if found else None,
        "organization": grant.actor.organization,
        "scenario": grant.mandate.scenario,
        "case_no": grant.case_no,
        "client": grant.actor.client_id,
        "operator": grant.actor.operator,
        "officer": report.officer,
        "kind": report.kind,
        "concluded_on": report.concluded_on,
        "noticed_on": report.noticed_on,
        "hearing": report.hearing,
    }


def _reported() -> AccessDenied:
    return AccessDenied("OUTCOME_REPORTED", "Another outcome was reported already. Nothing was changed.")


def _gone() -> Reported:
    raise LookupError("an outcome that was just kept is gone")
