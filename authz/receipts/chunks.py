"""What the gateway keeps of a bulk check: of each chunk a digest and where in the log it began (ruling 33).

The client keeps the file; it names its job and numbers the chunks. A chunk that comes again (the
client crashed, a process was killed, the answer was lost) finds in the log what was recorded of it,
so that nothing is recorded or counted twice: the first intent, refusal and outcome of each subject
of a chunk use up a name of their own, in the transaction of their leaf. All of it is kept for a
week, and holds neither ids nor results: digests are keyed, for ids are few enough to be tried out.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Connection, Integer, String, Table, delete, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from authz.audit import Leaf
from authz.audit.leaves import canonical, read_leaves
from authz.audit.tree import head_of
from authz.errors import AccessDenied, AuditUnavailable
from authz.grants import Statutory
from authz.moments import millis, now_in_china
from authz.once import Kind, Use
from authz.references import References
from authz.store import Store, metadata
from catalogue.identifiers import SubjectKey

KEPT: Final = timedelta(days=7)
"""How long a chunk may come again."""
SAME_READ: Final = timedelta(minutes=10)
"""How long a chunk that comes again is no read of its own (ruling 6)."""
MOST_CHUNKS: Final = 100_000
_JOB: Final = re.compile(r"jb_[a-z]{32}")

check_chunk: Final = Table(
    "check_chunk",
    metadata,
    Column("client", String(64), primary_key=True),
    Column("job", String(40), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("begun_at", BigInteger, nullable=False, index=True),
)


class Step(StrEnum):
    """What is recorded once of each subject of a chunk."""

    BEGUN = "begun"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk of a client's job."""

    client: str
    job: str
    number: int
    digest: str
    """Keyed, over what came; in lower-case hexadecimal."""
    position: int
    """How many leaves the log had when it first came: all of its own come after."""
    until: float
    """Until when it may come again, in seconds since the epoch."""

    @property
    def name(self) -> str:
        """How the audit log names it."""
        return f"{self.job}/{self.number}"

    def once(self, step: Step, place: str) -> Use:
        """What the recording of a step uses up; `place` is a subject's audit reference, or a line."""
        return Use(Kind.CHUNK, self.client, f"{self.name}/{step}/{place}", self.until)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the log says of one subject of a chunk that came before."""

    begun: Leaf
    """Its intent."""
    ended: Mapping[str, Any] | None
    """The newest outcome."""


class ChunkBook:
    """Knows the chunks of all processes that share a store."""

    def __init__(
        self, store: Store, references: References, *, clock: Callable[[], datetime] = now_in_china
    ) -> None:
        self._store = store
        self._references = references
        self._clock = clock

    async def begin(self, grant: Statutory, job: str, number: int, contents: object) -> Chunk:
        """The chunk, kept before anything of it is read; `contents` is JSON of what came.

        Raises AccessDenied: CHUNK_INVALID for a job or number that is none, CHUNK_CHANGED where
        another chunk came under them; AuditUnavailable.
        """
        if not _JOB.fullmatch(job) or not 0 < number <= MOST_CHUNKS:
            raise AccessDenied(
                "CHUNK_INVALID",
                f"Name the job `jb_` and 32 letters of your own, and number chunks from 1 to {MOST_CHUNKS}.",
            )
        client, now = grant.actor.client_id, self._clock()
        text = canonical({"case": [grant.mandate.id, grant.case_no], "contents": contents}).decode()
        digest = self._references.secret("chunk", client, job, str(number), text).hex()
        place = {"client": client, "job": job, "number": number}

        def keep(connection: Connection) -> Chunk:
            connection.execute(delete(check_chunk).where(check_chunk.c.begun_at < millis(now - KEPT)))
            found = connection.execute(select(check_chunk).filter_by(**place)).first()
            if found:
                until = found.begun_at / 1000 + KEPT.total_seconds()
                return Chunk(client, job, number, found.digest, found.position, until)
            position = head_of(connection)[0]
            row = {**place, "digest": digest, "position": position, "begun_at": millis(now)}
            connection.execute(insert(check_chunk).values(**row))
            return Chunk(client, job, number, digest, position, (now + KEPT).timestamp())

        try:
            chunk = await self._store.write(keep)
        except (SQLAlchemyError, OSError) as error:
            raise AuditUnavailable from error
        if not hmac.compare_digest(chunk.digest, digest):
            raise AccessDenied(
                "CHUNK_CHANGED",
                "Another chunk came under this number. Send the same again, or take a new number.",
            )
        return chunk

    async def count(self, client: str, job: str) -> int:
        """How many chunks of a job have come; raises AuditUnavailable."""
        query = select(func.count()).where(check_chunk.c.client == client, check_chunk.c.job == job)
        try:
            return await self._store.read(lambda connection: connection.execute(query).scalar_one())
        except (SQLAlchemyError, OSError) as error:
            raise AuditUnavailable from error

    async def recorded(self, chunk: Chunk, subject: SubjectKey) -> Recorded | None:
        """What was read of a subject when the chunk came before; None where it was refused.

        A refusal names nobody, for nobody was read. Raises AuditUnavailable.
        """
        begun, ended = None, None
        try:
            async for leaf in read_leaves(self._store, chunk.position, self._references.audit_refs(subject)):
                event: dict[str, Any] = leaf.event
                if event["phase"] == "OUTCOME" and begun and event["intentIndex"] == begun.index:
                    ended = event
                elif event.get("query", {}).get("chunk") == chunk.name and self._of_client(event, chunk):
                    begun, ended = leaf, None
        except (SQLAlchemyError, OSError, ValueError) as error:
            raise AuditUnavailable from error
        return Recorded(begun, ended) if begun else None

    def same(self, begun: Leaf, intent: Mapping[str, Any]) -> bool:
        """Whether an intent would say what is recorded: who reads which fields on what basis, just now."""
        event: dict[str, Any] = begun.event
        lately = self._clock() - datetime.fromisoformat(event["recordedAt"]) < SAME_READ
        return lately and all(event[name] == intent[name] for name in ("agent", "authorization", "entity"))

    @staticmethod
    def _of_client(event: Mapping[str, Any], chunk: Chunk) -> bool:
        return bool(event["agent"]["clientId"] == chunk.client)
