"""`mustCheckChunk`: a piece of a bulk check, at most 100 subjects, each with a check and receipt of its own.

The client keeps the file (ruling 33). A chunk is one operation under one mandate and one case; for
the departments it is one question per record type. Each subject is decided, recorded, counted and
told as in `mustCheck`; one that is refused leaves the others theirs. The chunk is idempotent:
`authz.receipts.chunks` says how. What comes out the same again has the same receipt.
"""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from strawberry.types.info import Info

from authz.audit import EventKind
from authz.errors import AccessDenied, AuthzError, Throttled
from authz.grants import Statutory
from authz.ids import id_of
from authz.receipts import Chunk, Completeness
from authz.receipts.summary import ChunkMark, Summary, ranges
from catalogue.identifiers import IdentifierError, SubjectKey, SubjectKind
from catalogue.scenario import Scenario
from resolvers.checks.answer import SubjectCheck
from resolvers.checks.chunk_recording import ChunkRun
from resolvers.checks.chunk_types import (
    Access,
    CheckChunk,
    CheckRow,
    CheckRowInput,
    CheckRowRefusal,
    Job,
    Number,
    Rows,
)
from resolvers.checks.must_check import record_types, require_fit, result_of, scenario_of
from resolvers.checks.plan import of_chunk, plan_of_check
from resolvers.checks.proof import Proof, prove
from resolvers.compiled.objects import printed_object
from resolvers.context import RequestContext
from resolvers.identity import Lookup
from resolvers.lookups import PersonLookup, person
from resolvers.reading import Manner, Outcome, SubjectRead, read_subjects
from resolvers.recording import RefusalsRecorded
from resolvers.roots import grant_of_operation, refuse_named
from resolvers.turns import breathing

CHUNK_MAX: Final = 100
_FOR_SOURCES: Final = 0.6
"""Departments have this part of the deadline; a hundred answers take their time."""


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    lookup: Lookup


async def must_check_chunk(info: Info, job: Job, number: Number, rows: Rows, access: Access) -> Any:
    """The chunk in its turn, or the errors of any read where it is refused as a whole."""
    context: RequestContext = info.context
    async with context.services.turns.taken(context.actor.client_id):
        return await _checked(info, str(job), number, rows)


async def _checked(info: Info, job: str, number: int, rows: Sequence[CheckRowInput]) -> Any:
    context: RequestContext = replace(info.context)
    async with RefusalsRecorded(context):
        grant = grant_of_operation(context)
        if not isinstance(grant, Statutory):
            raise AccessDenied("ACTOR_NOT_ALLOWED", "Bulk checks are for case officers of an authority.")
        scenario = scenario_of(context)
        lines = {row.line for row in rows if row.line > 0}
        if not 0 < len(rows) <= CHUNK_MAX or len(lines) < len(rows):
            raise AccessDenied(
                "CHUNK_INVALID", f"Send 1 to {CHUNK_MAX} rows, each with a line number of its own."
            )
        contents = [[row.line, row.citizenId, row.name, row.uscc] for row in rows]
        chunk = await context.services.chunks.begin(grant, job, number, contents)
    context.query = replace(context.query, chunk=chunk.name)
    run = ChunkRun(context, grant, chunk)
    admitted, refused = await _admitted(run, scenario, rows)
    outcomes = await _read(run, scenario, admitted, str(info.path.key))
    refused |= {line: one for line, one in outcomes.items() if isinstance(one, Exception)}
    checks = {
        line: SubjectCheck(scenario, one) for line, one in outcomes.items() if isinstance(one, SubjectRead)
    }
    proofs = await _proved(run, scenario, checks)
    answer = CheckChunk(
        rows=[_row(run, scenario, row.line, checks, proofs, refused) async for row in breathing(rows)],
        summary=await _summary(run, checks, proofs, refused),
    )
    concrete = record_types(context.services.catalogue, scenario)
    # told of the operation, of which the context here is a copy
    return printed_object(info.context, str(info.path.key), answer, concrete)


async def _admitted(
    run: ChunkRun, scenario: Scenario, rows: Sequence[CheckRowInput]
) -> tuple[list[_Row], dict[int, Exception]]:
    """Rows that may be read, and why others may not, which is recorded."""
    admitted: dict[SubjectKey, _Row] = {}
    refused: dict[int, Exception] = {}
    for row in rows:
        key = None
        try:
            lookup = _lookup(row)
            key = lookup.key
            refuse_named(run.context, lookup)
            require_fit(run.context, scenario, lookup)
            if key == run.grant.actor.own_subject:
                raise AccessDenied(
                    "CONFLICT_OF_INTEREST", "This is your own record. A colleague takes the case."
                )
            if key in admitted:
                raise AccessDenied("SUBJECT_REPEATED", "The same subject stands in this chunk already.")
        except IdentifierError as fault:
            await run.refuse(AuthzError("IDENTIFIER_INVALID", str(fault)), f"line {row.line}")
            refused[row.line] = fault
        except AuthzError as refusal:
            refused[row.line] = await run.refuse(refusal, f"line {row.line}", key)
        else:
            admitted[key] = _Row(row.line, lookup)
    return list(admitted.values()), refused


def _lookup(row: CheckRowInput) -> Lookup:
    """Whom a row names; raises IdentifierError, AuthzError."""
    if row.uscc and not row.citizenId:
        return Lookup(SubjectKey.entity(row.uscc))
    return person(PersonLookup(citizenId=row.citizenId or "", name=row.name or ""))


async def _read(run: ChunkRun, scenario: Scenario, rows: Sequence[_Row], root: str) -> dict[int, Outcome]:
    """What was read of each row, by line: one reading for all subjects of a kind."""
    until = asyncio.get_running_loop().time() + scenario.deadline_ms / 1000 * _FOR_SOURCES
    manner = Manner(EventKind.CHECK, scenario.clock, minor=False, until=until, recorder=run.recorder)
    kinds: dict[SubjectKind, list[_Row]] = {}
    for row in rows:
        kinds.setdefault(row.lookup.key.subject_kind, []).append(row)
    readings = [_read_kind(run, scenario, kind, each, root, manner) for kind, each in kinds.items()]
    groups = await asyncio.gather(*readings, return_exceptions=True)
    for group in groups:
        if isinstance(group, BaseException):
            raise group
    return {line: one for group in groups if isinstance(group, dict) for line, one in group.items()}


async def _read_kind(
    run: ChunkRun, scenario: Scenario, kind: SubjectKind, rows: Sequence[_Row], root: str, manner: Manner
) -> dict[int, Outcome]:
    context, path = run.context, (root,)
    selections = partial(of_chunk, context.walk, context.plan.roots[root], path)
    plan = plan_of_check(context, scenario, kind, path, selections)
    read = await read_subjects(context, run.grant, plan, [row.lookup for row in rows], manner)
    return {row.line: one for row, one in zip(rows, read, strict=True)}


async def _proved(run: ChunkRun, scenario: Scenario, checks: dict[int, SubjectCheck]) -> dict[int, Proof]:
    """Receipts by line; one that was given before is given again where nothing has changed since."""
    if not checks:
        return {}
    services = run.context.services
    ids = {line: _check_id(run, check) for line, check in checks.items()}
    given = await services.receipts.times(list(ids.values()))
    now = services.receipts.now.replace(microsecond=0)
    proofs = {}
    async for line, check in breathing(checks.items()):
        at = given.get(ids[line], now) if check.read.subject.key in run.unchanged else now
        named = ids[line], _nonce(run, ids[line])
        proofs[line] = prove(run.context, scenario, [check], named, at)
    await services.receipts.keep(*(proof.kept for proof in proofs.values()))
    return proofs


def _check_id(run: ChunkRun, check: SubjectCheck) -> str:
    references, chunk = run.context.services.references, run.chunk
    place = run.place(check.read.subject.key)
    return id_of("ck", references.secret("check", chunk.client, chunk.name, place).hex())


def _nonce(run: ChunkRun, check_id: str) -> str:
    secret = run.context.services.references.secret("nonce", check_id)
    return base64.urlsafe_b64encode(secret).rstrip(b"=").decode()


def _row(
    run: ChunkRun,
    scenario: Scenario,
    line: int,
    checks: dict[int, SubjectCheck],
    proofs: dict[int, Proof],
    refused: dict[int, Exception],
) -> CheckRow:
    if line in checks:
        return CheckRow(
            line=line, check=result_of(run.context, scenario, [checks[line]], proofs[line]), refusal=None
        )
    fault = refused[line]
    return CheckRow(
        line=line,
        check=None,
        refusal=CheckRowRefusal(
            code=code_of(fault),
            message=fault.message if isinstance(fault, AuthzError) else str(fault),
            retryAfter=fault.retry_after if isinstance(fault, Throttled) else None,
        ),
    )


def code_of(fault: Exception) -> str:
    """The stable code of a refusal; raises what is none."""
    if isinstance(fault, AuthzError):
        return fault.code
    if isinstance(fault, IdentifierError):
        return "IDENTIFIER_INVALID"
    raise fault


async def _summary(
    run: ChunkRun, checks: dict[int, SubjectCheck], proofs: dict[int, Proof], refused: dict[int, Exception]
) -> str:
    services, grant, chunk = run.context.services, run.grant, run.chunk
    complete = {line for line, one in proofs.items() if one.receipt.completeness is Completeness.COMPLETE}
    codes: dict[str, list[int]] = {}
    for line, fault in refused.items():
        codes.setdefault(code_of(fault), []).append(line)
    results = Counter(item.result.value for line in complete for item in checks[line].shown.items)
    return services.receipts.summarized(
        Summary(
            iss=services.receipts.issuer,
            iat=int(services.receipts.now.timestamp()),
            client_id=grant.actor.client_id,
            organization=grant.actor.organization,
            scenario=grant.mandate.scenario,
            case_no=grant.case_no,
            basis=grant.mandate.id,
            job=chunk.job,
            known=await services.chunks.count(chunk.client, chunk.job),
            chunks=(_mark(chunk, [check.position for check in checks.values()]),),
            complete=ranges(complete),
            incomplete=ranges(proofs.keys() - complete),
            refused={code: ranges(lines) for code, lines in sorted(codes.items())},
            results=dict(sorted(results.items())),
        )
    )


def _mark(chunk: Chunk, positions: Iterable[int]) -> ChunkMark:
    found = sorted(positions)
    first, last = (found[0], found[-1]) if found else (None, None)
    return ChunkMark(number=chunk.number, digest=chunk.digest, first=first, last=last)
