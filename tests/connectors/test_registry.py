"""Manifests that cannot be used are refused at start-up, with a code, a place, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from catalogue.identifiers import SubjectKey
from catalogue.loader import load_catalogue
from connectors.errors import ManifestError
from connectors.protocol import Ask, Source
from connectors.registry import load_manifest, load_sources
from connectors.rules import verify
from tests.support.county import COUNTY
from tests.support.databases import Database
from tests.support.small_catalogue import PENALTY_TABLE, PERSON, manifest_of, small_catalogue

MANIFEST = """\
source: tt-test
department: TT
system: {zh: 测试系统, en: Test system}
contact: desk@example.cn
connector: sql
url: ${TT_URL:-sqlite:///data/tt.db}
records:
  P-TT-01:
    table: penalty
    keys:
      CITIZEN_ID: {columns: [id_no]}
    fields:
      documentNo: {column: document_no}
      reason: {column: reason, decode: [trim]}
    controls:
      determinedOn: {column: decided, decode: [date]}
"""
SIGNING = "signing: {kind: md5, appId: county, secret: '${TT_SECRET}'}\nrecords:"


def load(folder: Path, text: str = MANIFEST, **environment: str) -> dict[str, Source]:
    (folder / "tt.yaml").write_text(text, "utf-8")
    return load_sources(folder, small_catalogue(), environment)


def test_a_source_serves_what_its_manifest_says(tmp_path: Path) -> None:
    source = load(tmp_path)["tt-test"]
    assert isinstance(source, Source)
    assert (source.name, source.department) == ("tt-test", "TT")
    assert source.record_types == {"P-TT-01"}
    assert source.key_kinds("P-TT-01") == {"CITIZEN_ID"}


def test_what_a_source_is_only_asked_to_confirm_is_nothing_for_the_graph(tmp_path: Path) -> None:
    (tmp_path / "civil.yaml").write_bytes((COUNTY / "sources" / "civil.yaml").read_bytes())
    source = load_sources(tmp_path, load_catalogue(), {})["civil"]
    assert source.manifest.confirms.keys() == {"P-MZ-99"}
    assert source.record_types == source.manifest.records.keys()
    assert source.key_kinds("P-MZ-99") == {"CITIZEN_ID"}


async def test_the_url_comes_from_the_environment_and_a_relative_file_from_the_base(
    tmp_path: Path, sqlite: Database
) -> None:
    await sqlite.execute(PENALTY_TABLE)
    await sqlite.insert("penalty", [(PERSON, "罚1号", "", "", "2025-01-02")])
    name = sqlite.url.rsplit("/", 1)[1]
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "tt.yaml").write_text(MANIFEST, "utf-8")
    for environment, base in (
        ({"TT_URL": f"sqlite:///../{name}"}, None),
        ({"TT_URL": f"sqlite:///{name}"}, tmp_path),
    ):
        source = load_sources(tmp_path / "sources", small_catalogue(), environment, base)["tt-test"]
        key = SubjectKey.person(PERSON)
        answer = await source.fetch(Ask("P-TT-01", frozenset({"documentNo"}), (key,)))
        await source.close()
        assert [row.values["documentNo"] for row in answer.rows[key]] == ["罚1号"]


def test_secrets_come_from_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "tt.yaml"
    path.write_text(MANIFEST.replace("records:", SIGNING), "utf-8")
    signing = load_manifest(path, small_catalogue(), {"TT_SECRET": "word"}).signing
    assert signing is not None
    assert (signing.app_id, signing.secret) == ("county", "word")


def test_a_manifest_saved_in_another_charset_says_so(tmp_path: Path) -> None:
    path = tmp_path / "tt.yaml"
    path.write_text(MANIFEST, "gb18030")
    with pytest.raises(ManifestError, match="save the file as UTF-8"):
        load_manifest(path, small_catalogue(), {})


def test_several_sources_may_serve_one_record_type(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(MANIFEST.replace("tt-test", "tt-other"), "utf-8")
    sources = load(tmp_path)
    assert {name for name, source in sources.items() if "P-TT-01" in source.record_types} == {
        "tt-test",
        "tt-other",
    }


def replaced(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return change


@pytest.mark.parametrize(
    ("change", "code", "where", "hint"),
    [
        (replaced("table: penalty", "table: [penalty"), "MANIFEST_YAML", "tt.yaml:10", ""),
        (lambda _: "", "MANIFEST_YAML", "tt.yaml", "empty"),
        (replaced("table: penalty", "table: pen\x1balty"), "MANIFEST_YAML", "tt.yaml", "U+001B"),
        (lambda _: "- source", "MANIFEST_INVALID", "tt.yaml:1", ""),
        (
            replaced("contact:", "source: again\ncontact:"),
            "MANIFEST_YAML",
            "tt.yaml:4",
            "`source` is written twice",
        ),
        (
            replaced("table: penalty", "tabel: penalty"),
            "MANIFEST_UNKNOWN_KEY",
            "tt.yaml:9 records.P-TT-01.tabel",
            "",
        ),
        (
            replaced("    table: penalty\n", ""),
            "MANIFEST_INVALID",
            "tt.yaml:9 records.P-TT-01",
            "exactly one of",
        ),
        (
            replaced("P-TT-01", "P-TT-77"),
            "MANIFEST_RECORD_TYPE",
            "tt.yaml:9 records.P-TT-77",
            "no record type",
        ),
        (
            replaced("reason:", "motive:"),
            "MANIFEST_FIELD",
            "records.P-TT-01.fields.motive",
            "no field motive",
        ),
        (replaced("determinedOn:", "decidedOn:"), "MANIFEST_ROLE", "tt.yaml:16 records.P-TT-01.controls", ""),
        (
            replaced("reason:", "ethnicity:"),
            "MANIFEST_NEVER_MAPPED",
            "tt.yaml:14 records.P-TT-01.fields.ethnicity",
            "delete",
        ),
        (
            replaced("determinedOn:", "until:"),
            "MANIFEST_CONTROL_MISSING",
            "tt.yaml:16 records.P-TT-01.controls",
            "map determinedOn",
        ),
        (replaced("[trim]", "[trimm]"), "MANIFEST_DECODER", "records.P-TT-01.fields.reason", "trimm"),
        (replaced(":-sqlite:///data/tt.db", ""), "MANIFEST_ENVIRONMENT", "tt.yaml:6 url", "set TT_URL"),
        (
            replaced("${TT_URL:-sqlite:///data/tt.db}", "db2://h/x"),
            "MANIFEST_URL",
            "tt.yaml:6 url",
            "sqlite:///",
        ),
        (
            replaced("${TT_URL:-sqlite:///data/tt.db}", "nothing"),
            "MANIFEST_URL",
            "tt.yaml:6 url",
            "not a URL",
        ),
        (replaced("department: TT", "department: XX"), "MANIFEST_DEPARTMENT", "tt.yaml:2 department", "XX"),
        (replaced("connector: sql", "connector: rest"), "MANIFEST_CONNECTOR", "records.P-TT-01", "rest"),
        (replaced("[id_no]}", "[other.id_no]}"), "MANIFEST_TABLE_UNKNOWN", "other", "joined"),
        (
            replaced("    keys:", "    dedupe: [authority]\n    keys:"),
            "MANIFEST_DEDUPE",
            "records.P-TT-01.dedupe",
            "",
        ),
        (
            replaced("records:", "identity: {NATURAL_PERSON: P-TT-02}\nrecords:"),
            "MANIFEST_RECORD_TYPE",
            "tt.yaml:7 identity.NATURAL_PERSON",
            "P-TT-02",
        ),
        (replaced("records:", SIGNING), "MANIFEST_ENVIRONMENT", "tt.yaml:7 signing.secret", "set TT_SECRET"),
    ],
)
def test_a_broken_manifest_says_where_and_what_to_do(
    tmp_path: Path, change: Callable[[str], str], code: str, where: str, hint: str
) -> None:
    with pytest.raises(ManifestError) as caught:
        load(tmp_path, change(MANIFEST))
    assert caught.value.code == code
    assert where in caught.value.where
    assert caught.value.where.startswith("tt.yaml")
    assert hint in caught.value.message


def test_two_files_cannot_describe_one_source(tmp_path: Path) -> None:
    (tmp_path / "aa.yaml").write_text(MANIFEST, "utf-8")
    with pytest.raises(ManifestError, match=r"MANIFEST_DUPLICATE tt\.yaml:1"):
        load(tmp_path)


def test_a_folder_that_is_not_there_is_an_error_and_not_an_empty_county(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="MANIFEST_FOLDER"):
        load_sources(tmp_path / "none", small_catalogue(), {})


def test_a_fault_in_a_url_never_prints_the_url(tmp_path: Path) -> None:
    with pytest.raises(ManifestError) as caught:
        load(tmp_path, TT_URL="db2://user:secret-word@host/db")
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "refused"),
    [({}, False), ({"listKind": {"column": "mdlx"}}, True), ({"listedOn": {"column": "lrrq"}}, False)],
    ids=["nothing adverse", "what makes it adverse", "a date alone"],
)
def test_a_mixed_type_needs_a_clock_where_something_makes_it_adverse(
    fields: dict[str, Any], refused: bool
) -> None:
    date = {"decode": ["date"]}
    mapped = {name: origin | (date if name.endswith("On") else {}) for name, origin in fields.items()}
    record = {
        "table": "t",
        "keys": {"USCC": {"columns": ["dm"]}},
        "fields": {"name": {"column": "mc"}} | mapped,
    }
    manifest = manifest_of({"E-MZ-01": record}, department="MZ")
    if refused:
        with pytest.raises(ManifestError, match="MANIFEST_CONTROL_MISSING"):
            verify(manifest, load_catalogue())
    else:
        verify(manifest, load_catalogue())
