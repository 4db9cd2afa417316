"""The file connector on real files: what stands, what is bad, what is replaced while it is read."""

from __future__ import annotations

import asyncio
import os
import pickle
import tracemalloc
from pathlib import Path

import pytest

from catalogue.identifiers import KeyKind, SubjectKey
from connectors.errors import (
    ManifestError,
    SourceBusy,
    SourceDrift,
    SourceRubbish,
    SourceUnavailable,
)
from connectors.files import FileSource
from connectors.files import rows as rows_module
from connectors.files.positions import Hasher, Table
from connectors.files.reader import Reader
from connectors.files.source import folder_of
from connectors.protocol import Ask, Reject, Source
from tests.support.small_catalogue import COMPANY, MINOR, OTHER, PERSON, manifest_of, small_catalogue

HEADER = "操作类型,姓名,身份证号,注册号,认定文号,认定日期"
FILE = {
    "files": "ZYRY_{date}_{kind}.csv",
    "record": ["注册号"],
    "operation": "操作类型",
    "footer": "合计",
}
RECORD = {
    "file": FILE,
    "keys": {"CITIZEN_ID": {"columns": ["身份证号"], "forms": ["NORMAL", "DIGITS_15"]}},
    "fields": {"documentNo": {"column": "认定文号"}, "reason": {"column": "姓名"}},
    "controls": {"determinedOn": {"column": "认定日期", "decode": ["date"]}},
    "identity": ["注册号"],
}
FIELDS = frozenset({"documentNo"})


class Drops:
    """A folder that a department delivers into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, name: str, *rows: str, header=HEADER, footer="合计", end="\r\n", charset="gb18030") -> Path:
        body = [*([header] if header else []), *rows]
        if footer:
            body.append(footer)
        path = self.folder / name
        path.write_bytes(end.join([*body, ""]).encode(charset))
        return path


@pytest.fixture
def drops(tmp_path):
    return Drops(tmp_path)


@pytest.fixture
async def opened(tmp_path):
    made = []

    def build(file=None, **changes):
        record = RECORD | {"file": FILE | (file or {})} | changes
        manifest = manifest_of({"P-TT-01": record}, connector="file", url="file://.", rowCap=50)
        made.append(FileSource(manifest, small_catalogue(), tmp_path))
        return made[-1]

    yield build
    for source in made:
        await source.close()


def ask(*people, fields=FIELDS):
    return Ask("P-TT-01", fields, tuple(SubjectKey.person(one) for one in people or (PERSON,)))


def documents(answer, person=PERSON):
    return [row.values["documentNo"] for row in answer.rows[SubjectKey.person(person)]]


def row(operation, person, number, document="一号", decided="2024-03-05"):
    return f"{operation},测试甲,{person},测{number},{document},{decided}"


# What stands


async def test_rows_are_found_by_every_writing_of_the_number(drops, opened):
    drops.put(
        "ZYRY_20240630_ALL.csv",
        row("A", PERSON, 1, "甲"),
        row("A", f"'{PERSON}\t", 2, "乙"),
        row("A", f'"=""{PERSON}"""', 3, "丙"),
        row("A", "990101751231002", 4, "丁"),
        row("A", MINOR.lower(), 5, "戊"),
    )
    answer = await opened().fetch(ask(PERSON, OTHER, MINOR, fields=FIELDS | {"reason"}))
    assert documents(answer) == ["甲", "乙", "丙"]
    assert documents(answer, OTHER) == ["丁"]
    assert documents(answer, MINOR) == ["戊"]
    assert not answer.rejects
    assert answer.rows[SubjectKey.person(MINOR)][0].values["reason"] == "测试甲"


async def test_nothing_in_the_files_is_an_answer(drops, opened):
    drops.put("ZYRY_20240630_ALL.csv", row("A", OTHER, 1))
    assert (await opened().fetch(ask())).rows == {SubjectKey.person(PERSON): ()}


async def test_increments_add_change_and_take_away_what_the_full_file_says(drops, opened):
    drops.put("ZYRY_20240630_ALL.csv", *(row("A", PERSON, number, f"旧{number}") for number in (1, 2, 3)))
    drops.put("ZYRY_20240930_INC.csv", row("U", PERSON, 1, "新1"), row("D", "", 2, ""), row("A", PERSON, 4))
    drops.put("ZYRY_20240101_ALL.csv", row("A", PERSON, 9, "更旧"))
    drops.put("ZYRY_20240202_INC.csv", row("U", PERSON, 3, "更旧"))
    drops.put("ZYRY_20241231_XXX.csv", "rubbish")
    (drops.folder / "ZYRY_20250101_ALL.csv").mkdir()
    assert documents(await opened().fetch(ask())) == ["旧3", "新1", "一号"]


async def test_a_record_that_moved_to_another_number_left_the_first(drops, opened):
    drops.put("ZYRY_20240630_ALL.csv", row("A", PERSON, 1))
    drops.put("ZYRY_20240930_INC.csv", row("U", OTHER, 1, "更正"))
    answer = await opened().fetch(ask(PERSON, OTHER))
    assert documents(answer) == []
    assert documents(answer, OTHER) == ["更正"]


async def test_an_old_state_does_not_come_back_because_its_successor_cannot_be_read(drops, opened):
    drops.put("ZYRY_20240630_ALL.csv", row("A", PERSON, 1), row("A", PERSON, 2, "二号"))
    drops.put("ZYRY_20240930_INC.csv", row("U", "9.90101E+17", 1, "新"))
    answer = await opened().fetch(ask())
    assert documents(answer) == ["二号"]
    assert answer.rejects == {SubjectKey.person(PERSON): (Reject("SUCCESSOR_UNREADABLE"),)}
    drops.put("ZYRY_20241231_INC.csv", row("U", PERSON, 1, "终"))
    answer = await opened().fetch(ask())
    assert documents(answer) == ["二号", "终"]
    assert not answer.rejects


async def test_files_without_kinds_dates_header_or_footer(drops, opened):
    drops.put("all.txt", "A|测|" + PERSON + "|1|甲|20240305", header="", footer="", end="\n", charset="utf-8")
    source = opened(
        {
            "files": "all.txt",
            "charset": "utf-8",
            "delimiter": "|",
            "footer": None,
            "operation": None,
            "record": [],
            "columns": HEADER.split(","),
        }
    )
    assert documents(await source.fetch(ask())) == ["甲"]


async def test_the_row_filter_holds_and_an_empty_cell_is_null(drops, opened):
    drops.put("ZYRY_20240630_ALL.csv", row("A", PERSON, 1, ""), row("A", PERSON, 2, "甲"))
    source = opened(where=[{"column": "认定文号", "op": "is not null"}])
    assert documents(await source.fetch(ask())) == ["甲"]


async def test_details_on_lines_of_their_own_become_a_list(drops, opened):
    drops.put("ZYRY_20240630_ALL.csv", row("A", PERSON, 1, "甲"), row("A", PERSON, 1, "乙"))
    fields = {"behaviours": {"column": "认定文号", "collect": True}}
    source = opened({"record": [], "operation": None}, fields=fields)
    (found,) = (await source.fetch(ask(fields=frozenset(fields)))).rows[SubjectKey.person(PERSON)]
    assert set(found.values["behaviours"]) == {"甲", "乙"}


async def test_the_row_cap_holds_per_subject(drops, opened):
    drops.put(
        "ZYRY_20240630_ALL.csv", *(row("A", PERSON, number) for number in range(60)), row("A", OTHER, 99)
    )
    answer = await opened().fetch(ask(PERSON, OTHER))
    assert len(documents(answer)) == 50
    assert answer.truncated == {SubjectKey.person(PERSON)}


# Bad rows


async def findings(source):
    return [(one.level, one.code, one.message) for one in await source.check()]


async def test_bad_rows_are_reported_by_line_and_reason_and_cost_no_other_row(drops, opened):
    path = drops.put(
        "ZYRY_20240630_ALL.csv",
        row("A", PERSON, 1),  # line 2
        row("U", "9.90101E+17", 2),
        "A,少了一列",
        row("X", PERSON, 3),
        row("A", PERSON, 4, '5" 管'),  # a stray quotation mark
        row("A", PERSON, 5, '"两\r\n行"'),  # lines 7 and 8
        row("A", PERSON[:-1] + "9", 6),
        row("A", OTHER, 7, "甲", "soon"),
        'A,"open,1,2,3,4',
        row("A", PERSON, 8, "末"),
    )
    raw = path.read_bytes().replace("末".encode("gb18030"), b"\xff")
    path.write_bytes(raw)
    source = opened()
    answer = await source.fetch(ask(PERSON, OTHER))
    assert documents(answer) == ["一号", '5" 管', "两\r\n行"]
    told = {key.value: [(one.reason, one.column) for one in some] for key, some in answer.rejects.items()}
    assert told == {
        PERSON: [("OPERATION", "操作类型"), ("CHARSET", None)],
        OTHER: [("DATE_FORMAT", "认定日期")],
    }
    found = await findings(source)
    assert [message.partition(" line ")[2] for _, code, message in found if code == "ROW_BAD"] == [
        "3: 身份证号: KEY_INVALID",
        "4: CELLS",
        "5: 操作类型: OPERATION",
        "9: 身份证号: KEY_INVALID",
        "10: 认定日期: DATE_FORMAT",
        "11: QUOTES",
        "12: CHARSET",
    ]
    assert PERSON not in str(found)


async def test_bad_rows_of_nobody_are_told_once_a_delivery_and_all_by_file_and_line(drops, opened):
    drops.put("ZYRY_20240630_ALL.csv", "A,short", row("A", OTHER, 1, "甲", "soon"), row("A", "1", 2))
    source = opened(identity=["身份证号"])
    told = [(await source.fetch(ask(one))) for one in (PERSON, OTHER)]
    assert told[0].strays == (
        Reject("CELLS", None, "ZYRY_20240630_ALL.csv:2"),
        Reject("KEY_INVALID", "身份证号", "ZYRY_20240630_ALL.csv:4"),
    )
    assert told[1].strays == ()
    late = Reject("DATE_FORMAT", "认定日期", "ZYRY_20240630_ALL.csv:3")
    assert told[1].rejects == {SubjectKey.person(OTHER): (late,)}
    drops.put("ZYRY_20240701_INC.csv", row("?", PERSON, 3))
    again = await source.fetch(ask())
    assert Reject("OPERATION", "操作类型", "ZYRY_20240701_INC.csv:2") in again.strays


async def test_files_of_which_no_row_can_be_read_are_an_error(drops, opened):
    drops.put("ZYRY_20240630_ALL.csv", row("A", PERSON, 1, "甲", "soon"), row("A", "1", 2))
    levels = {code: level for level, code, _ in await findings(opened())}
    assert levels["ROWS_ALL_REJECTED"] == "error"
    drops.put("ZYRY_20240701_INC.csv", row("A", PERSON, 3))
    assert "ROWS_ALL_REJECTED" not in {code for _, code, _ in await findings(opened())}


async def test_many_bad_rows_are_counted_by_reason(drops, opened):
    drops.put("ZYRY_20240630_ALL.csv", *["A,short"] * 1200, row("A", PERSON, 1))
    found = await findings(opened())
    assert [code for _, code, _ in found].count("ROW_BAD") == 100
    assert ("warning", "ROWS_BAD", "900 more rows: CELLS") in found
    assert ("warning", "ROWS_BAD", "200 more rows that cannot be read") in found


async def test_a_row_without_end_is_bad_and_the_next_one_is_read(drops, opened, monkeypatch):
    monkeypatch.setattr(rows_module, "MAX_BYTES", 4096)
    drops.put("ZYRY_20240630_ALL.csv", row("A", PERSON, 1, "长" * 9000), row("A", PERSON, 2, "甲"))
    source = opened()
    assert documents(await source.fetch(ask())) == ["甲"]
    assert any("line 2: ROW_TOO_LONG" in message for _, _, message in await findings(source))


async def test_huge_text_in_a_cell_is_whole(drops, opened):
    drops.put("ZYRY_20240630_ALL.csv", row("A", PERSON, 1, "长" * 100_000))
    assert documents(await opened().fetch(ask())) == ["长" * 100_000]


# Files that are not what they should be


@pytest.mark.parametrize(
    ("files", "error", "reason"),
    [
        ({}, SourceUnavailable, "NO_FILE"),
        ({"ZYRY_20240630_INC.csv": f"{HEADER}\n合计\n"}, SourceUnavailable, "NO_FILE"),
        ({"ZYRY_20240630_ALL.csv": ""}, SourceRubbish, "FILE_CUT_SHORT"),
        ({"ZYRY_20240630_ALL.csv": f"{HEADER}\n{row('A', PERSON, 1)}\n"}, SourceRubbish, "FILE_CUT_SHORT"),
        (
            {"ZYRY_20240630_ALL.csv": f"{HEADER}\n{row('A', PERSON, 1)}\n合计,2\n"},
            SourceRubbish,
            "FILE_COUNT",
        ),
        ({"ZYRY_20240630_ALL.csv": "操作类型,姓名\n合计\n"}, SourceDrift, "HEADER"),
        ({"ZYRY_20240630_ALL.csv": f"{HEADER},姓名\n合计\n"}, SourceDrift, "HEADER"),
        ({"ZYRY_20241399_ALL.csv": f"{HEADER}\n合计\n"}, SourceDrift, "FILE_NAME"),
        ({"ZYRY_20991231_ALL.csv": f"{HEADER}\n合计\n"}, SourceDrift, "FILE_NAME"),
    ],
)
async def test_what_cannot_be_trusted_is_never_clean(tmp_path, opened, files, error, reason):
    for name, text in files.items():
        (tmp_path / name).write_text(text, "gb18030")
    with pytest.raises(error) as raised:
        await opened().fetch(ask())
    assert (type(raised.value), raised.value.reason) == (error, reason)


async def test_a_file_that_ends_within_a_row_is_no_answer_even_without_a_footer(drops, opened):
    whole = drops.put("ZYRY_20240630_ALL.csv", row("A", PERSON, 1), row("A", PERSON, 2), footer=None)
    source = opened({"footer": None})
    content = whole.read_bytes()
    whole.write_bytes(content.removesuffix(b"\r\n"))
    assert documents(await source.fetch(ask())) == ["一号", "一号"]
    whole.write_bytes(content[:-20])
    with pytest.raises(SourceRubbish) as cut:
        await source.fetch(ask())
    assert cut.value.reason == "FILE_CUT_SHORT"


async def test_an_operation_that_nobody_knows_leaves_neither_state_standing(drops, opened):
    drops.put("ZYRY_20240630_ALL.csv", row("A", PERSON, 1, "旧"), row("A", OTHER, 2, "乙"))
    drops.put("ZYRY_20240701_INC.csv", row("撤", PERSON, 1, "旧"))
    answer = await opened().fetch(ask(PERSON, OTHER))
    assert (documents(answer), documents(answer, OTHER)) == ([], ["乙"])
    reasons = [one.reason for one in answer.rejects[SubjectKey.person(PERSON)]]
    assert reasons == ["SUCCESSOR_UNREADABLE", "OPERATION"]


async def test_a_link_leads_nowhere(drops, opened, tmp_path_factory):
    elsewhere = Drops(tmp_path_factory.mktemp("elsewhere")).put("x.csv", row("A", PERSON, 1))
    (drops.folder / "ZYRY_20240630_ALL.csv").symlink_to(elsewhere)
    with pytest.raises(SourceUnavailable) as nothing:
        await opened().fetch(ask())
    assert nothing.value.reason == "NO_FILE"


async def test_a_department_that_stopped_delivering_is_down(drops, opened):
    drops.put("ZYRY_20240630_ALL.csv", row("A", PERSON, 1))
    assert documents(await opened({"freshDays": 36500}).fetch(ask())) == ["一号"]
    for question in (opened({"freshDays": 100}).fetch(ask()), opened({"freshDays": 100}).ping()):
        with pytest.raises(SourceUnavailable) as stale:
            await question
        assert stale.value.reason == "FILE_STALE"


async def test_a_missing_folder_is_unavailable(tmp_path, opened):
    source = opened()
    os.rename(tmp_path, tmp_path.with_name("gone"))
    with pytest.raises(SourceUnavailable):
        await source.ping()
    (finding,) = await source.check()
    assert (finding.level, finding.code) == ("error", "SOURCE_UNAVAILABLE")
    os.rename(tmp_path.with_name("gone"), tmp_path)


# Replaced


async def test_a_file_sent_again_with_other_content_is_read_anew(drops, opened):
    drops.put("ZYRY_20240630_ALL.csv", row("A", PERSON, 1, "甲"))
    source = opened()
    assert documents(await source.fetch(ask())) == ["甲"]
    drops.put("ZYRY_20240630_ALL.csv", row("A", PERSON, 1, "乙"))
    assert documents(await source.fetch(ask())) == ["乙"]
    drops.put("new", row("A", PERSON, 1, "丙")).replace(drops.folder / "ZYRY_20240630_ALL.csv")
    assert documents(await source.fetch(ask())) == ["丙"]


async def test_a_file_rewritten_in_place_with_its_old_time_is_read_anew(drops, opened):
    path = drops.put("ZYRY_20240630_ALL.csv", row("A", OTHER, 1, "甲"), row("A", OTHER, 2, "乙"))
    source = opened()
    assert documents(await source.fetch(ask())) == []
    before, content = path.stat(), path.read_bytes()
    with path.open("r+b") as stream:
        stream.write(content.replace(OTHER.encode(), PERSON.encode()))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert documents(await source.fetch(ask())) == ["甲", "乙"]


async def test_a_file_replaced_between_index_and_reading_is_never_mixed(drops, opened):
    drops.put("ZYRY_20240630_ALL.csv", row("A", OTHER, 0, "别人"), row("A", PERSON, 1, "甲"))
    source = opened()
    reader = source.readers["P-TT-01"]
    stale = reader.index(reader.folder.standing())
    drops.put("ZYRY_20240630_ALL.csv", row("A", PERSON, 1, "乙"), row("A", OTHER, 0, "别人"))
    source._indexes["P-TT-01"] = stale
    original = reader.folder.standing
    reader.folder.standing = lambda seen=[stale.files]: seen.pop() if seen else original()
    assert documents(await source.fetch(ask())) == ["乙"]


async def test_a_file_replaced_while_it_is_read_is_read_again(drops, opened, monkeypatch):
    drops.put("ZYRY_20240630_ALL.csv", row("A", PERSON, 1, "甲"), row("A", PERSON, 2, "甲"))
    source = opened()
    await source.fetch(ask())
    read, replaced = Reader._line, []

    def replaced_meanwhile(*question):
        found = read(*question)
        if not replaced:
            new = [row("A", PERSON, number, "乙") for number in (1, 2)]
            replaced.append(drops.put("ZYRY_20240630_ALL.csv", *new))
        return found

    monkeypatch.setattr(Reader, "_line", replaced_meanwhile)
    assert documents(await source.fetch(ask())) == ["乙", "乙"]


async def test_a_subject_of_very_many_rows_is_cut_before_all_are_read(drops, opened):
    drops.put("ZYRY_20240630_ALL.csv", *(row("A", PERSON, number) for number in range(502)))
    source = opened(dedupe=["documentNo"])
    answer = await source.fetch(ask())
    key = SubjectKey.person(PERSON)
    assert (len(answer.rows[key]), answer.truncated) == (1, {key}), "500 of 502 rows, one record"


async def test_a_file_that_never_stands_still_is_busy(drops, opened):
    drops.put("ZYRY_20240630_ALL.csv", row("A", PERSON, 1))
    source = opened()
    reader = source.readers["P-TT-01"]
    standing = reader.folder.standing
    turns = iter(range(100))

    def rewritten():
        found = standing()
        drops.put("ZYRY_20240630_ALL.csv", *(row("A", PERSON, number) for number in range(next(turns) + 2)))
        return found

    reader.folder.standing = rewritten
    with pytest.raises(SourceBusy) as busy:
        await source.fetch(ask())
    assert busy.value.reason == "FILE_CHANGING"


# Keeping out of the way


async def test_concurrent_questions_share_one_index_and_a_leaver_leaves_it(drops, opened):
    drops.put("ZYRY_20240630_ALL.csv", row("A", PERSON, 1))
    source = opened()
    reader, builds = source.readers["P-TT-01"], []
    original = reader.index
    reader.index = lambda files: builds.append(1) or original(files)
    leaving = asyncio.create_task(source.fetch(ask()))
    await asyncio.sleep(0)
    leaving.cancel()
    answers = await asyncio.gather(*(source.fetch(ask()) for _ in range(5)))
    assert [documents(answer) for answer in answers] == [["一号"]] * 5
    assert len(builds) == 1


async def test_memory_is_bounded_by_the_positions_not_by_the_file(drops, opened):
    text = "长" * 500
    many = [row("A", OTHER, number, text) for number in range(20_000)]
    drops.put("ZYRY_20240630_ALL.csv", *many, row("A", PERSON, "末"))
    del many
    source = opened()
    tracemalloc.start()
    try:
        answer = await source.fetch(ask())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert documents(answer) == ["一号"]
    assert peak < 12_000_000  # the file has 20 million bytes
    index = source._indexes["P-TT-01"]
    kept = pickle.dumps((index.keys, index.records, index.places))
    assert PERSON.encode() not in kept
    assert OTHER.encode() not in kept


def test_hashes_mean_nothing_to_another_process():
    assert Hasher()("a") != Hasher()("a")
    one = Hasher()
    assert one("a", "b") != one("ab") != one("b", "a")


def test_rows_that_share_a_hash_are_all_found():
    table = Table()
    for number in range(3):
        table.add(5, number)
    table.add(5 + 4096, 9)
    assert list(table.find(5)) == [0, 1, 2]
    assert table.put(5 + 4096, 10) == 9
    assert table.put(6, 1) is None


# The source itself


async def test_it_is_a_source(drops, opened):
    source = opened()
    assert isinstance(source, Source)
    assert source.key_kinds("P-TT-01") == {KeyKind.CITIZEN_ID}
    assert source.explain("P-TT-01", FIELDS) == (
        "ZYRY_{date}_{kind}.csv\nby 身份证号\ncells 身份证号, 注册号, 认定日期, 认定文号"
    )
    with pytest.raises(SourceDrift):
        await source.fetch(Ask("P-TT-01", FIELDS, (SubjectKey.entity(COMPANY),)))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"file": FILE | {"files": "a/{date}.csv"}}, "MANIFEST_FILE"),
        ({"file": FILE | {"files": "{day}.csv"}}, "MANIFEST_FILE"),
        ({"file": FILE | {"record": []}}, "MANIFEST_FILE"),
        ({"join": [{"table": "t", "on": {"a": "b"}}]}, "MANIFEST_CONNECTOR"),
        ({"file": None, "table": "t"}, "MANIFEST_CONNECTOR"),
    ],
)
def test_a_manifest_that_cannot_work_is_refused(tmp_path, changes, code):
    manifest = manifest_of({"P-TT-01": RECORD | changes}, connector="file", url="file://x")
    with pytest.raises(ManifestError) as refused:
        FileSource(manifest, small_catalogue(), tmp_path)
    assert refused.value.code == code


def test_a_folder_is_named_by_a_file_url(tmp_path):
    assert folder_of("file://drops", tmp_path) == tmp_path / "drops"
    assert folder_of("file:///srv/drops", tmp_path) == Path("/srv/drops")
    for url in ("drops", "https://x", "file://"):
        with pytest.raises(ManifestError) as refused:
            folder_of(url, tmp_path)
        assert refused.value.code == "MANIFEST_URL"
