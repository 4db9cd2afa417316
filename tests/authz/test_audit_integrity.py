"""The log refuses to change, and shows it when someone made it change."""

import hashlib

import pytest

from authz.audit import Fault, FaultKind, Verification
from authz.audit.leaves import GENESIS, canonical, chain_hash, leaf_hash
from tests.support.audit_logs import audit_log, intent, outcome
from tests.support.authz_parties import person
from tests.support.databases import Database


async def _filled(database: Database) -> None:
    async with audit_log(database.url) as log:
        for serial in (1, 2, 3):
            await log.outcome(await log.intent(intent(serial)), outcome())


async def _verified(database: Database) -> Verification:
    async with audit_log(database.url) as log:
        return await log.verify()


CHANGES = [
    "UPDATE audit_leaf SET subject = NULL",
    "UPDATE audit_leaf SET payload = payload WHERE leaf_index = 0",
    "DELETE FROM audit_leaf WHERE leaf_index = 5",
]
OTHER_CHANGES = {
    "sqlite": [
        "INSERT OR REPLACE INTO audit_leaf SELECT 0, NULL, payload, leaf_hash, chain_hash FROM audit_leaf"
    ],
    "postgresql": [
        "TRUNCATE audit_leaf",
        "INSERT INTO audit_leaf SELECT 0, NULL, payload, leaf_hash, chain_hash FROM audit_leaf LIMIT 1 "
        "ON CONFLICT (leaf_index) DO UPDATE SET subject = NULL",
    ],
}


async def test_the_database_refuses_every_change(own_database: Database) -> None:
    await _filled(own_database)
    before = await own_database.fetch("SELECT * FROM audit_leaf ORDER BY leaf_index")
    assert len(before) == 6
    for statement in CHANGES + OTHER_CHANGES[own_database.engine]:
        with pytest.raises(Exception, match="append-only"):
            await own_database.execute(statement)
    assert await own_database.fetch("SELECT * FROM audit_leaf ORDER BY leaf_index") == before


async def _unlock(database: Database) -> None:
    """What an administrator with all rights could do."""
    if database.engine == "sqlite":
        for trigger in ("update", "delete", "replace"):
            await database.execute(f"DROP TRIGGER audit_leaf_no_{trigger}")
    else:
        await database.execute("DROP TRIGGER audit_leaf_append_only ON audit_leaf")


def _bytes(database: Database, value: bytes) -> str:
    return f"X'{value.hex()}'" if database.engine == "sqlite" else f"'\\x{value.hex()}'::bytea"


async def _rewrite(database: Database, index: int, payload: bytes, *, leaf: bool, chain: bool) -> None:
    """Replace a payload, and the hashes that a more careful forger would replace too."""
    columns = {"payload": payload}
    if leaf:
        columns["leaf_hash"] = leaf_hash(payload)
    if chain:
        earlier = await database.fetch(f"SELECT chain_hash FROM audit_leaf WHERE leaf_index = {index - 1}")
        columns["chain_hash"] = chain_hash(earlier[0][0] if earlier else GENESIS, leaf_hash(payload))
    changes = ", ".join(f"{name} = {_bytes(database, value)}" for name, value in columns.items())
    await database.execute(f"UPDATE audit_leaf SET {changes} WHERE leaf_index = {index}")


async def _payload(database: Database, index: int) -> bytes:
    return bytes((await database.fetch(f"SELECT payload FROM audit_leaf WHERE leaf_index = {index}"))[0][0])


async def test_an_untouched_log_is_whole(own_database: Database) -> None:
    await _filled(own_database)
    verified = await _verified(own_database)
    assert (verified.leaves, verified.fault) == (6, None)
    head = (await own_database.fetch("SELECT chain_hash FROM audit_leaf WHERE leaf_index = 5"))[0][0]
    assert verified.head == head.hex()


async def test_an_empty_log_is_whole(own_database: Database) -> None:
    assert await _verified(own_database) == Verification(0, GENESIS.hex())


async def test_one_flipped_byte_is_found_and_located(own_database: Database) -> None:
    await _filled(own_database)
    await _unlock(own_database)
    flipped = (await _payload(own_database, 3)).replace(b'"suppressed":3', b'"suppressed":2')
    await _rewrite(own_database, 3, flipped, leaf=False, chain=False)
    verified = await _verified(own_database)
    assert (verified.leaves, verified.fault) == (3, Fault(3, FaultKind.LEAF))


@pytest.mark.parametrize(
    ("chain", "found"), [(False, Fault(3, FaultKind.CHAIN)), (True, Fault(4, FaultKind.CHAIN))]
)
async def test_a_forger_who_mends_the_hashes_breaks_the_chain(
    own_database: Database, chain: bool, found: Fault
) -> None:
    await _filled(own_database)
    await _unlock(own_database)
    forged = (await _payload(own_database, 3)).replace(b'"suppressed":3', b'"suppressed":2')
    await _rewrite(own_database, 3, forged, leaf=True, chain=chain)
    assert (await _verified(own_database)).fault == found


async def test_a_missing_leaf_is_a_gap(own_database: Database) -> None:
    await _filled(own_database)
    await _unlock(own_database)
    await own_database.execute("DELETE FROM audit_leaf WHERE leaf_index = 2")
    assert (await _verified(own_database)).fault == Fault(3, FaultKind.GAP)


async def test_hiding_an_event_from_its_subject_is_found(own_database: Database) -> None:
    await _filled(own_database)
    await _unlock(own_database)
    await own_database.execute("UPDATE audit_leaf SET subject = NULL WHERE leaf_index = 4")
    async with audit_log(own_database.url) as log:
        assert [leaf.index async for leaf in log.read(subject=person(3))] == [5]
    assert (await _verified(own_database)).fault == Fault(4, FaultKind.SUBJECT)


@pytest.mark.parametrize("rubbish", [b"not json", b"[1]"])
async def test_a_leaf_that_is_no_event_is_found(own_database: Database, rubbish: bytes) -> None:
    await _filled(own_database)
    await _unlock(own_database)
    await _rewrite(own_database, 5, rubbish, leaf=True, chain=True)
    assert (await _verified(own_database)).fault == Fault(5, FaultKind.EVENT)


def test_a_leaf_is_hashed_as_rfc_6962_says() -> None:
    # the one-leaf tree of the empty entry, from the test vectors of Certificate Transparency
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert chain_hash(GENESIS, leaf_hash(b"")) == hashlib.sha256(bytes(32) + leaf_hash(b"")).digest()


def test_payloads_are_canonical_json() -> None:
    # the string of RFC 8785 §3.2.3, and members in order
    members = {"b": [True, None, 12], "a": '\u20ac$\u000f\nA\'B"\\\\"/'}
    assert canonical(members) == b'{"a":"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/","b":[true,null,12]}'
    assert canonical({"a": 1, "b": 2}) == canonical({"b": 2, "a": 1})
    with pytest.raises(TypeError):
        canonical({"a": 2**60})
