"""How `query --explain` and `--dump-source` show what was explained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.markup import escape
from rich.tree import Tree

from authz.decisions import Decision, Effect
from connectors.protocol import Source
from gateway.cli.common import console, print_json
from gateway.cli.query_explain import Explained, Explanation
from resolvers.planning import TypeRead


def show(found: Explanation, sources: Mapping[str, Source], *, as_json: bool, dump_source: bool) -> None:
    """Print the plans, the questions and the decisions, or the generated Python text."""
    if dump_source:
        _print_raw(_text(found, sources))
        return
    reads = [_as_json(one, sources) for one in found.reads]
    others = [{"path": ".".join(one.path), "reason": one.reason} for one in found.others]
    if as_json:
        print_json({"as": found.whom, "basis": found.basis, "reads": reads, "notExplained": others})
        return
    _print_raw(f"as: {found.whom}")
    for read in reads:
        console.print(_tree(read))
    for other in others:
        _print_raw(f"{other['path']} not explained: {other['reason']}")


def _text(found: Explanation, sources: Mapping[str, Source]) -> str:
    """What prints the answer, and what reads the rows for it."""
    parts = [f"# as: {found.whom}"]
    for one in found.reads:
        parts.append(f"# {'.'.join(one.path)}: {one.plan.kind.value}\n{one.source}")
        parts += [
            f"# {source.name}: {code}\n{source.row_source(code, fields)}\n"
            for code, fields in one.decided.read.items()
            for source in _serving(sources, code)
        ]
    parts += [f"# {'.'.join(one.path)} not explained: {one.reason}" for one in found.others]
    return "\n".join(parts)


def _print_raw(text: str) -> None:
    """Text as it is: brackets in it are no markup, and long lines stay whole."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _serving(sources: Mapping[str, Source], code: str) -> Iterator[Source]:
    return (source for source in sources.values() if code in source.record_types)


def _as_json(one: Explained, sources: Mapping[str, Source]) -> dict[str, Any]:
    """One field as programs read it."""
    decided = one.decided
    return {
        "path": ".".join(one.path),
        "kind": one.plan.kind.value,
        "types": [_type(one, code, one.plan.types[code], sources) for code in decided.entries],
        "denied": sorted(".".join(path) for path in decided.denied),
        "masked": sorted(".".join(path) for path in decided.masked),
    }


def _type(one: Explained, code: str, read: TypeRead, sources: Mapping[str, Source]) -> dict[str, Any]:
    verdicts, asked = one.decided.decisions[code], one.decided.read.get(code)
    serving = _serving(sources, code) if asked is not None else ()
    return {
        "recordType": code,
        "sections": [".".join(path) for path in read.sections],
        "existence": _told(verdicts.existence),
        "fields": {name: _told(verdicts.fields[name]) for name in sorted(read.fields)},
        "questions": {each.name: each.explain(code, asked or frozenset()) for each in serving},
    }


def _tree(one: dict[str, Any]) -> Tree:
    tree = Tree(f"[bold]{escape(one['path'])}[/] {one['kind']}")
    for read in one["types"]:
        line = f"[bold]{read['recordType']}[/] {read['existence']}  {escape(', '.join(read['sections']))}"
        branch = tree.add(line.rstrip())
        for name, decision in read["fields"].items():
            branch.add(f"{name}  {decision}")
        for source, question in read["questions"].items():
            branch.add(f"[cyan]{escape(source)}[/]").add(escape(question))
    return tree


def _told(decision: Decision) -> str:
    shown = decision.mask if decision.effect is Effect.MASK else decision.effect.value
    return f"{shown} ({decision.rule})"
