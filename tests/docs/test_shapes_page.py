"""docs/shapes.md: every part of a shape has a table, every recipe loads."""

from textwrap import indent

import pytest

from catalogue.loader import load_catalogue
from connectors import shapes
from connectors.registry import load_sources
from tests.docs.test_manifests_page import HEAD, _keys
from tests.support.documents import ROOT, sections

PAGE = sections(ROOT / "docs" / "shapes.md")
PARTS = {
    "Tables split by year or kind": (shapes.Branch, shapes.Constant),
    "Attribute-value tables": (shapes.Pivot,),
    "Several records in one cell": (shapes.Unpack,),
    "A code table in the source": (shapes.Lookup,),
}
RECIPES = [
    pytest.param(text, id=f"{section.heading} {number}")
    for section in PAGE.values()
    for number, text in enumerate(section.blocks("yaml"))
]


@pytest.mark.parametrize(("heading", "parts"), PARTS.items())
def test_keys_and_defaults_are_those_of_the_model(heading, parts):
    rows = {(row[0].strip("`"), row[1].strip("`")) for row in PAGE[heading].rows()}
    assert rows == {key for part in parts for key in _keys(part)}


@pytest.mark.parametrize("text", RECIPES)
def test_every_recipe_loads_as_a_source(text, tmp_path):
    (tmp_path / "example.yaml").write_text(HEAD + indent(text, "  "), "utf-8")
    (source,) = load_sources(tmp_path, load_catalogue(), {}).values()
    for code in source.record_types:
        assert source.explain(code, frozenset(source.manifest.records[code].fields))
