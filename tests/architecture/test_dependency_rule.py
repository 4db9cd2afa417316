"""Imports point one way: catalogue <- connectors, authz <- resolvers <- gateway."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAY_IMPORT = {
    "catalogue": set(),
    "connectors": {"catalogue"},
    "authz": {"catalogue"},
    "resolvers": {"catalogue", "connectors", "authz"},
    "gateway": {"catalogue", "connectors", "authz", "resolvers"},
}
HOME = {
    "strawberry": {"resolvers", "gateway/websocket.py"},  # the graph, and the protocol of subscriptions
    "starlette": {"gateway"},
    "uvicorn": {"gateway"},
    "sqlalchemy": {"connectors", "authz"},
    "alembic": {"authz"},
    "asyncpg": {"connectors", "authz"},
    "asyncmy": {"connectors"},
    "aiohttp": {"connectors", "gateway"},
    "authlib": {"gateway"},
    "joserfc": {"authz", "connectors", "gateway"},
}
"""Where a library lives: outside these packages and modules nobody may lean on it."""


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_those_below_it(package: str) -> None:
    assert modules(package)
    for path in modules(package):
        ours = imported(path) & MAY_IMPORT.keys() - {package}
        assert ours <= MAY_IMPORT[package], f"{path.relative_to(ROOT)} imports {ours - MAY_IMPORT[package]}"


@pytest.mark.parametrize("library", HOME)
def test_a_library_stays_in_its_home(library: str) -> None:
    for package in MAY_IMPORT.keys() - HOME[library]:
        for path in modules(package):
            name = path.relative_to(ROOT).as_posix()
            assert name in HOME[library] or library not in imported(path), f"{name} imports {library}"


def test_no_module_takes_part_in_an_import_cycle() -> None:
    graph = {
        path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__"): path
        for package in MAY_IMPORT
        for path in modules(package)
    }
    edges = {
        name: {seen for seen in _ours(path, graph.keys()) if seen != name} for name, path in graph.items()
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"import cycle: {' -> '.join((*trail[trail.index(name) :], name))}"
        if name not in done:
            for below in edges[name]:
                visit(below, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def _ours(path: Path, known: set[str]) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            submodules = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (submodules & known) or {node.module}
    return found & known
