"""The county's manifests and registers agree with the catalogue, whole and without Python of their own."""

from __future__ import annotations

import pytest

from authz.clients import load_clients
from authz.mandates import load_mandates
from catalogue.identifiers import SubjectKind
from catalogue.lint import lint
from connectors.manifest import Manifest
from connectors.registry import load_manifest
from connectors.shapes import Branch, KeyForm
from tests.support.county_sources import COUNTY, catalogue

MANIFESTS = {
    path.stem: load_manifest(path, catalogue(), {}) for path in sorted((COUNTY / "sources").glob("*.yaml"))
}
READ = [pytest.param(manifest, code, id=code) for manifest in MANIFESTS.values() for code in manifest.records]


def test_the_catalogue_with_the_countys_own_type_is_clean() -> None:
    assert lint(catalogue()) == []
    assert catalogue().record_types["E-SC-90"].tier == "LOCAL"


def test_every_core_type_has_a_source() -> None:
    served = {code for manifest in MANIFESTS.values() for code in manifest.records}
    core = {code for code, entry in catalogue().record_types.items() if entry.tier == "CORE"}
    assert core - served == {"P-RH-01"}
    assert len(core) == 43
    assert served - core == {"E-SC-90"}


@pytest.mark.parametrize(("manifest", "code"), READ)
def test_every_field_of_a_type_is_mapped(manifest: Manifest, code: str) -> None:
    entry, record = catalogue().record_types[code], manifest.records[code]
    assert set(record.fields) == set(entry.field_by_name)
    assert set(record.keys) == set(entry.keys)


@pytest.mark.parametrize(("manifest", "code"), READ)
def test_every_record_says_how_it_stands_and_how_old_it_is(manifest: Manifest, code: str) -> None:
    assert {"status", "updatedAt"} <= {role.value for role in manifest.records[code].controls}


def test_each_kind_of_subject_has_one_identity_authority() -> None:
    authorities = [kind for manifest in MANIFESTS.values() for kind in manifest.identity]
    assert sorted(authorities) == sorted(SubjectKind)


def test_the_manifests_show_every_feature() -> None:
    records = [record for manifest in MANIFESTS.values() for record in manifest.records.values()]
    forms = {form for record in records for key in record.keys.values() for form in key.forms}
    steps = {
        step if isinstance(step, str) else next(iter(step))
        for record in records
        for origin in (*record.fields.values(), *record.controls.values())
        for step in origin.decode
    }
    operators = {condition.op for record in records for condition in record.where}
    assert forms == set(KeyForm)
    assert {"null or", "not in", "!="} <= operators
    assert {"charset", "codes", "money", "band", "split", "documentNo", "instant", "boolean"} <= steps
    for part in ("union", "join", "version", "dedupe", "rest", "identity"):
        assert any(getattr(record, part) for record in records), part
    assert any(isinstance(table, Branch) for record in records for table in record.union)


def test_registers_load() -> None:
    clients = load_clients(COUNTY / "clients.yaml").clients
    mandates = load_mandates(COUNTY / "mandates.yaml", catalogue()).mandates
    organizations = {client.organization for client in clients.values()}
    assert {mandate.scenario for mandate in mandates} >= {"S01", "S04", "S06", "S11", "S16", "S20"}
    assert {mandate.authority for mandate in mandates} <= organizations
