"""The proof of a check: the statement of what was found, and the receipt that is bound to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Final

from authz.audit.leaves import canonical
from authz.calendar import add_working_days
from authz.grants import Consent, Statutory
from authz.receipts import Completeness, Kept, Receipt, digest_of, new_check_id, new_nonce
from catalogue.scenario import Scenario
from catalogue.values import CHINA_TIME
from resolvers.checks.answer import Shown, SubjectCheck
from resolvers.checks.grounds import grounds_of
from resolvers.context import RequestContext
from resolvers.roots import grant_of_operation

VALID_WORKING_DAYS: Final = 5
"""Then the check is made again, for it has to hold when somebody acts on it (domain.md §3.3)."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A receipt, what is kept of the check with the outcome of the read, and what the digest is over."""

    receipt: Receipt
    kept: Kept
    nonce: str
    statement: str


def prove(
    context: RequestContext,
    scenario: Scenario,
    checks: Sequence[SubjectCheck],
    named: tuple[str, str] | None = None,
    made_at: datetime | None = None,
) -> Proof:
    """The proof of a check, all of whose subjects were read; `named` are its id and its nonce."""
    grant, services = grant_of_operation(context), context.services
    assert isinstance(grant, Statutory | Consent)  # noqa: S101 - no other grant checks
    main, *related = checks
    unknown = list(dict.fromkeys(task.recordType for check in checks for task in check.shown_tasks()))
    checked_at = (made_at or services.receipts.now).astimezone(CHINA_TIME)
    last_day = add_working_days(checked_at.date(), VALID_WORKING_DAYS)
    valid_until = datetime.combine(last_day, time(23, 59, 59), CHINA_TIME)
    completeness = Completeness.INCOMPLETE if unknown else Completeness.COMPLETE
    check_id, nonce = named or (new_check_id(), new_nonce())
    head = {
        "caseNo": grant.case_no,
        "checkId": check_id,
        "checkedAt": checked_at.isoformat(timespec="milliseconds"),
        "completeness": completeness.value,
        "scenario": scenario.code,
    }
    statement = statement_of(head, [(check.read.subject.ref, check.shown) for check in checks])
    receipt = Receipt(
        iss=services.receipts.issuer,
        jti=check_id,
        sub=main.read.subject.ref,
        iat=int(checked_at.timestamp()),
        exp=int(valid_until.timestamp()),
        scenario=scenario.code,
        case_no=grant.case_no,
        client_id=grant.actor.client_id,
        organization=grant.actor.organization,
        basis=grant.mandate.id if isinstance(grant, Statutory) else grant.artefact.consent_id,
        completeness=completeness,
        related=tuple(check.read.subject.ref for check in related),
        result_sha256=digest_of(nonce, statement),
        audit_index=main.position,
        catalogue_version=services.catalogue.version,
        checked_at=checked_at,
        valid_until=valid_until,
    )
    subject = services.references.audit_ref(main.read.subject.key)
    grounds = grounds_of(checks, scenario, services.references)
    kept = services.receipts.keeping(receipt, subject, unknown, grounds)
    return Proof(receipt, kept, nonce, statement)


def statement_of(head: Mapping[str, str], subjects: Sequence[tuple[str, Shown]]) -> str:
    """RFC 8785 text of codes and references, no record's value: the check, then each subject's findings."""
    parts = [{"subjectRef": reference, **_findings(shown)} for reference, shown in subjects]
    return canonical({**head, "subjects": parts, "version": 1}).decode()


def _findings(shown: Shown) -> dict[str, object]:
    return {
        "items": [
            {"recordIds": item.recordIds, "recordType": item.recordType, "result": item.result}
            for item in shown.items
        ],
        "measures": [
            {
                "code": one.measure.code,
                "humanVerification": one.humanVerification,
                "obligation": one.obligation,
                "predicate": one.predicate,
            }
            for one in shown.measures
        ],
        "predicates": [
            {"code": one.code, "reasons": one.reasons, "value": one.value} for one in shown.predicates
        ],
    }
