"""Break the policy in one place at a time, and see whether its tests notice.

    python tools/mutate_policy.py                 # every module below
    python tools/mutate_policy.py authz.rules     # one of them

Each mutant negates a condition, swaps a comparison or a connective, or leaves a refusal out, in
the module's syntax tree; no file is changed. Its tests run in a fork of this process. Prints
each mutant that survives, and per module how many were killed. Exit code 1 where one survives
that is not in `EQUIVALENT`.
"""

from __future__ import annotations

import ast
import copy
import importlib
import importlib.abc
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
TESTS: Final[dict[str, tuple[str, ...]]] = {
    "authz.rules": ("tests/authz/test_policy.py",),
    "authz.policy": ("tests/authz/test_policy.py",),
    "authz.mandates": ("tests/authz/test_mandates.py",),
    "authz.mandate_entries": ("tests/authz/test_mandates.py",),
    "authz.declarations": ("tests/authz/test_mandates.py",),
    "authz.register.standing": ("tests/authz/test_register.py",),
    "authz.register.live": ("tests/authz/test_register.py",),
    "authz.case_use": ("tests/authz/test_case_use.py",),
    "authz.operators": ("tests/authz/test_operators.py",),
}
PRELOADED: Final = (
    "pydantic",
    "sqlalchemy.ext.asyncio",
    "alembic.command",
    "asyncpg",
    "joserfc.jwt",
    "catalogue.lint",
)
"""What no mutant can touch is imported once."""
EQUIVALENT: Final[dict[str, str]] = {}
"""Mutants that change nothing that can be seen, with the reason."""
OPPOSITE: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}


@dataclass(frozen=True)
class Mutant:
    """One changed place of one module."""

    module: str
    what: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """Module, line and change."""
        return f"{self.module}: {self.what}"


def mutants(module: str) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its lines."""
    source = (ROOT / f"{module.replace('.', '/')}.py").read_text("utf-8")
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    places = {id(node): node for function in functions for node in ast.walk(function)}
    order = [number for number, node in enumerate(ast.walk(tree)) if id(node) in places]
    for number in order:
        for kind in range(2):
            changed = copy.deepcopy(tree)
            node = list(ast.walk(changed))[number]
            told = _change(changed, node, kind)
            if told:
                line = ast.get_source_segment(source, list(ast.walk(tree))[number]) or ""
                at = getattr(node, "lineno", 0)
                yield Mutant(
                    module, f"{at} {told}: {line.splitlines()[0][:90]}", ast.fix_missing_locations(changed)
                )


def _change(tree: ast.Module, node: ast.AST, kind: int) -> str | None:
    """Change one node in place and say how; None where there is nothing (more) to change."""
    if isinstance(node, ast.Compare) and kind < len(node.ops) and type(node.ops[kind]) in OPPOSITE:
        node.ops[kind] = OPPOSITE[type(node.ops[kind])]()
        return "compare otherwise"
    if kind:
        return None
    if isinstance(node, ast.BoolOp):
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        return "connect otherwise"
    if isinstance(node, ast.If | ast.IfExp):
        node.test = ast.UnaryOp(ast.Not(), node.test)
        return "negate"
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        node.op = ast.Not()
        node.operand = ast.UnaryOp(ast.Not(), node.operand)
        return "drop not"
    if isinstance(node, ast.Raise):
        _replace(tree, node)
        return "leave out"
    return None


def _replace(tree: ast.Module, node: ast.stmt) -> None:
    for parent in ast.walk(tree):
        for body in (getattr(parent, name, None) for name in ("body", "orelse", "finalbody")):
            if isinstance(body, list) and node in body:
                body[body.index(node)] = ast.Pass()


class _Loader(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the mutant in the module's place."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        origin = str(ROOT / f"{name.replace('.', '/')}.py")
        return (
            importlib.util.spec_from_loader(name, self, origin=origin)
            if name == self._mutant.module
            else None
        )

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._mutant.tree, self._mutant.module, "exec"), module.__dict__)  # noqa: S102 - our own


def killed(mutant: Mutant) -> bool:
    """Whether a test fails; the tests run in a fork, which has imported nothing of ours yet."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] != 0
    code = 1
    try:
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        sys.meta_path.insert(0, _Loader(mutant))
        options = ["-x", "-q", "-p", "no:cacheprovider", "-k", "not postgresql and not processes"]
        code = int(pytest.main([*options, *TESTS[mutant.module]]))
    finally:
        os._exit(code)


def main(modules: Sequence[str]) -> int:
    """Run; the exit code."""
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    for library in PRELOADED:
        importlib.import_module(library)
    survivors = 0
    for module in modules or TESTS:
        every = list(mutants(module))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(killed, every))
        alive = [one for one, dead in zip(every, results, strict=True) if not dead]
        known = [one for one in alive if one.name in EQUIVALENT]
        survivors += len(alive) - len(known)
        print(f"{module}: {len(every)} mutants, {len(every) - len(alive)} killed, {len(known)} equivalent")  # noqa: T201 - for people
        for one in alive:
            if one not in known:
                print(f"  survives {one.name}")  # noqa: T201 - for people
    return int(survivors > 0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
