"""docs/manifests.md is complete (every key, form, role and code) and its examples load."""

import ast
import json
import typing
from collections.abc import Iterator
from itertools import chain
from textwrap import indent

import pytest
from joserfc.jwk import ECKey
from pydantic.fields import FieldInfo

from catalogue.loader import load_catalogue
from catalogue.model import Role
from connectors import manifest as model
from connectors import parts as kinds
from connectors import shapes
from connectors.errors import SourceError
from connectors.registry import load_sources
from connectors.upstream.answers import STATES
from tests.support.documents import ROOT, named_in, sections

PAGE = sections(ROOT / "docs" / "manifests.md")
KEYS_OF = {
    "The source": model.Manifest,
    "A record type": model.RecordSource,
    "Keys": shapes.Key,
    "Fields and controls": shapes.Origin,
    "Filter": shapes.Condition,
    "Joins, unions, queries": shapes.Join,
    "Versions, duplicates, identity": shapes.Version,
    "Breaker": model.Breaker,
    "Identity authorities": shapes.Alias,
    "Files": kinds.Drop,
}
GRAPHS = (kinds.Upstream, kinds.Client)
COUNT = (shapes.Publicity, shapes.Day, shapes.Codes)
REST = (kinds.Rest, kinds.Batch, kinds.Signing, kinds.Token)
EXAMPLES = [
    pytest.param(text, id=f"{section.heading} {number}")
    for section in PAGE.values()
    for number, text in enumerate(section.blocks("yaml"))
]
ENVIRONMENT = {
    **dict.fromkeys(("FIRE_URL", "PSB_URL", "SLOW_URL"), "sqlite:///unused.db"),
    **dict.fromkeys(("TAX_APP_ID", "TAX_SECRET", "JOBS_ID", "JOBS_SECRET"), "unused"),
}
HEAD = """
source: example
department: FG
system: {zh: 样例, en: Example}
contact: nobody
connector: sql
url: sqlite:///unused.db
records:
"""


@pytest.fixture(scope="module")
def catalogue():
    return load_catalogue()


def test_every_part_of_the_model_has_a_table():
    parts = {
        part
        for part in {**vars(model), **vars(kinds), **vars(shapes)}.values()
        if isinstance(part, type) and issubclass(part, model.Part) and part is not model.Part
    }
    elsewhere = {shapes.Branch, shapes.Constant, shapes.Lookup, shapes.Pivot, shapes.Unpack}  # docs/shapes.md
    assert parts - elsewhere == {*KEYS_OF.values(), *REST, *GRAPHS, *COUNT}


@pytest.mark.parametrize(("heading", "part"), KEYS_OF.items())
def test_keys_and_defaults_are_those_of_the_model(heading, part):
    assert _documented(heading) | _forms(heading) == _keys(part) | _forms(heading)


def test_the_parts_of_a_service_share_a_section():
    assert _documented("REST") == set(chain.from_iterable(map(_keys, REST)))
    assert _documented("Publicity") == set(chain.from_iterable(map(_keys, COUNT)))
    assert _documented("Other graphs") == set(chain.from_iterable(map(_keys, GRAPHS)))


def test_every_form_of_a_key_is_explained():
    assert _forms("Keys") == {(form.value, "form") for form in shapes.KeyForm}


def test_every_role_is_explained():
    explained = set(chain.from_iterable(named_in(row[0]) for row in PAGE["Roles"].rows()))
    assert explained == {role.value for role in Role}


def test_every_condition_is_explained():
    operators = typing.get_args(shapes.Condition.model_fields["op"].annotation)
    (row,) = [row for row in PAGE["Filter"].rows() if row[0] == "`op`"]
    assert named_in(row[2]) >= set(operators)


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_loads_as_a_source(text, catalogue, tmp_path):
    whole = text if text.startswith("source:") else HEAD + indent(text, "  ")
    (tmp_path / "example.yaml").write_text(whole, "utf-8")
    (tmp_path / "province.jwk").write_text(json.dumps(ECKey.generate_key("P-256").as_dict(private=True)))
    (source,) = load_sources(tmp_path, catalogue, ENVIRONMENT).values()
    assert source.record_types


def test_every_manifest_error_is_explained():
    explained = {row[0].strip("`") for row in PAGE["Why a manifest is refused"].rows()}
    assert explained == set(_codes("ManifestError", 0))


def test_every_finding_is_explained():
    explained = set(chain.from_iterable(named_in(row[0]) for row in PAGE["What `source check` says"].rows()))
    assert explained == set(_codes("Finding", 1))


def test_every_source_error_and_its_reasons_are_explained():
    rows = PAGE["Why a source does not answer"].rows()
    errors = {error.__name__: error.code for error in _subclasses(SourceError)}
    assert {row[0].strip("`") for row in rows} == set(errors.values())
    reasons = {reason for name in errors for reason in _codes(name, 1)}
    reasons |= {"ACCESS", "LOGIN", "COLUMN_TYPE", "STATEMENT"}
    reasons |= {reason for _, reason in STATES.values()}
    assert set(chain.from_iterable(named_in(row[1]) for row in rows)) == reasons


def _documented(heading: str) -> set[tuple[str, str]]:
    rows = [row for row in PAGE[heading].rows() if len(row) >= 3]
    return {(row[0].strip("`"), "see" if row[1].startswith("see ") else row[1].strip("`")) for row in rows}


def _keys(part: type[model.Part]) -> set[tuple[str, str]]:
    return {(str(field.alias), _default(field)) for field in part.model_fields.values()}


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    match field.get_default(call_default_factory=True):
        case None:
            return "none"
        case model.Part():
            return "see"
        case tuple() | dict() as several:
            return f"[{', '.join(map(str, several))}]" if several else "none"
        case other:
            return str(other).lower() if isinstance(other, bool) else str(other)


def _forms(heading: str) -> set[tuple[str, str]]:
    return {(row[0].strip("`"), "form") for row in PAGE[heading].rows() if len(row) == 2}


def _codes(error: str, place: int) -> Iterator[str]:
    """Constant codes given to calls of that name anywhere in connectors, in either arm of a choice."""
    for path in (ROOT / "connectors").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == error:
                for found in ast.walk(node.args[place]) if len(node.args) > place else ():
                    if isinstance(found, ast.Constant) and isinstance(found.value, str):
                        yield found.value


def _subclasses(error: type[SourceError]) -> Iterator[type[SourceError]]:
    for found in error.__subclasses__():
        yield found
        yield from _subclasses(found)
