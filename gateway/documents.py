"""Documents: parsed and validated once, kept by hash, refused without repeating what they hold.

The first sight of a document costs milliseconds and is what an attacker would buy, so it is
bounded three ways: limits before validation, a cache of bounded size, and a budget a client.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from math import ceil
from time import monotonic
from typing import Final

from cachetools import LRUCache, TTLCache
from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    ValuesOfCorrectTypeRule,
    parse,
    specified_rules,
)

from catalogue.personal_text import scrub
from gateway.coercing import Signature
from gateway.errors import RequestRefused, coded
from gateway.limits import Weight, structure_errors, weigh
from gateway.personal import holds_long_number, personal_literal_rule
from gateway.settings import KIB, Limits
from gateway.spelling import comments, forget_tokens, literal_free_hash
from gateway.validation import validate
from gateway.values import complaint

MAX_ERRORS: Final = 20
"""Errors told about one document; more help nobody."""


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document within all limits."""

    ast: DocumentNode
    hash: str
    """Of the form without literals, so it may be logged; 32 hexadecimal digits."""
    operations: Mapping[str, OperationDefinitionNode]
    """By name; "" for an anonymous operation."""
    signatures: Mapping[str, Signature]
    """What variables they take; by name, too."""
    weight: Weight
    digest: str
    """Of the text itself, literals included: never logged."""

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to run; RequestRefused OPERATION_NOT_FOUND when there is no telling."""
        if name:
            found = self.operations.get(name)
        else:
            found = next(iter(self.operations.values())) if len(self.operations) == 1 else None
        if found is None:
            raise RequestRefused.because("OPERATION_NOT_FOUND")
        return found

    def signature(self, definition: OperationDefinitionNode) -> Signature:
        """The variables of one of the operations."""
        return self.signatures[definition.name.value if definition.name else ""]


@contextmanager
def _unmet_by_collector() -> Iterator[None]:
    """Put the collector off: rings of a validation that it met alive would stay until its rarest round."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class DocumentCache:
    """Valid documents by the hash of their text, and the refusals of the others."""

    def __init__(
        self,
        schema: GraphQLSchema,
        limits: Limits,
        personal: Iterable[str] = (),
        weights: Mapping[str, int] | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Build the rules once for this schema.

        Args:
            schema: the schema that documents are for.
            limits: what a document may ask for.
            personal: coordinates of arguments and input fields that take variables only.
            weights: cost of one object by the coordinate (`Type.field`) that returns it.
            clock: seconds, for the budget.
        """
        self.schema = schema
        self._limits = limits
        self._weights = weights or {}
        self._rules: Sequence[type[ASTValidationRule]] = (
            personal_literal_rule(schema, personal),
            *(rule for rule in specified_rules if rule is not ValuesOfCorrectTypeRule),
            QuietValuesRule,
        )
        self._known: LRUCache[str, Document | tuple[GraphQLError, ...]] = LRUCache(
            limits.document_cache_bytes, getsizeof=lambda _: self._size
        )
        self._size = 0
        self._budget = Budget(limits.document_burst_kib, limits.document_kib_per_second, clock)

    def get(self, text: str, client: str) -> Document:
        """The document, from the cache or at the expense of the client's budget.

        Raises:
            RequestRefused: its errors, the same each time; DOCUMENT_BUDGET when the client has
                sent too many new documents.
        """
        source = text.encode()
        key = sha256(source).hexdigest()
        known = self._known.get(key)
        if known is None:
            self._budget.spend(client, 1 + len(source) // KIB)
            with _unmet_by_collector():
                known = self._read(text, key)
            self._size = len(source) + 1
            if self._size <= self._known.maxsize:
                self._known[key] = known
        if isinstance(known, tuple):
            raise RequestRefused(*known)
        return known

    def _read(self, text: str, digest: str) -> Document | tuple[GraphQLError, ...]:
        try:
            ast = self._parse(text)
            self._validate(ast, text)
            weight = weigh(self.schema, ast, self._limits, self._weights)
        except RequestRefused as refusal:
            for error in refusal.errors:  # which are kept, and know their places without the text
                error.nodes = error.source = None
            return refusal.errors
        except RecursionError:
            return (coded("DEPTH_LIMIT"),)
        forget_tokens(ast)
        operations = {
            node.name.value if node.name else "": node
            for node in ast.definitions
            if isinstance(node, OperationDefinitionNode)
        }
        signatures = {name: Signature.of(self.schema, node) for name, node in operations.items()}
        return Document(ast, literal_free_hash(text), operations, signatures, weight, digest)

    def _parse(self, text: str) -> DocumentNode:
        try:
            return parse(text, max_lexical_tokens=self._limits.tokens, max_comments=self._limits.tokens)
        except GraphQLSyntaxError as fault:
            raise RequestRefused(_syntax(fault)) from None

    def _validate(self, ast: DocumentNode, text: str) -> None:
        if errors := structure_errors(ast, self._limits):
            raise RequestRefused(*errors)
        if any(scrub(comment) != comment for comment in comments(text)):
            raise RequestRefused.because("PERSONAL_LITERAL")
        names = holds_long_number(text)
        found = validate(self.schema, ast, self._rules, most=MAX_ERRORS, names=names)
        personal = [error for error in found if (error.extensions or {}).get("code") == "PERSONAL_LITERAL"]
        # A personal literal is told alone: the other messages might lean on it.
        if errors := personal or [_validation(error) for error in found]:
            raise RequestRefused(*errors)


class QuietValuesRule(ValuesOfCorrectTypeRule):
    """Values of correct type, told without the values."""

    def report_error(self, error: GraphQLError) -> None:
        """Report the error with its place, and only what the schema says of it."""
        message = complaint(self.context.schema, error.message)
        super().report_error(GraphQLError(message, error.nodes, error.source, error.positions))


class Budget:
    """A token bucket a client: so much at once, so much a second in the long run; `code` is its refusal."""

    def __init__(
        self, burst: int, per_second: float, clock: Callable[[], float], *, code: str = "DOCUMENT_BUDGET"
    ) -> None:
        self._code = code
        self._burst = burst
        self._rate = per_second
        self._clock = clock
        self._clients: TTLCache[str, tuple[float, float]] = TTLCache(10_000, burst / per_second, timer=clock)

    def spend(self, client: str, amount: int) -> None:
        """Take the amount; what is larger than the bucket takes a full one.

        Raises:
            RequestRefused: the bucket's code with `Retry-After` in seconds.
        """
        now = self._clock()
        left, since = self._clients.get(client, (float(self._burst), now))
        left = min(self._burst, left + (now - since) * self._rate)
        missing = min(amount, self._burst) - left
        if missing > 0:
            raise RequestRefused.because(self._code, Retry_After=str(ceil(missing / self._rate)))
        self._clients[client] = (left - amount, now)


_TOKEN: Final = re.compile(r"\b(String|BlockString|Int|Float|Name) '.*'", re.DOTALL)
_CHARACTER: Final = re.compile(r": ('.*'|U\+.*)\.$", re.DOTALL)
_ABORTED: Final = re.compile(r"more than \d+ (tokens|comments)")


def _syntax(fault: GraphQLSyntaxError) -> GraphQLError:
    """A syntax error by kind of token, without the token."""
    code = "TOKEN_LIMIT" if _ABORTED.search(fault.message) else "GRAPHQL_SYNTAX"
    message = _CHARACTER.sub(".", _TOKEN.sub(r"\1", fault.message))
    return _moved(fault, coded(code, message))


def _validation(error: GraphQLError) -> GraphQLError:
    return _moved(error, coded("GRAPHQL_VALIDATION", error.message))


def _moved(place: GraphQLError, error: GraphQLError) -> GraphQLError:
    return GraphQLError(
        error.message, place.nodes, place.source, place.positions, extensions=error.extensions
    )
