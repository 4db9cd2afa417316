"""The log refuses to change, and shows it when someone made it change."""

from base64 import b64decode

import orjson
import pytest
from joserfc import jws

from authz.audit import Fault, FaultKind, Verification
from authz.audit.checkpoints import Notary
from authz.audit.leaves import canonical
from authz.audit.merkle import EMPTY
from authz.audit.verification import verify_leaves
from authz.store import Store
from tests.support.audit_logs import KEYS, audit_log, intent
from tests.support.authz_parties import NOW, demo_keys, person
from tests.support.databases import Database
from tests.support.tampering import (
    change,
    fill,
    forge,
    literal,
    mend_roots,
    payload_of,
    swap,
    unlock,
    verified,
)

CHANGES = [
    "UPDATE audit_leaf SET subject = NULL",
    "UPDATE audit_leaf SET payload = payload WHERE leaf_index = 0",
    "UPDATE audit_leaf SET payload = NULL, subject = NULL WHERE leaf_index = 0",
    "DELETE FROM audit_leaf WHERE leaf_index = 5",
    "UPDATE audit_checkpoint SET statement = statement",
    "DELETE FROM audit_checkpoint",
    "UPDATE audit_subtree SET position = 1",
    "DELETE FROM audit_subtree",
]
OTHER_CHANGES = {
    "sqlite": [
        "INSERT OR REPLACE INTO audit_leaf SELECT 0, NULL, payload, leaf_hash, root FROM audit_leaf",
        "INSERT OR REPLACE INTO audit_checkpoint SELECT size, '' FROM audit_checkpoint",
        "INSERT OR REPLACE INTO audit_subtree SELECT height, position, X'00' FROM audit_subtree",
    ],
    "postgresql": [
        "TRUNCATE audit_leaf",
        "TRUNCATE audit_subtree",
        "TRUNCATE audit_checkpoint",
        "INSERT INTO audit_leaf SELECT 0, NULL, payload, leaf_hash, root FROM audit_leaf LIMIT 1 "
        "ON CONFLICT (leaf_index) DO UPDATE SET subject = NULL",
    ],
}


async def test_the_database_refuses_every_change(own_database: Database) -> None:
    await fill(own_database)
    await own_database.execute(f"INSERT INTO audit_subtree VALUES (8, 0, {literal(own_database, bytes(32))})")

    async def everything() -> list[tuple[object, ...]]:
        return [
            row
            for table in ("audit_leaf", "audit_subtree", "audit_checkpoint")
            for row in await own_database.fetch(f"SELECT * FROM {table} ORDER BY 1")
        ]

    before = await everything()
    assert len(before) == 6 + 1 + 1
    for statement in CHANGES + OTHER_CHANGES[own_database.engine]:
        with pytest.raises(Exception, match="append-only"):
            await own_database.execute(statement)
    assert await everything() == before


async def test_an_untouched_log_is_whole(own_database: Database) -> None:
    await fill(own_database)
    found = await verified(own_database)
    head = (await own_database.fetch("SELECT root FROM audit_leaf WHERE leaf_index = 5"))[0][0]
    assert found == Verification(6, head.hex(), None, signed=6, checkpoints=1)


async def test_an_empty_log_is_whole(own_database: Database) -> None:
    async with audit_log(own_database.url):
        pass
    assert await verified(own_database) == Verification(0, EMPTY.hex())


async def _without_a_suppression(database: Database, index: int) -> bytes:
    return (await payload_of(database, index)).replace(b'"suppressed":3', b'"suppressed":2')


async def test_one_flipped_byte_is_found_and_located(own_database: Database) -> None:
    await fill(own_database)
    await unlock(own_database)
    await change(own_database, 3, payload=await _without_a_suppression(own_database, 3))
    found = await verified(own_database)
    assert (found.leaves, found.fault) == (3, Fault(3, FaultKind.LEAF))


async def test_a_forger_who_mends_the_hash_breaks_the_tree(own_database: Database) -> None:
    await fill(own_database)
    await unlock(own_database)
    await forge(own_database, 3, await _without_a_suppression(own_database, 3))
    found = await verified(own_database)
    assert (found.leaves, found.fault) == (3, Fault(3, FaultKind.TREE))
    await mend_roots(own_database, only=3)
    assert (await verified(own_database)).fault == Fault(4, FaultKind.TREE)


async def test_a_forger_who_mends_the_whole_tree_breaks_what_was_signed(own_database: Database) -> None:
    await fill(own_database, 2)
    await fill(own_database, 4)
    await unlock(own_database)
    await forge(own_database, 3, await _without_a_suppression(own_database, 3))
    await mend_roots(own_database)
    found = await verified(own_database)
    assert found.fault == Fault(2, FaultKind.HISTORY), "altered since the checkpoint over two events"
    assert (found.signed, found.leaves) == (2, 5)


async def test_a_removed_event_is_a_gap(own_database: Database) -> None:
    await fill(own_database)
    await unlock(own_database)
    await own_database.execute("DELETE FROM audit_leaf WHERE leaf_index = 2")
    assert (await verified(own_database)).fault == Fault(2, FaultKind.GAP)
    for index in (3, 4, 5):
        await own_database.execute(
            f"UPDATE audit_leaf SET leaf_index = {index - 1} WHERE leaf_index = {index}"
        )
    assert (await verified(own_database)).fault == Fault(2, FaultKind.TREE), "renumbering hides nothing"
    await mend_roots(own_database)
    assert (await verified(own_database)).fault == Fault(5, FaultKind.TAIL)


async def test_a_reordered_pair_is_located(own_database: Database) -> None:
    await fill(own_database)
    await unlock(own_database)
    await swap(own_database, 2, 4)
    assert (await verified(own_database)).fault == Fault(2, FaultKind.TREE)
    await mend_roots(own_database)
    assert (await verified(own_database)).fault == Fault(0, FaultKind.HISTORY)


async def test_a_cut_tail_is_found_by_what_was_signed(own_database: Database) -> None:
    await fill(own_database)
    async with audit_log(own_database.url) as log:
        kept = await log.checkpoint()
        assert kept
    await unlock(own_database)
    await own_database.execute("DELETE FROM audit_leaf WHERE leaf_index > 3")
    assert (await verified(own_database)).fault == Fault(4, FaultKind.TAIL)
    await own_database.execute("DELETE FROM audit_checkpoint")
    assert (await verified(own_database)).fault is None, "cut together with its checkpoints"
    assert (await verified(own_database, [kept])).fault == Fault(4, FaultKind.TAIL), "one was kept elsewhere"


async def test_a_log_that_was_cut_and_went_on_is_not_the_one_that_was_signed(own_database: Database) -> None:
    await fill(own_database)
    async with audit_log(own_database.url) as log:
        kept = await log.checkpoint()
        assert kept
    await unlock(own_database)
    await own_database.execute("DELETE FROM audit_leaf WHERE leaf_index > 3", "DELETE FROM audit_checkpoint")
    await fill(own_database)
    assert (await verified(own_database)).fault is None
    assert (await verified(own_database, [kept])).fault == Fault(0, FaultKind.HISTORY)


async def _replace_statement(database: Database, statement: str, size: int = 6) -> None:
    await database.execute(f"UPDATE audit_checkpoint SET statement = '{statement}', size = {size}")


@pytest.mark.parametrize("size", [4, 6])
async def test_a_forged_checkpoint_is_found(own_database: Database, size: int) -> None:
    await fill(own_database)
    await unlock(own_database)
    rows = await own_database.fetch(f"SELECT root FROM audit_leaf WHERE leaf_index = {size - 1}")
    by_another_key = Notary(demo_keys(), "gw-990100").sign(size, bytes(rows[0][0]), NOW)
    await _replace_statement(own_database, by_another_key, size)
    assert (await verified(own_database)).fault == Fault(size - 1, FaultKind.CHECKPOINT)


@pytest.mark.parametrize("statement", ["", "a.b.c", "e30.e30.e30"])
async def test_rubbish_is_no_checkpoint(own_database: Database, statement: str) -> None:
    await fill(own_database)
    await unlock(own_database)
    await _replace_statement(own_database, statement)
    assert (await verified(own_database)).fault == Fault(5, FaultKind.CHECKPOINT)


async def test_a_checkpoint_speaks_for_its_own_size_only(own_database: Database) -> None:
    await fill(own_database)
    await unlock(own_database)
    await own_database.execute("UPDATE audit_checkpoint SET size = 5")
    assert (await verified(own_database)).fault == Fault(4, FaultKind.CHECKPOINT)


async def test_what_is_signed_as_something_else_is_no_checkpoint(own_database: Database) -> None:
    await fill(own_database)
    await unlock(own_database)
    root = (await own_database.fetch("SELECT root FROM audit_leaf WHERE leaf_index = 5"))[0][0]
    header, head, _ = Notary(KEYS, "gw").sign(6, bytes(root), NOW).split(".")
    assert orjson.loads(b64decode(header + "==")) == {
        "alg": "ES256",
        "kid": KEYS.checkpoint_key.kid,
        "typ": "audit-checkpoint+jws",
    }
    key = KEYS.checkpoint_key
    other = jws.serialize_compact({"alg": "ES256", "kid": key.kid}, b64decode(head + "=="), key)
    await _replace_statement(own_database, other)
    assert (await verified(own_database)).fault == Fault(5, FaultKind.CHECKPOINT)


async def test_an_altered_subtree_is_found(own_database: Database) -> None:
    await fill(own_database, 300)
    assert (await verified(own_database)).fault is None
    await unlock(own_database)
    await own_database.execute(f"UPDATE audit_subtree SET hash = {literal(own_database, bytes(32))}")
    assert (await verified(own_database)).fault == Fault(255, FaultKind.SUBTREE)
    await own_database.execute("DELETE FROM audit_subtree")
    assert (await verified(own_database)).fault == Fault(255, FaultKind.SUBTREE)


async def test_nothing_is_appended_to_a_log_that_was_altered(own_database: Database) -> None:
    await fill(own_database)
    await unlock(own_database)
    await forge(own_database, 5, await _without_a_suppression(own_database, 5))
    async with audit_log(own_database.url) as log:
        with pytest.raises(Exception, match="audit log cannot be written"):
            await log.intent(intent())
    await own_database.execute("DELETE FROM audit_leaf WHERE leaf_index > 3")
    async with audit_log(own_database.url) as log:
        with pytest.raises(Exception, match="audit log cannot be written"):
            await log.intent(intent())
    assert len(await own_database.fetch("SELECT 1 FROM audit_leaf")) == 4
    assert len(await own_database.fetch("SELECT 1 FROM audit_checkpoint")) == 1, "nor is it signed again"


async def test_hiding_an_event_from_its_subject_is_found(own_database: Database) -> None:
    await fill(own_database)
    await unlock(own_database)
    await own_database.execute("UPDATE audit_leaf SET subject = NULL WHERE leaf_index = 4")
    async with audit_log(own_database.url) as log:
        assert [leaf.index async for leaf in log.read(subject=person(3))] == [5]
    assert (await verified(own_database)).fault == Fault(4, FaultKind.SUBJECT)


@pytest.mark.parametrize("rubbish", [b"not json", b"[1]", b""])
async def test_a_leaf_that_is_no_event_is_found(own_database: Database, rubbish: bytes) -> None:
    await fill(own_database)
    await unlock(own_database)
    await forge(own_database, 5, rubbish)
    await mend_roots(own_database)
    assert (await verified(own_database)).fault == Fault(5, FaultKind.EVENT)


async def test_progress_is_told_up_to_the_end(sqlite: Database) -> None:
    await fill(sqlite)
    told: list[tuple[int, int]] = []
    async with Store(sqlite.url) as store:
        await verify_leaves(store, Notary(KEYS, "any"), progress=lambda *each: told.append(each))
    assert told == [(done, 6) for done in range(1, 7)]


def test_payloads_are_canonical_json() -> None:
    # the string of RFC 8785 §3.2.3, and members in order
    members = {"b": [True, None, 12], "a": '\u20ac$\u000f\nA\'B"\\\\"/'}
    assert canonical(members) == b'{"a":"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/","b":[true,null,12]}'
    assert canonical({"a": 1, "b": 2}) == canonical({"b": 2, "a": 1})
    with pytest.raises(TypeError):
        canonical({"a": 2**60})


async def test_text_in_place_of_bytes_is_a_finding_too(sqlite: Database) -> None:
    await fill(sqlite)
    await unlock(sqlite)
    await sqlite.execute(
        "UPDATE audit_leaf SET payload = replace(payload, 'S02', 'S03') WHERE leaf_index = 4"
    )
    assert (await verified(sqlite)).fault == Fault(4, FaultKind.LEAF)
    await sqlite.execute("UPDATE audit_leaf SET root = 'no head' WHERE leaf_index = 3")
    assert (await verified(sqlite)).fault == Fault(3, FaultKind.TREE)
