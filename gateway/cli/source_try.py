"""`credit-gateway source try`: one test subject, with every decode step shown as a form."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from catalogue.identifiers import IdentifierError, SubjectKey
from catalogue.model import Catalogue
from connectors.protocol import Source
from connectors.registry import load_sources
from connectors.trial import Tried, synthetic, tried
from gateway.cli.common import (
    DEFAULT_CONFIG,
    CommandError,
    Config,
    Json,
    console,
    print_json,
    reported,
    settings_of,
)
from gateway.deployment import catalogue_of, source_environment


def try_source(
    name: Annotated[str, typer.Argument(help="The source.")],
    record_type: Annotated[str | None, typer.Argument(help="Only this record type.")] = None,
    subject_stdin: Annotated[
        bool, typer.Option("--subject-stdin", help="Read the number from standard input.")
    ] = False,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Ask for one test subject and show what each decoder made of each cell: forms, never values.

    Only numbers of region 9901xx, which is nobody's. Exit code 1 when a row was left out.
    """
    with reported():
        settings = settings_of(config)
        catalogue = catalogue_of(settings)
        sources = load_sources(settings.sources, catalogue, source_environment(settings, os.environ))
        if name not in sources:
            raise CommandError(
                "SOURCE_UNKNOWN", f"There is no source {name}; there are {', '.join(sources)}."
            )
        source = sources[name]
        if record_type and record_type not in source.record_types:
            raise CommandError("RECORD_TYPE_UNKNOWN", f"{name} does not serve {record_type}.")
        key = _subject(subject_stdin)
        found = asyncio.run(_tried(source, catalogue, key, record_type))
    if as_json:
        print_json([asdict(each) for each in found])
    else:
        for each in found:
            _print(each)
    if not found or any(each.rejects for each in found):
        raise typer.Exit(1)


def _subject(from_stdin: bool) -> SubjectKey:  # noqa: FBT001 - a flag of the command
    """The number, never from the command line: shells keep what is typed."""
    text = (
        sys.stdin.readline()
        if from_stdin
        else typer.prompt("Test subject (9901xx)", hide_input=True, err=True)
    )
    for read in (SubjectKey.person, SubjectKey.entity):
        try:
            key = read(text)
        except IdentifierError:
            continue
        if synthetic(key):
            return key
        raise CommandError(
            "SUBJECT_NOT_SYNTHETIC",
            "Only numbers of region 9901xx, which is nobody's. Have the department add such a row; "
            "real people's records are read through the graph, in a case, where they see it.",
        )
    raise CommandError("IDENTIFIER_INVALID", "That is neither a citizen id nor a USCC.")


async def _tried(
    source: Source, catalogue: Catalogue, key: SubjectKey, record_type: str | None
) -> list[Tried]:
    codes = [record_type] if record_type else sorted(source.record_types)
    try:
        return [
            await tried(source, catalogue.record_types[code], key)
            for code in codes
            if key.kind in source.key_kinds(code)
        ]
    finally:
        await source.close()


def _print(found: Tried) -> None:
    console.print(
        f"[bold]{found.record_type}[/]: {len(found.rows)} rows, {found.records} records", highlight=False
    )
    for mark, traces in found.rows:
        console.print(f"  row {mark or 'without a mark'}", highlight=False)
        for trace in traces:
            steps = "".join(f" → {step.decoder} {step.gives}" for step in trace.steps)
            line = f"    {trace.attribute} ← {trace.column} {trace.cell}{steps}"
            console.print(escape(line), highlight=False, soft_wrap=True)
    for reject in found.rejects:
        console.print(f"  [red]left out[/] {escape(reject)}", highlight=False)
