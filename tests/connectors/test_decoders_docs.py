"""docs/decoders.md is the table of decoders: complete, and true line by line."""

from __future__ import annotations

import json
import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from catalogue.values import PartialDate, Value
from connectors.decoders import DECODERS, DecodeError, compile_chain

TEXT = (Path(__file__).parents[2] / "docs" / "decoders.md").read_text("utf-8")
EXAMPLE = re.compile(
    r"^\| `(?P<chain>.+)` \| `(?P<cell>.+)` \| (?:`(?P<gives>.+)`|✗ (?P<reason>\w+)) \|$", re.M
)
EXAMPLES = [found.groupdict() for found in EXAMPLE.finditer(TEXT)]
DESCRIBED = re.findall(r"^\| `(\w+)(?:: [^`]*)?` \| [^`|]+", TEXT, re.M)


def steps_of(chain: str) -> tuple[object, ...]:
    written = yaml.safe_load(chain)
    return tuple(written) if isinstance(written, list) else (written,)


def cell_of(text: str) -> object:
    return bytes.fromhex(text[4:]) if text.startswith("hex ") else json.loads(text, parse_float=Decimal)


def shown(value: Value) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, PartialDate | Decimal):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: f"{one['chain']} {one['cell']}")
def test_example_is_true(example):
    decode = compile_chain(steps_of(example["chain"]), {})
    cell = cell_of(example["cell"])
    if example["reason"]:
        with pytest.raises(DecodeError) as refused:
            decode(cell)
        assert refused.value.reason == example["reason"]
    else:
        assert shown(decode(cell)) == json.loads(example["gives"])


def test_every_row_of_a_table_was_read():
    rows = [line for line in TEXT.splitlines() if line.startswith("| ")]
    headings = [line for line in rows if line.startswith(("| decoder |", "| chain |"))]
    described = [line for line in rows if re.match(r"^\| `\w+(: [^`]*)?` \| [^`]", line)]
    assert len(EXAMPLES) == len(rows) - len(headings) - len(described)


def test_every_decoder_is_described_and_has_an_example():
    in_examples = {
        step if isinstance(step, str) else next(iter(step))
        for example in EXAMPLES
        for step in steps_of(example["chain"])
    }
    assert set(DESCRIBED) == set(DECODERS)
    assert in_examples == set(DECODERS)
