"""`schema.graphql` is the contract: exported from code, checked in, diffed here."""

from pathlib import Path

from catalogue.loader import load_catalogue
from resolvers.schema import build_schema

ROOT = Path(__file__).resolve().parents[2]


def test_the_checked_in_schema_is_the_one_the_code_makes() -> None:
    assert (ROOT / "schema.graphql").read_text(encoding="utf-8") == build_schema(
        load_catalogue()
    ).as_str() + "\n"
