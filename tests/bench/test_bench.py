"""The bench measures what it says: the same answers, counted whole, about persons who exist."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from bench import data, prepare
from bench.contender import Sample, Setting, running
from bench.errors import BenchError
from bench.floor.sections import SECTIONS
from bench.load import is_whole
from bench.persons import person
from bench.ports import free_port
from bench.question import ASKED, federated
from bench.report import ratios
from bench.rounds import Turn, check
from bench.workloads import WORKLOADS, hanging
from catalogue.identifiers import normalize_citizen_id
from tests.support.databases import Database

PERSONS = 60


@pytest.fixture
def setting(
    tmp_path: Path, postgresql: Database, mariadb: Database, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Setting]:
    """A small county of the bench's own on both servers."""
    for name, database in (("POSTGRESQL", postgresql), ("MARIADB", mariadb)):
        server = make_url(database.url).set(database="").render_as_string(hide_password=False)
        monkeypatch.setenv(f"BENCH_{name}_URL", server)
    data.fill(PERSONS, data.missing(PERSONS), lambda _: None)
    try:
        port = free_port()
        prepare.deployment(tmp_path, PERSONS, port)
        token = (tmp_path / "token").read_text()
        query = (prepare.HERE / "query.graphql").read_text(encoding="utf-8")
        yield Setting(tmp_path, PERSONS, port, token, query, 0, (0,))
    finally:
        data.drop(PERSONS)


@pytest.mark.postgresql
@pytest.mark.mariadb
def test_the_run_goes_on_only_with_equal_and_whole_answers(setting: Setting) -> None:
    assert data.missing(PERSONS) == []
    check(setting)
    with running("floor+audit", setting) as floor:
        sample = floor.load(clients=4, warm_up=0.1, seconds=0.5, seed=1)
        assert floor.ask(PERSONS) == {"subject": None}
    assert sample.requests > 0
    assert sample.wrong == 0
    _misread_stages(setting.state)
    with pytest.raises(BenchError, match=r"teacherCertificates\.records\.0\.teachingStage"):
        check(setting)


@pytest.mark.postgresql
@pytest.mark.mariadb
def test_workloads_are_what_their_names_say(setting: Setting) -> None:
    data.enlarge(PERSONS)
    data.enlarge(PERSONS)  # what is there stays
    # few persons have numbers in a row, which the gateway refuses
    many_asked, new_asked, hanging_asked = (
        replace(WORKLOADS[name], large=True) for name in ("100 subjects", "new document", "one hangs")
    )
    with running("gateway", setting) as gateway:
        large = gateway.load(2, 0.1, 0.5, 1, WORKLOADS["100 KB"])
        many = gateway.load(1, 0.1, 10, 1, many_asked)
        new = gateway.load(2, 0.1, 0.5, 1, new_asked)
        with hanging(hanging_asked, PERSONS):
            partial = gateway.load(2, 0.1, 2, 1, hanging_asked)
    assert [each.wrong for each in (large, many, new, partial)] == [0, 0, 0, 0]
    assert large.bytes > 100_000
    assert many.total >= 100 * many.requests
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


def test_ratios_are_taken_within_each_round() -> None:
    def turn(number: int, name: str, rps: float) -> Turn:
        sample = Sample(100, 0, 100, 6_000, rps, 1 / rps, 1 / rps, 1 / rps, 1.0, 100.0)
        return Turn(number, name, 1, sample, 5.0, 4.0)

    # the second round ran on a machine half as fast: the ratio does not notice
    turns = [turn(0, "floor", 800), turn(0, "gateway", 100), turn(1, "gateway", 50), turn(1, "floor", 400)]
    found = ratios(turns, "floor", 1)
    assert (found["throughput"].least, found["throughput"].greatest) == (0.125, 0.125)
    assert found["CPU"].median == pytest.approx(8)
