"""What it costs to know who asks, to decide, and to leave a proof, each against the least that could do it.

In one process, without HTTP and departments; a part of `make bench`, or `python -m bench.authorization`.
A signature costs at least its verification by the same library, an event at least its row, as durable
and in the same groups, written by hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Annotated, Any, Final

import orjson
import typer
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64decode
from rich.console import Console
from rich.table import Table

from authz.audit import AuditLog
from authz.audit.tables import audit_leaf
from authz.declarations import ReasonCode
from authz.demo_tokens import issue_token
from authz.dpop import Nonces, check_proof, make_proof
from authz.grants import Statutory
from authz.mandates import CaseClaim
from authz.policy import decision_table
from authz.store import Store
from bench.floor.audit import Audit
from bench.prepare import AUDIENCE, CLIENT, ISSUER, deployment
from bench.reads import Reads, of_bank, of_officer, recorder
from catalogue.identifiers import SubjectKind
from catalogue.values import CHINA_TIME
from gateway.deployment import Deployment, deploy
from gateway.parts import origin_of
from gateway.settings import load_settings

ROUNDS: Final = 5
OPERATIONS: Final = 640
CLIENTS: Final = (1, 32)
CONSENT: Final = "quota and consent's use"
COUNTED: Final = ("", "quota and case", CONSENT)
"""What is counted with the events of a read, if anything."""
URL: Final = "https://gateway.example.cn/graphql"


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of work: microseconds each time, of ours and of the least that could do it."""

    name: str
    ours: float
    floor: float | None = None

    @property
    def ratio(self) -> float | None:
        return self.ours / self.floor if self.floor else None


@dataclass(frozen=True, slots=True)
class Bench:
    """What all pieces work with."""

    gateway: Deployment
    state: Path
    now: datetime

    @property
    def grant(self) -> Statutory:
        client = self.gateway.clients.active(CLIENT, self.now.date())
        actor = self.gateway.verifier.verify(self.token(), self.now)
        claim = CaseClaim(
            "S06",
            "BENCH-2026-0001",
            "special occupations",
            reason=ReasonCode.QUALIFICATION_REVIEW,
            no_conflict=True,
        )
        assert client.organization == actor.organization
        return self.gateway.mandates.grant(actor, claim, self.now.date())

    def token(self) -> str:
        return issue_token(
            self.gateway.keys,
            self.gateway.clients.active(CLIENT, self.now.date()),
            issuer=ISSUER,
            audience=AUDIENCE,
            now=self.now,
            lifetime=timedelta(hours=2),
            operator="op-0001",
        )


def pieces(bench: Bench) -> list[Piece]:
    """All of them, in the order of a request."""
    return [*tokens(bench), proofs(bench), *decisions(bench), *asyncio.run(events(bench))]


def each_of(work: Sequence[Callable[[], object]]) -> float:
    """Microseconds that one piece takes."""
    start = perf_counter()
    for one in work:
        one()
    return (perf_counter() - start) / len(work) * 1e6


def verification(signed: str, public: Any) -> Callable[[], object]:  # noqa: ANN401 - a key of the library
    """The one ES256 verification that a signed text cannot be believed without."""
    text, _, tail = signed.rpartition(".")
    raw = urlsafe_b64decode(tail.encode())
    number = int.from_bytes
    signature = encode_dss_signature(number(raw[:32], "big"), number(raw[32:], "big"))
    return lambda: public.verify(signature, text.encode(), ec.ECDSA(hashes.SHA256()))


def tokens(bench: Bench) -> list[Piece]:
    """An access token that was never seen, and one that was."""
    fresh = [bench.token() for _ in range(200)]
    public = bench.gateway.keys.signing_key.public_key
    verify = bench.gateway.verifier.verify
    least = each_of([verification(token, public) for token in fresh])
    first = each_of([lambda token=token: verify(token, bench.now) for token in fresh])
    again = each_of([lambda token=token: verify(token, bench.now) for token in fresh])
    return [Piece("access token, first sight", first, least), Piece("access token, seen before", again)]


def proofs(bench: Bench) -> Piece:
    """A DPoP proof, which is new with every request."""
    key = ECKey.generate_key("P-256")
    nonces = Nonces(bench.gateway.keys)
    nonce = nonces.current(bench.now)
    signed = [make_proof(key, method="POST", url=URL, now=bench.now, nonce=nonce) for _ in range(200)]
    least = each_of([verification(proof, key.public_key) for proof in signed])

    def check(proof: str) -> object:
        return check_proof(proof, method="POST", url=URL, nonces=nonces, now=bench.now)

    return Piece("DPoP proof", each_of([lambda proof=proof: check(proof) for proof in signed]), least)


def decisions(bench: Bench) -> list[Piece]:
    """What a grant may read of eight record types, worked out and looked up."""
    grant = bench.grant
    types = [bench.gateway.catalogue.record_types[code] for code in grant.mandate.record_types]
    days = [replace(grant, granted_on=grant.granted_on + timedelta(days=day)) for day in range(25)]

    def decide(which: Statutory) -> object:
        return decision_table(which, types, SubjectKind.NATURAL_PERSON, personal=True)

    new = each_of([lambda day=day: decide(day) for day in days])
    return [
        Piece("decisions on a new grant", new),
        Piece("decisions, seen before", each_of([lambda: decide(grant)] * 200)),
    ]


async def events(bench: Bench) -> list[Piece]:
    """The two durable events of a read, bare and with what is counted in their transactions.

    The floor writes the bytes of the two events, and counts nothing.
    """
    return [
        piece
        for counted in COUNTED
        for clients in CLIENTS
        for piece in await _events(bench, clients, counted)
    ]


async def _events(bench: Bench, clients: int, counted: str) -> list[Piece]:
    """By the clock, which others' use of the disk is in, and by the processor."""
    file = f"{'-'.join(counted.split()) or 'bare'}-{clients}.db"
    async with (
        Store(f"sqlite:///{bench.state / f'audit-{file}'}") as store,
        AuditLog(store, bench.gateway.keys, origin_of(bench.gateway.catalogue)) as log,
        Audit(bench.state / f"floor-{file}") as least,
    ):
        read = recorder(log, await _reads(bench, store, counted))
        await read(OPERATIONS)
        intent, outcome = [orjson.loads(leaf.payload) for leaf in await leaves(store)]

        async def by_hand(number: int) -> None:
            await least.append(intent, str(number))
            await least.append(outcome, str(number))

        ours, floor = await at_once(read, clients), await at_once(by_hand, clients)
    counts = f", {counted} counted" if counted else ""
    name = f"two audit events{counts}, {clients} at a time"
    return [Piece(name, ours[0], floor[0]), Piece(f"{name}, processor", ours[1], floor[1])]


async def _reads(bench: Bench, store: Store, counted: str) -> Reads:
    if counted == CONSENT:
        return await of_bank(bench.gateway, store, bench.now, OPERATIONS + 1)
    return of_officer(bench.gateway, bench.grant, counted=bool(counted))


async def leaves(store: Store) -> list[Any]:
    async with store.reading() as connection:
        return list((await connection.execute(audit_leaf.select().order_by(audit_leaf.c.leaf_index))).all())


async def at_once(work: Callable[[int], Awaitable[None]], clients: int) -> tuple[float, float]:
    """Microseconds an operation takes when so many are under way: of the clock, and of the processor."""
    numbers = iter(range(OPERATIONS))

    async def client() -> None:
        for number in numbers:
            await work(number)

    start, used = perf_counter(), process_time()
    await asyncio.gather(*(client() for _ in range(clients)))
    return (perf_counter() - start) / OPERATIONS * 1e6, (process_time() - used) / OPERATIONS * 1e6


def measure(rounds: int = ROUNDS) -> list[list[Piece]]:
    """Every piece in every round."""
    found = []
    for _ in range(rounds):
        with TemporaryDirectory(prefix="credit-bench-") as folder:
            state = Path(folder)
            settings = load_settings(deployment(state, 1_000, 0), environ={})
            bench = Bench(deploy(settings, demo=True), state, datetime.now(CHINA_TIME))
            found.append(pieces(bench))
    return found


def show(found: list[list[Piece]]) -> None:
    """Medians and spread."""
    table = Table("piece of a request", "µs", "the least, µs", "times the least")
    for same in zip(*found, strict=True):
        ours, floors = [each.ours for each in same], [each.floor for each in same if each.floor]
        ratios = [each.ratio for each in same if each.ratio]
        table.add_row(same[0].name, _spread(ours), _spread(floors), _spread(ratios, 2))
    Console(width=110).print(table)


def _spread(values: list[float], digits: int = 0) -> str:
    if not values:
        return ""
    return f"{median(values):,.{digits}f} ({min(values):,.{digits}f}–{max(values):,.{digits}f})"


def main(rounds: Annotated[int, typer.Option(min=1, max=20, help="Rounds.")] = ROUNDS) -> None:
    """Measure the pieces of authorization and audit beside the least that could do each."""
    show(measure(rounds))


if __name__ == "__main__":
    typer.run(main)
