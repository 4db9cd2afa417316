"""`consentReport(access)`: what a person agreed to show one reader, as a report for that reader.

The consent has to be one for a report (`REPORT`), which its notice said. It is one read on that
consent: the same use, policy, masks, clocks and audit as any other, of its items and no more.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final

import strawberry
from strawberry.types.info import Info

from authz.consent.artefact import Item, Level, Mode
from authz.errors import AccessDenied
from authz.grants import Consent
from catalogue.model import Catalogue, RecordType
from resolvers.access import AccessContext
from resolvers.context import RequestContext
from resolvers.export import read_by
from resolvers.fields import bilingual
from resolvers.recording import RefusalsRecorded
from resolvers.report.graph import MOST_DAYS, CreditReport, issued
from resolvers.report.pdf import Terms
from resolvers.roots import grant_of_operation
from resolvers.subjects import GRAPHQL_NAME

NAME: Final = "ConsentReport"
LAW: Final = "个人信息保护法第13条第1项、第23条"
_RECORD: Final = """recordId nature status dispute { since } repair { state } subjectStatement
  provenance { departmentName system fetchedAt }"""


async def consent_report(
    info: Info,
    access: Annotated[
        AccessContext, strawberry.argument(description=bilingual("本人授权", "The person's consent"))
    ],
) -> CreditReport:
    """Signed, for the grantee, until it has to be deleted.

    Raises AccessDenied as any read on a consent, ACTOR_NOT_ALLOWED without one, and CONSENT_MODE.
    """
    context: RequestContext = info.context
    grant = grant_of_operation(context)
    async with RefusalsRecorded(context):
        if not isinstance(grant, Consent):
            raise AccessDenied("ACTOR_NOT_ALLOWED", "A report is given on the person's consent alone.")
        artefact, now = grant.artefact, grant.granted_at
        if artefact.mode is not Mode.REPORT or not artefact.data_life.value:
            raise AccessDenied(
                "CONSENT_MODE",
                "The person agreed to a look, to no report. Ask for a consent with `mode: REPORT`.",
            )
    variables = {
        "who": {"subjectRef": artefact.subject.subject_ref},
        "on": {"consentId": artefact.consent_id, "purpose": grant.purpose},
    }
    text = _text(grant, context.services.catalogue)
    subject, report = await read_by(context.walk.schema, context, NAME, text, ("subject",), variables)
    expires = min(artefact.data_life.until(now), now + timedelta(days=MOST_DAYS))
    said = f"本报告由{artefact.grantee.name}依据信用主体的授权（{artefact.consent_id}）查询，仅含授权的内容。"
    terms = Terms(artefact.grantee.name, now, expires, said, LAW)
    return await issued(
        context,
        terms,
        subject,
        report,
        consentId=artefact.consent_id,
        scenario=artefact.purpose.scenario_code,
    )


def _text(grant: Consent, catalogue: Catalogue) -> str:
    """The query over the items of a consent, each field by name."""
    kind = grant.subject.subject_kind
    sections: dict[str, list[str]] = {}
    for code, item in grant.items.items():
        entry = catalogue.record_types[code]
        sections.setdefault(catalogue.domains[entry.domain].field, []).append(_section(entry, item))
    groups = " ".join(f"{domain} {{ {' '.join(found)} }}" for domain, found in sections.items())
    return (
        f"query {NAME}($who: SubjectLookup!, $on: AccessContext!) {{ subject(lookup: $who, access: $on) {{"
        f" displayName ... on {GRAPHQL_NAME[kind]} {{ {groups} }} }} }}"
    )


def _section(entry: RecordType, item: Item) -> str:
    told = "state reason fetchedAt present"
    if item.level is Level.BOOLEAN:
        return f"{entry.section} {{ {told} records {{ recordId }} }}"
    return f"{entry.section} {{ {told} records {{ {_RECORD} {' '.join(sorted(item.named))} }} }}"
