"""First sight of documents: what one costs, and what memory does after many (`python -m bench.documents`).

Distinct documents go through the cache, the planner and the compiler in one process, with the
collector set as `serve` sets it. Each lacks other fields: no plan is met again, but functions for those
selections that lack none.
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
from bench.prepare import HERE
from catalogue.identifiers import SubjectKey, SubjectKind
from catalogue.loader import load_catalogue
from gateway.app import GC_THRESHOLD
from gateway.documents import DocumentCache
from gateway.settings import Limits
from gateway.values import coerce_variables
from resolvers.compiled.printer import printer_for
from resolvers.deciding import decide
from resolvers.planning import Planner, Walk
from resolvers.plans import Plans
from resolvers.schema import build_schema

PERSON = SubjectKey.person("990101196307080059")
LEAVES = re.compile(r"^ +\w+(?: \w+)*$", re.MULTILINE)
"""Lines of the query with nothing but leaves."""
LEFT_OUT = 3
"""Leaves, of a document."""
VARIABLES = {"who": {"citizenId": PERSON.value, "name": "测试甲"}, "access": {"purpose": "x"}}


def main(documents: Annotated[int, typer.Option(min=1, help="Distinct documents.")] = 100_000) -> None:
    """Print milliseconds for a first sight, and resident memory, ten times on the way."""
    catalogue = load_catalogue()
    schema = build_schema(catalogue).executable
    cache = DocumentCache(schema, Limits(document_burst_kib=10**9, document_kib_per_second=10**9))
    plans = Plans(Planner(catalogue))
    grant = SelfAccess(Actor(ActorKind.PERSON, "bench", subject=PERSON), PERSON)
    text = (HERE / "query.graphql").read_text(encoding="utf-8")
    process = psutil.Process()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLD)
    dice, times = Random(0), list[float]()
    for number in range(documents):
        new = new_document(text, number, dice)
        started = perf_counter()
        document = cache.get(new, "bench")
        operation = document.operation(None)
        variables = coerce_variables(document.signature(operation), VARIABLES)
        plan = plans.of(schema, document.ast, document.digest, operation, variables)
        walk = Walk(schema, plan.fragments, variables)
        kind = SubjectKind.NATURAL_PERSON
        subject = plan.subject(plans.planner, walk, plan.roots["subject"], ("subject",), kind)
        decided = decide(catalogue, grant, subject, PERSON, personal=True)
        printer_for(plan.wanted(("subject",), kind), catalogue, decided)
        times.append(perf_counter() - started)
        if (number + 1) % max(documents // 10, 1) == 0:
            resident = process.memory_info().rss / 2**20
            print(
                f"{number + 1:9,} documents  {median(times) * 1000:5.1f} ms  {resident:6.0f} MiB", flush=True
            )
            times.clear()


def new_document(text: str, number: int, dice: Random) -> str:
    """The query under another name, without some of its leaves."""
    for _ in range(LEFT_OUT):
        start, end = dice.choice([*LEAVES.finditer(text)]).span()
        leaves = text[start:end].split()
        leaves.remove(dice.choice(leaves))
        text = f"{text[:start]}    {' '.join(leaves) or '__typename'}{text[end:]}"
    return text.replace("SpecialOccupation", f"Seen{number}")


if __name__ == "__main__":
    typer.run(main)
