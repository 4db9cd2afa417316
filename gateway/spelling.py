"""A document as it is written: what is logged of it, and what need not be kept once it is read."""

from __future__ import annotations

import re
from hashlib import sha256
from operator import attrgetter
from typing import Any, Final

from graphql import DocumentNode
from graphql.language.ast import QUERY_DOCUMENT_KEYS

_TOKEN: Final = re.compile(
    r'"""(?:[^"\\]|\\"""|\\|"(?!""))*"""'
    r'|"(?:[^"\\\n\r]|\\.)*"'
    r"|\#[^\n\r]*"
    r"|-?\d[\w.+-]*"
    r"|[_A-Za-z]\w*"
    r"|\.\.\.|[!$&()\[\]{}:=@|]",
    re.ASCII,
)
"""Lexical tokens and comments (GraphQL specification §2.1) of a text that the parser has read."""
_BELOW: Final = {kind: attrgetter(*keys) for kind, keys in QUERY_DOCUMENT_KEYS.items() if keys}
"""What is below a node of each kind: a node, a tuple of nodes, None, or a tuple of these."""


def literal_free_hash(text: str) -> str:
    """A hash that two valid documents share when they differ in literals, blanks or comments only."""
    return sha256(" ".join(_literal_free(text)).encode()).hexdigest()[:32]


def comments(text: str) -> list[str]:
    """What is said beside the document."""
    return [found for found in _TOKEN.findall(text) if found[0] == "#"] if "#" in text else []


def _literal_free(text: str) -> list[str]:
    """Tokens without comments; texts and numbers are empty ones, and lists of values empty lists."""
    spelled, deep = ["", "", ""], 0  # so that three tokens back is always somewhere
    for found in _TOKEN.findall(text):
        first = found[0]
        if first == "#":
            continue
        if deep:  # within a list of values
            deep += (found == "[") - (found == "]")
        elif first == '"':
            spelled.append('""')
        elif first == "-" or first.isdigit():
            spelled.append("0")
        elif first == "[" and spelled[-3] != "$" and spelled[-1] != "[":  # else a type: `$name: [[Int]]`
            deep = 1
            spelled.append("[]")
        else:
            spelled.append(found)
    return spelled[3:]


def forget_tokens(ast: DocumentNode) -> None:
    """Let go of the lexer's tokens: half of a document's memory, in a chain that never frees itself.

    Places in errors are counted from the source's text; nothing but the parser reads tokens.
    """
    token = ast.loc.start_token if ast.loc else None
    while token:
        token.prev, token.next, token = None, None, token.next
    waiting: list[Any] = [ast]
    while waiting:
        found = waiting.pop()
        if found.__class__ is tuple:
            waiting += found
        elif found is not None:
            found.loc.start_token = found.loc.end_token = None
            if found.kind in _BELOW:
                waiting.append(_BELOW[found.kind](found))
