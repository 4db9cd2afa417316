"""Two independent composers accept the exported subgraph, alone and beside a peer's."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, NoReturn

import orjson
import pytest

from tests.support.processes import CHECKOUT

HERE = Path(__file__).parent
COMPOSERS = {"apollo", "guild"}
PEER = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
scalar Uscc
type Enterprise @key(fields: "uscc") { uscc: Uscc!  chamberMemberSince: Int }
type Query { chamber: [Enterprise!] }
"""
"""A chamber of commerce that adds a field to the same enterprises."""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both composers, installed as package-lock.json pins them."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        _missing("no node and npm")
    folder = tmp_path_factory.mktemp("federation")
    for path in HERE.iterdir():
        if path.suffix in (".json", ".mjs"):
            shutil.copy(path, folder)
    installed = subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund", "--prefer-offline"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    if installed.returncode:
        _missing(f"npm could not install the composers: {installed.stderr[-300:]}")
    return folder


def _missing(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def composed(workshop: Path, **subgraphs: str) -> Any:
    """What each composer says of the subgraphs."""
    for name, sdl in subgraphs.items():
        (workshop / f"{name}.graphql").write_text(sdl, "utf-8")
    files = [f"{name}.graphql" for name in subgraphs]
    done = subprocess.run(["node", "compose.mjs", *files], cwd=workshop, capture_output=True, check=True)
    found = orjson.loads(done.stdout)
    assert found.keys() == COMPOSERS
    return found


@pytest.fixture(scope="module")
def sdl() -> str:
    return (CHECKOUT / "schema.graphql").read_text("utf-8")


def test_the_subgraph_composes_alone(workshop: Path, sdl: str) -> None:
    for said in composed(workshop, county=sdl).values():
        assert said["errors"] == []
        supergraph = said["supergraph"]
        assert '@join__type(graph: COUNTY, key: "uscc"' in definition(supergraph, "Enterprise")
        assert "key:" not in definition(supergraph, "NaturalPerson")


def test_a_peer_adds_a_field_to_the_same_enterprises(workshop: Path, sdl: str) -> None:
    for said in composed(workshop, county=sdl, chamber=PEER).values():
        assert said["errors"] == []
        enterprise = definition(said["supergraph"], "Enterprise")
        assert "chamberMemberSince" in enterprise
        assert '@join__type(graph: CHAMBER, key: "uscc"' in enterprise


def test_both_would_have_said_no(workshop: Path, sdl: str) -> None:
    broken = sdl.replace('@key(fields: "uscc"', '@key(fields: "number"')
    assert broken != sdl
    for said in composed(workshop, county=broken).values():
        assert any("number" in message for message in said["errors"])


def definition(supergraph: str, name: str) -> str:
    """The text of one object type's definition, up to its end."""
    start = (
        supergraph.index(f"\ntype {name} ")
        if f"\ntype {name} " in supergraph
        else supergraph.index(f"\ntype {name}\n")
    )
    return supergraph[start : supergraph.index("\n}", start)]
