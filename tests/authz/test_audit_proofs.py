"""Proofs out of a real store, against trees computed from the leaves alone."""

import asyncio

import pytest

from authz.audit import AuditLog, FaultKind, ProofRefused
from authz.audit.merkle import Frontier, leaf_hash
from authz.audit.tree import TreeDamaged, frontier_of, span_hash
from authz.store import Store
from tests.support.audit_logs import KEYS, ORIGIN, audit_log, intent
from tests.support.authz_parties import NOW
from tests.support.databases import Database
from tests.support.merkle_checks import grew, leads_to
from tests.support.processes import eventually
from tests.support.tampering import fill, forge, unlock, verified


async def test_every_kind_of_leaf_is_proven_to_the_newest_checkpoint(own_database: Database) -> None:
    async with audit_log(own_database.url) as log:
        await asyncio.gather(*(log.intent(intent()) for _ in range(700)))
        await log.sign()
        payloads = [leaf.payload async for leaf in log.read()]
        for index in (0, 1, 255, 256, 511, 512, 698, 699):
            proof = await log.prove(index)
            assert proof.leaf == payloads[index]
            assert (proof.index, proof.checkpoint.size) == (index, 700)
            assert leads_to(leaf_hash(proof.leaf), index, 700, proof.path, proof.checkpoint.root)
            assert not leads_to(leaf_hash(b"another"), index, 700, proof.path, proof.checkpoint.root)


async def test_growth_is_proven_from_every_size(own_database: Database) -> None:
    async with audit_log(own_database.url) as log:
        await asyncio.gather(*(log.intent(intent()) for _ in range(600)))
        await log.sign()
        roots = [leaf.root async for leaf in log.read()]
        for old in (1, 2, 255, 256, 257, 511, 512, 513, 599, 600):
            proof = await log.prove_growth(old)
            new = proof.checkpoint
            assert grew(old, roots[old - 1], new.size, new.root, proof.path)
            assert not grew(old, bytes(32), new.size, new.root, proof.path)


async def test_a_tree_is_taken_up_at_any_size(own_database: Database) -> None:
    tree = Frontier()
    async with audit_log(own_database.url) as log:
        await asyncio.gather(*(log.intent(intent()) for _ in range(520)))
        hashes = [leaf.leaf_hash async for leaf in log.read()]
    async with Store(own_database.url) as store, store.reading() as connection:
        for size, each in enumerate(hashes, 1):
            tree.append(each)
            if size % 37 == 0 or size in {1, 255, 256, 257, 512, 513, 520}:
                found = await connection.run_sync(frontier_of, size)
                assert (found.size, found.root) == (size, tree.root)
                assert await connection.run_sync(span_hash, (0, size)) == tree.root
        with pytest.raises(TreeDamaged):
            await connection.run_sync(frontier_of, 521)


async def test_a_log_is_signed_at_each_thousand_from_time_to_time_and_at_the_end(
    own_database: Database,
) -> None:
    async def sizes() -> list[int]:
        return [row[0] for row in await own_database.fetch("SELECT size FROM audit_checkpoint ORDER BY 1")]

    async with audit_log(own_database.url, clock=lambda: NOW) as log:
        assert await log.checkpoint() is None
        await log.intent(intent())
        assert await sizes() == []
        for _ in range(5):
            await asyncio.gather(*(log.intent(intent()) for _ in range(256)))
        (signed,) = await sizes()
        assert 1_024 <= signed < 1_024 + 256, "in the transaction that passed the number"
        newest = await log.checkpoint()
        assert newest
        assert (newest.size, newest.at, newest.key_id) == (signed, NOW, KEYS.checkpoint_key.kid)
        await log.sign()
        await log.sign()
        assert await sizes() == [signed, 1_281]
        await log.intent(intent())
    assert await sizes() == [signed, 1_281, 1_282]
    async with audit_log(own_database.url):
        pass
    assert await sizes() == [signed, 1_281, 1_282], "nothing new, nothing to sign"


async def test_an_idle_log_is_signed_soon(own_database: Database) -> None:
    async with audit_log(own_database.url, settle_every=0.01) as log:
        await log.intent(intent())
        assert await eventually(log.checkpoint)


async def test_what_is_not_signed_is_not_proven(own_database: Database) -> None:
    async with audit_log(own_database.url) as log:
        for refused in (log.prove(0), log.prove_growth(1)):
            with pytest.raises(ProofRefused) as fault:
                await refused
            assert fault.value.code == "NOTHING_SIGNED"
        await log.intent(intent())
        await log.sign()
        await log.intent(intent())
        assert (await log.prove(0)).checkpoint.size == 1
        for index in (1, -1):
            with pytest.raises(ProofRefused) as fault:
                await log.prove(index)
            assert fault.value.code == "LEAF_NOT_SIGNED"
        for size in (0, 2):
            with pytest.raises(ProofRefused) as fault:
                await log.prove_growth(size)
            assert fault.value.code == "SIZE_NOT_SIGNED"


async def test_an_altered_log_proves_nothing(own_database: Database) -> None:
    await fill(own_database)
    await unlock(own_database)
    await forge(own_database, 3, b"{}")
    async with Store(own_database.url) as store:
        log = AuditLog(store, KEYS, ORIGIN)
        for refused in (log.prove(0), log.prove_growth(2)):
            with pytest.raises(ProofRefused) as fault:
                await refused
            assert fault.value.code == "LOG_DAMAGED"
    await own_database.execute("DELETE FROM audit_leaf WHERE leaf_index = 1")
    async with Store(own_database.url) as store:
        with pytest.raises(ProofRefused) as fault:
            await AuditLog(store, KEYS, ORIGIN).prove(0)
        assert fault.value.code == "LOG_DAMAGED"
    found = (await verified(own_database)).fault
    assert found
    assert found.kind is FaultKind.GAP
