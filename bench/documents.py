"""First sight of documents: what one costs, and what memory does after many (`python -m bench.documents`).

Distinct documents go through the cache, the planner and the compiler in one process, with the collector set
as `serve` sets it. By turns one shares nothing with those before (`bench.fresh`: all is compiled), and one
what it can: it lacks three leaves, so only the sections that lack one may be new. No plan is met again.
Departments are not asked; nothing is executed.
"""

from __future__ import annotations

import gc
import re
from random import Random
from statistics import median
from time import perf_counter
from typing import Annotated

import psutil
import typer

from authz.actors import Actor, ActorKind
from authz.grants import SelfAccess
from bench.fresh import WORD, new_word, template
from bench.prepare import HERE
from catalogue.identifiers import SubjectKey, SubjectKind
from catalogue.loader import load_catalogue
from gateway.app import GC_THRESHOLD
from gateway.documents import DocumentCache
from gateway.settings import Limits
from gateway.values import coerce_variables
from resolvers.compiled.printer import Printer, printer_for
from resolvers.deciding import decide
from resolvers.planning import Planner, Walk
from resolvers.plans import Plans
from resolvers.schema import build_schema

PERSON = SubjectKey.person("990101196307080059")
LEAVES = re.compile(r"^ +\w+(?: \w+)*$", re.MULTILINE)
"""Lines of the query with nothing but leaves."""
LEFT_OUT = 3
"""Leaves, of a document that shares what it can."""
VARIABLES = {"who": {"citizenId": PERSON.value, "name": "测试甲"}, "access": {"purpose": "x"}}


class Reader:
    """Takes a document from its text to the functions that print its answer."""

    def __init__(self) -> None:
        self._catalogue = load_catalogue()
        self._schema = build_schema(self._catalogue).executable
        self._cache = DocumentCache(
            self._schema, Limits(document_burst_kib=10**9, document_kib_per_second=10**9)
        )
        self._plans = Plans(Planner(self._catalogue))
        self._grant = SelfAccess(Actor(ActorKind.PERSON, "bench", subject=PERSON), PERSON)

    def read(self, text: str) -> Printer:
        """What prints the answer."""
        document = self._cache.get(text, "bench")
        operation = document.operation(None)
        variables = coerce_variables(document.signature(operation), VARIABLES)
        plan = self._plans.of(self._schema, document.ast, document.digest, operation, variables)
        walk = Walk(self._schema, plan.fragments, variables)
        kind = SubjectKind.NATURAL_PERSON
        subject = plan.subject(self._plans.planner, walk, plan.roots["subject"], ("subject",), kind)
        decided = decide(self._catalogue, self._grant, subject, PERSON, personal=True)
        return printer_for(plan.wanted(("subject",), kind), self._catalogue, decided)


def main(documents: Annotated[int, typer.Option(min=1, help="Distinct documents.")] = 100_000) -> None:
    """Print milliseconds for a first sight of either kind, and resident memory, ten times on the way."""
    reader, text = Reader(), (HERE / "query.graphql").read_text(encoding="utf-8")
    fresh = template(text)
    process = psutil.Process()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLD)
    dice = Random(0)
    alone, sharing = list[float](), list[float]()
    for number in range(documents):
        new = fresh.replace(WORD, new_word(dice)) if number % 2 == 0 else sharing_document(text, number, dice)
        started = perf_counter()
        reader.read(new)
        (sharing if number % 2 else alone).append(perf_counter() - started)
        if (number + 1) % max(documents // 10, 1) == 0:
            resident = process.memory_info().rss / 2**20
            told = f"{_ms(alone)} ms sharing nothing  {_ms(sharing)} ms sharing what they can"
            print(f"{number + 1:9,} documents  {told}  {resident:6.0f} MiB", flush=True)
            alone.clear()
            sharing.clear()


def _ms(times: list[float]) -> str:
    return f"{median(times) * 1000:5.1f}" if times else "    -"


def sharing_document(text: str, number: int, dice: Random) -> str:
    """The query under another name, without some of its leaves."""
    for _ in range(LEFT_OUT):
        start, end = dice.choice([*LEAVES.finditer(text)]).span()
        leaves = text[start:end].split()
        leaves.remove(dice.choice(leaves))
        text = f"{text[:start]}    {' '.join(leaves) or '__typename'}{text[end:]}"
    return text.replace("SpecialOccupation", f"Seen{number}")


if __name__ == "__main__":
    typer.run(main)
