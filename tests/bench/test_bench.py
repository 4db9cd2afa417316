"""The bench measures what it says: the same answers, counted whole, about persons who exist."""

import random
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiohttp import web
from graphql import parse
from sqlalchemy.engine import make_url

from bench import data, load, npm, prepare
from bench.agreement import check, compare_check
from bench.contender import CHUNKED, Sample, Setting, running
from bench.errors import BenchError
from bench.floor.sections import SECTIONS
from bench.load import Plan, Result, is_whole
from bench.persons import person
from bench.ports import free_port
from bench.question import ASKED, QUERY, federated, tabular, without
from bench.report import goals, markdown, ratios, summary
from bench.rounds import CONTENDERS, Choice, Turn
from bench.workloads import BESIDE, ONE, WORKLOADS, hanging
from catalogue.identifiers import normalize_citizen_id
from tests.support.databases import Database

PERSONS = 60


@pytest.fixture
def setting(
    tmp_path: Path, postgresql: Database, mariadb: Database, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Setting]:
    """A small county of the bench's own on both servers, which no other run of tests shares or left."""
    monkeypatch.setenv("BENCH_DATABASES", f"bench_{uuid.uuid4().hex[:12]}")
    for name, database in (("POSTGRESQL", postgresql), ("MARIADB", mariadb)):
        server = make_url(database.url).set(database="").render_as_string(hide_password=False)
        monkeypatch.setenv(f"BENCH_{name}_URL", server)
    data.fill(PERSONS, data.missing(PERSONS), lambda _: None)
    try:
        port = free_port()
        prepare.deployment(tmp_path, PERSONS, port)
        token = (tmp_path / "token").read_text()
        yield Setting(tmp_path, PERSONS, port, token, QUERY, 0, (0,))
    finally:
        data.drop(PERSONS)


@pytest.mark.postgresql
@pytest.mark.mariadb
def test_the_run_goes_on_only_with_equal_and_whole_answers(setting: Setting) -> None:
    assert data.missing(PERSONS) == []
    check(setting)
    with running("floor+audit", setting) as floor:
        sample = floor.load(clients=4, warm_up=0.1, seconds=0.5, seed=1)[ONE.name]
        assert floor.ask(PERSONS) == {"data": {"subject": None}}
    assert sample.requests > 0
    assert sample.wrong == 0
    _misread_stages(setting.state)
    with pytest.raises(BenchError, match=r"teacherCertificates\.records\.0\.teachingStage"):
        check(setting, ("floor", "gateway"))


@pytest.mark.postgresql
@pytest.mark.mariadb
def test_workloads_are_what_their_names_say(setting: Setting) -> None:
    data.enlarge(PERSONS)
    data.enlarge(PERSONS)  # what is there stays
    # few persons have numbers in a row, which the gateway refuses
    many_asked, new_asked, hanging_asked = (
        replace(WORKLOADS[name], large=True) for name in ("100 subjects", "new document", "one hangs")
    )
    chunk_asked = replace(many_asked, subjects=20)  # there are 32 of them
    with running("gateway", setting) as gateway:
        in_chunks = replace(gateway, name=CHUNKED).load(1, 0.1, 0.5, 1, chunk_asked)[many_asked.name]
        samples = gateway.load(2, 0.1, 0.5, 1, WORKLOADS["100 KB"])
        samples |= gateway.load(1, 0.1, 0.5, 1, many_asked)
        samples |= gateway.load(2, 0.1, 0.5, 1, new_asked)
        with hanging(hanging_asked, PERSONS):
            samples |= gateway.load(2, 0.1, 0.5, 1, hanging_asked)
    assert samples.keys() == {"100 KB", "100 subjects", "new document", "one hangs", BESIDE}
    assert {each.wrong for each in samples.values()} == {0}
    assert samples["100 KB"].bytes > 100_000
    assert samples["100 subjects"].total >= 100 * samples["100 subjects"].requests
    assert in_chunks.wrong == 0
    assert in_chunks.total >= 20 * in_chunks.requests
    # those who do not ask the department that hangs do not wait for its deadline
    assert samples[BESIDE].requests > samples["one hangs"].requests
    log = (setting.state / "gateway.log").read_text()
    assert len(set(re.findall(r'"operation":"(New\w+)"', log))) > 1
    assert '"fg=OK"' in log
    assert re.search(r'"fg=(?!OK)', log)


def _misread_stages(state: Path) -> None:
    """Give the gateway a manifest that reads one code differently."""
    shipped, ours = prepare.HERE / "deployment" / "sources", state / "sources"
    ours.mkdir()
    for path in shipped.iterdir():
        text = path.read_text(encoding="utf-8")
        (ours / path.name).write_text(text.replace('"1": 小学', '"1": 幼儿园'), encoding="utf-8")
    config = state / "gateway.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace(str(shipped), str(ours)), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, None),
        ({"result": "NONE", "records": []}, "has not found what gateway has of teacherCertificates"),
        ({"records": []}, "has not found what gateway has of teacherCertificates"),
        ({"records": [{"banKind": None, "name": "王**"}]}, r"differ in teacherCertificates\.name"),
    ],
)
def test_a_chunk_must_find_what_a_read_has(change: dict[str, object], said: str | None) -> None:
    subject: dict[str, Any] = {"displayName": "李**"}
    items = []
    for asked in ASKED:
        record = {field: f"some {field}" for field in asked.fields}
        records = [{"recordType": asked.name, "provenance": {}} | record]
        subject.setdefault(asked.group, {})[asked.name] = {"records": records}
        item = {"recordType": asked.name, "result": "PRESENT", "records": [{"recordId": "rr_a"} | record]}
        items.append(item | (change if asked.name == "teacherCertificates" else {}))
    row = {"refusal": None, "check": {"displayName": "李**", "items": items}}
    answers = {"data": {"subject": subject}}, {"data": {"mustCheckChunk": {"rows": [row]}}}
    with pytest.raises(BenchError, match=said) if said else nullcontext():
        compare_check(*answers)
    refused = {"data": {"mustCheckChunk": {"rows": [{"refusal": {"code": "NO_SUBJECT"}, "check": None}]}}}
    with pytest.raises(BenchError, match="refused: NO_SUBJECT"):
        compare_check(answers[0], refused)


def test_persons_have_distinct_valid_numbers() -> None:
    numbers = [person(index).number for index in range(20_000)]
    assert len(set(numbers)) == len(numbers)
    assert all(normalize_citizen_id(number) == number for number in numbers[::97])
    assert {number[:6] for number in numbers} == {"990101"}


@pytest.mark.parametrize(
    ("body", "whole"),
    [
        (b'{"data":{' + b'"records":[{}],' * 8 + b"}}", True),
        (b'{"data":{' + b'"records":[{}],' * 7 + b'"records":null}}', False),
        (b'{"data":{' + b'"records":[{}],' * 7 + b'"records":[]}}', False),
        (b'{"errors":[],"data":{' + b'"records":[{}],' * 8 + b"}}", False),
    ],
)
def test_only_whole_answers_count(body: bytes, whole: bool) -> None:
    assert is_whole(body) is whole


def test_peers_are_asked_for_the_same_fields() -> None:
    asked = [field for section in ASKED for field in section.fields]
    assert len(ASKED) == len(SECTIONS)
    for many in (False, True):
        words = re.findall(r"\w+", federated(many=many))
        assert all(words.count(field) >= asked.count(field) for field in asked)


def test_a_peer_over_tables_is_asked_for_the_same_fields(tmp_path: Path) -> None:
    (tmp_path / npm.DEPARTMENTS).write_bytes(npm.described(PERSONS))
    query = tabular(npm.departments(tmp_path))
    roots = parse(query).definitions[0].selection_set.selections
    assert [each.alias.value for each in roots].count("register") == 1
    assert {asked.name for asked in ASKED} == {each.alias.value for each in roots} - {"register"}
    words = re.findall(r"\w+", query)
    assert all(words.count(field) >= 1 for section in ASKED for field in section.fields)


@pytest.mark.parametrize("query", [QUERY, federated(many=False)])
def test_a_section_that_hangs_is_left_out_with_its_group(query: str) -> None:
    rest = without(query, "administrativePenalties")
    words = set(re.findall(r"\w+", query)) - set(re.findall(r"\w+", rest))
    assert "administrativePenalties" in words
    assert "penaltyKind" in words
    assert "administration" not in rest
    assert "seriousTrafficViolations" in rest


def test_answers_by_tables_count_with_a_row_of_each_section_and_person() -> None:
    row = b'{"citizenId":"x"}'
    whole = b",".join(b'"%d":[%s,%s]' % (number, row, row) for number in range(9))
    assert is_whole(b'{"data":{%s}}' % whole, 2, "tables")
    assert not is_whole(b'{"data":{%s}}' % whole.replace(b"," + row, b"", 1), 2, "tables")
    assert not is_whole(b'{"data":{%s}}' % whole, 2, "tables", missing=True)


def test_a_chunk_counts_with_a_check_and_a_receipt_of_each_person() -> None:
    found = b'{"result":"PRESENT"},{"result":"NONE"},' * 4
    check = b'{"completeness":"COMPLETE","items":[%s],"receipt":{"jws":"eyJ","statement":"{\\"result\\":1}"}}'
    whole = b'{"data":{%s}}' % (check % found * 2)
    assert is_whole(whole, 2, "chunk")
    assert not is_whole(whole, 3, "chunk")
    assert not is_whole(whole.replace(b'"NONE"', b'"UNKNOWN"', 1), 2, "chunk")
    assert not is_whole(whole.replace(b'"receipt":{"jws":"eyJ"', b'"receipt":{"jws":""', 1), 2, "chunk")


async def test_a_chunk_without_a_turn_is_sent_again_and_counts_once() -> None:
    asked: list[bytes] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(await request.read())
        if len(asked) % 2:
            return web.Response(body=b'{"errors":[{"extensions":{"code":"GATEWAY_BUSY","retryAfter":0}}]}')
        return web.Response(body=b'{"data":{}}')

    app = web.Application()
    app.router.add_post("/graphql", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    plan = Plan(runner.addresses[0][1], "", "", 1_000_000, 1, 1, 1, 1, [0], "chunk", subjects=100)
    result = Result()
    client = load.Client(plan, result, random.Random(1), beside=False)
    await client.open()
    await client.ask(0)
    client.close()
    await runner.cleanup()
    assert asked[0] == asked[1]
    assert (len(asked), len(result.latencies), result.total) == (2, 1, 100)


def test_every_round_asks_rivals_in_turn_and_what_is_long_once() -> None:
    choice = Choice()
    first, second = choice.loads(0), choice.loads(1)
    assert {workload.name for workload, *_ in first} == set(WORKLOADS)
    assert all(workload.every_round for workload, *_ in second)
    assert first[0][2] != second[0][2]
    asked = sorted(name for name, workloads in CONTENDERS.items() if ONE.name in workloads)
    assert sorted(first[0][2]) == sorted(second[0][2]) == asked
    assert set(CONTENDERS) - set(asked) == {CHUNKED}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_server_outlives_a_bench_that_is_ended(number: signal.Signals) -> None:
    script = (
        "import sys; from bench.processes import leave_on_sigterm, started; leave_on_sigterm()\n"
        "with started(['sleep', '600']) as server: print(server.pid, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as bench:
        assert bench.stdout
        server = psutil.Process(int(bench.stdout.readline()))
        assert server.is_running()
        bench.send_signal(number)
        assert bench.wait(30)
    psutil.wait_procs([server], timeout=30)
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE


def test_ratios_are_taken_within_each_round() -> None:
    def turn(number: int, name: str, rps: float) -> Turn:
        sample = Sample(100, 0, 100, 6_000, rps, 1 / rps, 1 / rps, 1 / rps, 1.0, 100.0)
        return Turn(number, name, 32, sample, 5.0, 4.0, others=number * 90.0)

    # the second round ran on a machine half as fast: the ratio does not notice
    turns = [turn(0, "floor", 800), turn(0, "gateway", 100), turn(1, "gateway", 50), turn(1, "floor", 400)]
    found = ratios(turns, "floor", 32)
    assert (found["throughput"].least, found["throughput"].greatest) == (0.125, 0.125)
    assert found["CPU"].median == pytest.approx(8)
    rows = summary(turns)
    assert list(goals(summary(turns[1:3]))) == []
    table = "\n".join(markdown(rows))
    assert re.search(r"\| floor \\\* \| 32 \| 600 \(400–800\) .*0\.12×", table)
    assert [line.split(" | ")[1:] for line in goals(rows) if "32 clients" in line] == [
        ["≥ 2.0×", "0.12×", "**no** |"]
    ]
