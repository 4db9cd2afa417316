"""Reading YAML: what a deployment adds, and how a broken file is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalogue.errors import BrokenEntry, BrokenYaml, CatalogueError, DuplicateEntry
from catalogue.lint import lint
from catalogue.loader import load_catalogue


def test_a_county_adds_its_own_record_type_with_yaml_alone(county, shipped):
    catalogue = county.load()

    entry = catalogue.record_types["P-NY-01"]
    assert entry.graphql_type == "FarmManagerCertificate"
    assert entry.field_by_name["citizenId"].mask == "M_ID"
    assert catalogue.departments["NY"].name.zh == "农业农村局"
    assert catalogue.localities["xx-990100"].query_log_years == 10
    assert len(catalogue.record_types) == len(shipped.record_types) + 1
    assert lint(catalogue) == []


def test_the_version_is_stable_and_follows_the_content(county, shipped):
    assert load_catalogue().version == shipped.version
    first = county.load().version
    county.department["contact"] = "12346"
    assert len({shipped.version, first, county.load().version}) == 3


def test_several_overlays_add_up(county, tmp_path):
    second = tmp_path / "second"
    second.mkdir()
    (second / "departments.yaml").write_text("- {code: LY, name: {zh: 林业局, en: Forestry}}", "utf-8")
    catalogue = load_catalogue(county.write(), second)
    assert {"NY", "LY"} <= set(catalogue.departments)


BROKEN = [
    pytest.param("- code: NY\n  name: ]\n", BrokenYaml, 2, id="syntax"),
    pytest.param("- code: NY\n  code: NX\n", BrokenYaml, 2, id="key twice"),
    pytest.param("- code: NY\n  name: {zh: 甲, en: A, zh: 乙}\n", BrokenYaml, 2, id="nested key twice"),
    pytest.param("- {[NY]: NX}", BrokenYaml, 1, id="a list as key"),
    pytest.param("- !!python/object:os.system {}", BrokenYaml, 1, id="unsafe tag"),
    pytest.param("", BrokenYaml, 1, id="empty"),
    pytest.param("- {code: NY, name: {zh: 甲, en: A}}\n- {code: nx, name: 乙}", BrokenEntry, 2, id="values"),
    pytest.param("- code: NY\n  name:\n    zh: 甲\n    en: A\n  fax: 1", BrokenEntry, 5, id="unknown key"),
    pytest.param("- code: NY\n  contact: '1'", BrokenEntry, 1, id="missing key"),
    pytest.param("- NY", BrokenEntry, 1, id="not an entry"),
    pytest.param("- {code: GA, name: {zh: 甲, en: A}}", DuplicateEntry, 1, id="packaged code"),
    pytest.param(
        "- {code: NY, name: {zh: 甲, en: A}}\n- {code: NY, name: {zh: 乙, en: B}}",
        DuplicateEntry,
        2,
        id="own code",
    ),
]


@pytest.mark.parametrize(("text", "fault", "line"), BROKEN)
def test_a_broken_file_is_refused_with_its_line(
    tmp_path: Path, text: str, fault: type[CatalogueError], line: int
):
    path = tmp_path / "departments.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(CatalogueError) as raised:
        load_catalogue(tmp_path)
    assert type(raised.value) is fault
    assert raised.value.where == f"{path}:{line}"
    assert f"[{fault.code}]" in str(raised.value)


def test_bytes_that_are_not_text_are_refused(tmp_path):
    (tmp_path / "departments.yaml").write_bytes("- {code: NY, name: {zh: 信用县, en: A}}".encode("gb18030"))
    with pytest.raises(BrokenYaml, match="UTF-8"):
        load_catalogue(tmp_path)


def test_the_message_says_where_the_other_one_stands(county, tmp_path):
    county.certificate["code"] = "P-GA-01"
    with pytest.raises(DuplicateEntry, match=r"P-GA-01 is already at .*P-GA-01\.yaml:1"):
        county.load()


def test_the_fault_points_into_nested_fields(county):
    county.field("documentNo")["type"] = "float"
    folder = county.write()
    lines = (folder / "record_types/P-NY-01.yaml").read_text("utf-8").splitlines()
    with pytest.raises(BrokenEntry, match=r"`fields\.2\.type`") as raised:
        load_catalogue(folder)
    assert raised.value.where.endswith(f":{lines.index('  type: float') + 1}")


def test_a_folder_that_does_not_exist_is_not_an_empty_overlay(tmp_path):
    with pytest.raises(CatalogueError, match="not a folder"):
        load_catalogue(tmp_path / "nowhere")
