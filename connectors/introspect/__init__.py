"""From a database never seen before to the draft of its manifest. Reads only; shows no value.

reflect → sample and forget → fit to the catalogue → write with doubts → load what was written
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Final

import yaml
from sqlalchemy.engine import make_url

from catalogue.model import Catalogue
from catalogue.strict_yaml import StrictLoader
from connectors.errors import ManifestError
from connectors.introspect.address import Address
from connectors.introspect.described import Table
from connectors.introspect.draft import UNSURE, Draft, draft, note, plain
from connectors.introspect.fitting import LEAST, Fit, Fitter
from connectors.introspect.reflection import SECONDS, reflect
from connectors.introspect.sampling import Seen, knock, look
from connectors.introspect.vocabulary import vocabulary
from connectors.manifest import Manifest
from connectors.rules import verify
from connectors.shown import shown
from connectors.sql import SqlSource
from connectors.sql.engine import engine_for

__all__ = ["Address", "Draft", "Introspection", "Request", "introspect"]

_HEADER: Final = """\
# Drafted by `credit-gateway source introspect` from the database's own catalogue and a sample that was
# forgotten again. Lines with `unsure:` are guesses: confirm or correct each one, then delete the word.
# Keys and decoders: docs/manifests.md, docs/decoders.md. Next: `credit-gateway source check {source}`.
"""


@dataclass(frozen=True, slots=True)
class Request:
    """What to look at and how the manifest is to be called."""

    url: str
    source: str
    variable: str
    """Environment variable that the manifest takes its URL from."""
    schemas: tuple[str, ...] = ()
    tables: tuple[str, ...] = ("*",)
    department: str | None = None


@dataclass(frozen=True, slots=True)
class Introspection:
    """A manifest and what it does not say."""

    text: str
    source: str
    records: Mapping[str, str]
    """Drafted record types and the table of each."""
    refused: Mapping[str, str]
    """Drafted as a comment only: code → reason."""
    passed_over: Mapping[str, str] = field(default_factory=dict)
    """Tables that were not drafted, and why."""

    @property
    def unsure(self) -> int:
        """Guesses to confirm."""
        return sum(UNSURE in line for line in self.text.splitlines()[_HEADER.count("\n") :])


async def introspect(request: Request, catalogue: Catalogue) -> Introspection:
    """Draft the manifest of one database.

    Raises ManifestError MANIFEST_URL, or INTROSPECT_NOTHING where no table fits a record type;
    SourceError where the database cannot be asked.
    """
    engine = engine_for(request.url, round(SECONDS * 1000))
    passed: dict[str, str] = {}
    await knock(engine)
    tables = _wanted(await reflect(make_url(request.url), request.schemas), request.tables, passed)
    seen = await look(engine, tables)
    fits = _best(_fits(seen, catalogue, request.department, passed), passed)
    department = _department(fits, request.department)
    if not fits or department is None:
        raise ManifestError("INTROSPECT_NOTHING", request.source, _nothing(passed))
    drafts = {fit.entry.code: draft(fit) for fit in fits}
    head = _head(request, department)
    good, refused = _loadable(head, drafts, catalogue)
    none = "" if good else " {} # take the `#` away from one below, with what it lacks"
    lines = [head + "records:" + none, *(one.text + "\n" for one in good)]
    lines += ["\n".join(drafts[code].commented(f"{UNSURE} {why}")) + "\n" for code, why in refused.items()]
    lines += [shown(f"# {table}: {why}") for table, why in passed.items()]
    records = {one.code: next(f.seen.table.name for f in fits if f.entry.code == one.code) for one in good}
    return Introspection("\n".join(lines).rstrip() + "\n", request.source, records, refused, passed)


def _wanted(tables: Iterable[Table], patterns: Sequence[str], passed: dict[str, str]) -> list[Table]:
    wanted = []
    for table in tables:
        own = table.name.rpartition(".")[2].casefold()
        if not any(fnmatch(own, pattern.casefold()) for pattern in patterns):
            continue
        if own.rstrip("0123456789").endswith(vocabulary().history.tables):
            passed[table.name] = "history, backup or test by its name"
        elif not all(sign.isprintable() and sign not in " \"'`;" for sign in table.name):
            passed[table.name] = "a manifest cannot name it: ask for a view"
        else:
            wanted.append(table)
    return wanted


def _fits(
    seen: Sequence[Seen], catalogue: Catalogue, department: str | None, passed: dict[str, str]
) -> list[Fit]:
    """What every place holds; a second look prefers the department that most of them belong to."""
    found: list[Fit] = []
    fitter = Fitter(catalogue, department)
    for _ in range(1 if department else 2):
        fitter = Fitter(catalogue, department)
        found = [fit for one in seen for fit in fitter.fits(one)]
        department = department or _department(found, None)
    fitted = {fit.seen.table.name for fit in found}
    joined = {fit.seen.join.table for fit in found if fit.seen.join}
    for one in seen:
        if one.table.name not in fitted | joined:
            near = ", ".join(f"{fit.entry.code} {fit.score:.1f}" for fit in fitter.nearest(one))
            missed = f"no record type fits; nearest, of {LEAST} that are needed: {near or 'none'}"
            reason = missed if one.kinds else "no citizen id or USCC, and no way to one"
            passed[one.table.name] = f"{reason}; {note(one.table.comment)}".removesuffix("; ")
    return found


def _best(fits: Sequence[Fit], passed: dict[str, str]) -> list[Fit]:
    """One place per record type: the one that fits best."""
    chosen: dict[str, Fit] = {}
    for fit in sorted(fits, key=lambda each: -each.score):
        code = fit.entry.code
        rival = chosen.setdefault(code, fit)
        if rival is not fit:
            passed[fit.seen.table.name] = f"like {code} too, but less than {rival.seen.table.name}"
    for fit in chosen.values():
        passed.pop(fit.seen.table.name, None)
    return sorted(chosen.values(), key=lambda each: each.entry.code)


def _department(fits: Iterable[Fit], given: str | None) -> str | None:
    weight: dict[str, float] = {}
    for fit in fits:
        weight[fit.entry.department] = weight.get(fit.entry.department, 0) + fit.score
    return given or (max(weight, key=lambda code: weight[code]) if weight else None)


def _head(request: Request, department: str) -> str:
    sure = "" if request.department else f" # {UNSURE} most tables look like this department's"
    return (
        _HEADER.format(source=request.source)
        + f"source: {request.source}\n"
        + f"department: {department}{sure}\n"
        + f"system: {{zh: {plain(request.source)}, en: {plain(request.source)}}}"
        + f" # {UNSURE} the system's name, as people shall read it\n"
        + f'contact: "12345" # {UNSURE} the desk that runs the system\n'
        + "connector: sql\n"
        + f"url: ${{{request.variable}}}\n"
    )


def _loadable(
    head: str, drafts: Mapping[str, Draft], catalogue: Catalogue
) -> tuple[list[Draft], dict[str, str]]:
    """What the connector accepts, and why it refuses the others."""
    good, refused = [], {}
    for code, one in drafts.items():
        try:
            _load(f"{head}records:\n{one.text}\n", catalogue)
            good.append(one)
        except ManifestError as error:
            refused[code] = shown(f"{error.code} {error.where.removeprefix('records.')}: {error.message}")
    return good, refused


def _load(text: str, catalogue: Catalogue) -> None:
    manifest = Manifest.model_validate(yaml.load(text, StrictLoader))  # noqa: S506 - a safe loader
    verify(manifest, catalogue)
    SqlSource(manifest, catalogue, "sqlite:///unused.db")


def _nothing(passed: Mapping[str, str]) -> str:
    told = "; ".join(shown(f"{table}: {why}") for table, why in list(passed.items())[:10])
    return f"no table looks like records of a subject ({told or 'no table at all'})"
