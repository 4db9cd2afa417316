"""Small named functions that turn a department's cell into a value of the catalogue.

A manifest chains them by name (`decode: [trim, fullwidth, {money: {unit: 万元}}]`); each
is listed with examples in docs/decoders.md. To add one, register a function in the module
of its idea and give it a row in that table.
"""

from connectors.decoders import codes, dates, identifiers, numbers, text
from connectors.decoders.codes import known_codes
from connectors.decoders.registry import (
    DECODERS,
    CodeTables,
    DecodeError,
    Decoder,
    StepFunction,
    Unreadable,
    compile_chain,
    ends_in_text,
    only_step,
    result_type,
)

__all__ = [
    "DECODERS",
    "CodeTables",
    "DecodeError",
    "Decoder",
    "StepFunction",
    "Unreadable",
    "codes",
    "compile_chain",
    "dates",
    "ends_in_text",
    "identifiers",
    "known_codes",
    "numbers",
    "only_step",
    "result_type",
    "text",
]
