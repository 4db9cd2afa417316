"""`credit-gateway source`: look at the departments' systems behind the manifests."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from catalogue.model import Catalogue, RecordType
from connectors.protocol import Finding, Source
from connectors.registry import load_sources
from connectors.sql.engine import DIALECTS, DialectName
from connectors.sql.reader import Reader
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
from gateway.cli.source_introspect import introspect_source
from gateway.cli.source_report import report
from gateway.cli.source_try import try_source
from gateway.parts import catalogue_of, source_environment

app = typer.Typer(
    help="Sources: what is connected, and whether it is as its manifest says.", no_args_is_help=True
)
app.command("introspect")(introspect_source)
app.command("report")(report)
app.command("try")(try_source)
Name = Annotated[str | None, typer.Argument(help="Only this source.")]


@app.command("list")
def listed(config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """List sources and the record types each serves."""
    with reported():
        _, sources = _load(config)
    rows = [
        {
            "source": source.name,
            "department": source.department,
            "connector": source.manifest.connector,
            "recordTypes": sorted(source.record_types),
        }
        for source in sources.values()
    ]
    if as_json:
        print_json(rows)
        return
    table = Table("source", "department", "connector", "record types")
    for row in rows:
        table.add_row(
            str(row["source"]), str(row["department"]), str(row["connector"]), " ".join(row["recordTypes"])
        )
    console.print(table)


@app.command("check")
def check(name: Name = None, config: Config = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Compare manifests with the living sources. Exit code 1 when anything is wrong."""
    with reported():
        _, sources = _load(config)
        findings = asyncio.run(_check(_chosen(sources, name)))
    if as_json:
        print_json(
            {
                source: [
                    {"level": each.level, "code": each.code, "where": each.where, "message": each.message}
                    for each in found
                ]
                for source, found in findings.items()
            }
        )
    else:
        _print(findings)
    if any(each.level == "error" for found in findings.values() for each in found):
        raise typer.Exit(1)


@app.command("explain")
def explain(
    name: Annotated[str, typer.Argument(help="The source.")],
    record_type: Annotated[str | None, typer.Argument(help="Only this record type.")] = None,
    fields: Annotated[
        list[str] | None, typer.Option("--field", "-f", help="Fields to ask for; all of them if absent.")
    ] = None,
    dialect: Annotated[
        DialectName | None, typer.Option(help="SQL as this engine would get it; no driver is needed.")
    ] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Print the exact question that would be sent; no source is asked and no value appears."""
    with reported():
        catalogue, sources = _load(config)
        (source,) = _chosen(sources, name).values()
        if record_type is not None and record_type not in source.record_types:
            raise CommandError("RECORD_TYPE_UNKNOWN", f"{name} does not serve {record_type}.")
        if fields and record_type is None:
            raise CommandError("RECORD_TYPE_MISSING", "Fields are of one record type: name it.")
        codes = [record_type] if record_type else sorted(source.record_types)
        questions = {
            code: _question(source, catalogue.record_types[code], frozenset(fields or ()), dialect)
            for code in codes
        }
    if as_json:
        print_json(questions)
        return
    for code, question in questions.items():
        typer.echo(question if record_type else f"-- {code}\n{question};\n")


def _question(source: Source, entry: RecordType, fields: frozenset[str], dialect: DialectName | None) -> str:
    unknown = fields - entry.field_by_name.keys()
    if unknown:
        raise CommandError("FIELD_UNKNOWN", f"{entry.code} has no field {', '.join(sorted(unknown))}.")
    asked = (fields or frozenset(entry.field_by_name)) | entry.control_fields
    if dialect is None:
        return source.explain(entry.code, asked)
    manifest = source.manifest
    if manifest.connector != "sql":
        raise CommandError("DIALECT_NOT_SQL", f"{source.name} is not asked in SQL.")
    return Reader(manifest, DIALECTS[dialect], entry, manifest.records[entry.code]).explain(asked)


def _load(config: Path) -> tuple[Catalogue, Mapping[str, Source]]:
    settings = settings_of(config)
    catalogue = catalogue_of(settings)
    return catalogue, load_sources(settings.sources, catalogue, source_environment(settings, os.environ))


def _chosen(sources: Mapping[str, Source], name: str | None) -> Mapping[str, Source]:
    if name is None:
        return sources
    if name not in sources:
        raise CommandError("SOURCE_UNKNOWN", f"There is no source {name}; there are {', '.join(sources)}.")
    return {name: sources[name]}


async def _check(sources: Mapping[str, Source]) -> dict[str, list[Finding]]:
    found = await asyncio.gather(*(source.check() for source in sources.values()))
    await asyncio.gather(*(source.close() for source in sources.values()))
    return dict(zip(sources, found, strict=True))


def _print(findings: Mapping[str, list[Finding]]) -> None:
    """Two columns, so that nothing is cut off in a narrow terminal; the worst first."""
    colour = {"error": "bold red", "warning": "yellow", "info": "dim"}
    for source, found in findings.items():
        table = Table(
            Column(no_wrap=True), Column(overflow="fold"), box=None, show_header=False, pad_edge=False
        )
        for each in sorted(found, key=lambda one: list(colour).index(one.level)):
            where = escape(each.where.removeprefix(f"{source}."))
            said = f"[bold]{each.code}[/] {where}\n{escape(each.message)}"
            table.add_row(f"  [{colour[each.level]}]{each.level}[/]", said)
        counts = Counter(each.level for each in found)
        told = ", ".join(
            f"{counts[level]} {level}{'s' * (counts[level] > 1)}" for level in colour if counts[level]
        )
        console.print(f"[bold]{source}[/]: {told or 'nothing to say'}", table, sep="\n", highlight=False)
