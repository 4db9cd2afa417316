"""Each piece of authorization is measured beside the least that could do it."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from authz.audit import AuditLog
from authz.consent.states import State
from authz.consent.tables import consent
from authz.store import Store
from bench import authorization
from bench.prepare import deployment
from bench.reads import of_bank, recorder
from catalogue.values import CHINA_TIME
from gateway.deployment import deploy
from gateway.parts import origin_of
from gateway.settings import load_settings


def test_every_piece_is_measured_and_the_expensive_ones_have_a_floor() -> None:
    ((*pieces,),) = authorization.measure(rounds=1)
    floors = {piece.name: piece.ratio for piece in pieces}
    assert [name for name, ratio in floors.items() if ratio] == [
        "access token, first sight",
        "DPoP proof",
        *(
            f"two audit events{counted}, {number} at a time{processor}"
            for counted in ("", ", quota and case counted", ", quota and consent's use counted")
            for number in (1, 32)
            for processor in ("", ", processor")
        ),
    ]
    assert all(piece.ours > 0 for piece in pieces)


async def test_a_read_on_a_consent_makes_its_only_use(tmp_path: Path) -> None:
    gateway = deploy(load_settings(deployment(tmp_path, 1_000, 0), environ={}), demo=True)
    async with (
        Store(f"sqlite:///{tmp_path / 'consents.db'}") as store,
        AuditLog(store, gateway.keys, origin_of(gateway.catalogue)) as log,
    ):
        read = recorder(log, await of_bank(gateway, store, datetime.now(CHINA_TIME), 2))
        await read(1)
        async with store.reading() as connection:
            found = (await connection.execute(select(consent.c.state, consent.c.uses))).all()
        assert sorted(tuple(row) for row in found) == [(State.ACTIVE, 0), (State.USED_UP, 1)]
        assert len(await authorization.leaves(store)) == 2
