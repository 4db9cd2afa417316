"""`credit-gateway source try`: a test subject, or rows at random, with every decode step shown as a form."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import asdict
from functools import partial
from itertools import groupby
from typing import Annotated

import typer
from rich.markup import escape

from authz.grants import Channel
from authz.lifecycle import Effect, facts, visible
from catalogue.identifiers import IdentifierError, KeyKind, SubjectKey, birth_date
from catalogue.model import Catalogue, Locality, RecordType
from connectors.protocol import Row, Source
from connectors.registry import load_sources
from connectors.trial import FEWEST, Sampled, Trace, Tried, sampled, synthetic, tried
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
from gateway.parts import catalogue_of, china_today, locality_of, source_environment


def try_source(
    name: Annotated[str, typer.Argument(help="The source.")],
    record_type: Annotated[str | None, typer.Argument(help="Only this record type.")] = None,
    subject_stdin: Annotated[
        bool, typer.Option("--subject-stdin", help="Read the number from standard input.")
    ] = False,
    sample: Annotated[
        int | None,
        typer.Option(min=FEWEST, max=1_000, help="Instead: so many rows of each record type at random."),
    ] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Ask for one test subject and show what each decoder made of each cell: forms, never values.

    Only numbers of region 9901xx, which is nobody's. With --sample, what the decoders make of real
    rows, column by column. Exit code 1 when a row was left out, or a cell could not be read.
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
        if sample is not None:
            if subject_stdin:
                raise CommandError("SAMPLE_OF_ONE", "A sample is of rows at random, not of one subject.")
            _show_sample(asyncio.run(_sampled(source, record_type, sample)), as_json=as_json)
            return
        key = _subject(subject_stdin)
        locality = locality_of(settings, catalogue)
        found = asyncio.run(_tried(source, catalogue, key, record_type, locality))
    if as_json:
        print_json([asdict(each) for each in found])
    else:
        for each in found:
            _print(each)
    if not found or any(each.rejects for each in found):
        raise typer.Exit(1)


async def _sampled(source: Source, record_type: str | None, count: int) -> list[Sampled]:
    codes = [record_type] if record_type else sorted(source.record_types)
    try:
        return [await sampled(source, code, count) for code in codes]
    except ValueError:
        raise CommandError("SAMPLE_NOT_SQL", f"{source.name} is not asked in SQL.") from None
    finally:
        await source.close()


def _show_sample(found: list[Sampled], *, as_json: bool) -> None:
    if as_json:
        print_json([asdict(each) for each in found])
    else:
        for each in found:
            _print_sample(each)
    if any(each.refused for each in found):
        raise typer.Exit(1)


def _print_sample(found: Sampled) -> None:
    if not found.rows:
        said = f"rows of fewer than {FEWEST} subjects, of which nothing is told"
        console.print(f"[bold]{found.record_type}[/]: {said}", highlight=False)
        return
    console.print(f"[bold]{found.record_type}[/]: {found.rows} rows", highlight=False)
    readings = groupby(found.readings, key=lambda one: f"{one.trace.attribute} ← {one.trace.column}")
    for column, forms in readings:
        console.print(f"  {escape(column)}", highlight=False)
        for each in forms:
            line = f"    {each.count}× {each.trace.cell}{_steps(each.trace)}"
            console.print(escape(line), highlight=False, soft_wrap=True)
        if column in found.others:
            console.print(f"    {found.others[column]}× in other forms", highlight=False)


def _steps(trace: Trace) -> str:
    return "".join(f" → {step.decoder} {step.gives}" for step in trace.steps)


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
    source: Source, catalogue: Catalogue, key: SubjectKey, record_type: str | None, locality: Locality
) -> list[Tried]:
    codes = [record_type] if record_type else sorted(source.record_types)
    try:
        return [
            await tried(source, entry, key, partial(_held, entry, key, locality))
            for code in codes
            for entry in (catalogue.record_types[code],)
            if key.kind in source.key_kinds(code)
        ]
    finally:
        await source.close()


def _held(entry: RecordType, key: SubjectKey, locality: Locality, row: Row) -> str:
    """The rule of the clocks that keeps a record, or its adverse part, out of a check today."""
    born = birth_date(key.value) if key.kind is KeyKind.CITIZEN_ID else None
    known = facts(entry, row.controls, row.values, born, personal=key.personal)
    verdict = visible(known, entry, Channel.CHECK, china_today(), locality)
    return "" if verdict.effect is Effect.KEEP else verdict.rule


def _print(found: Tried) -> None:
    console.print(f"[bold]{found.record_type}[/]: {len(found.rows)} rows", highlight=False)
    for mark, traces in found.rows:
        console.print(f"  row {mark or 'without a mark'}", highlight=False)
        for trace in traces:
            line = f"    {trace.attribute} ← {trace.column} {trace.cell}{_steps(trace)}"
            console.print(escape(line), highlight=False, soft_wrap=True)
    for reject in found.rejects:
        console.print(f"  [red]left out[/] {escape(reject)}", highlight=False)
    rules = ", ".join(f"{count} by {rule}" for rule, count in found.withheld.items())
    held = f", {sum(found.withheld.values())} withheld" + (f": {rules}" if rules else "")
    console.print(f"  {found.records} records{held}; {len(found.rejects)} rows left out", highlight=False)
