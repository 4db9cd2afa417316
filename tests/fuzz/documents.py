"""Random documents over the real schema: fragments, aliases, repeated keys, directives, variables."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Final

from graphql import (
    DocumentNode,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    parse,
)

from catalogue.identifiers import SubjectKind
from resolvers.access import ENTITY_ROOT_OF
from tests.fuzz.variables import default

KIND_OF_ROOT: Final = {root: kind for kind, root in ENTITY_ROOT_OF.items()}
USCC: Final = {
    SubjectKind.ENTERPRISE: "91990100MA9TE00142",
    SubjectKind.SOCIAL_ORGANIZATION: "51990100MJ9TE0010A",
    SubjectKind.PUBLIC_INSTITUTION: "12990100MB9TE0010W",
}
_ME: Final = ("person",)
"""Of `me` the rest reads the store, which has no part in this."""
_ARGUMENTS: Final = (
    "",
    "(first: 2)",
    "(first: $first, after: $after)",
    "(types: $types)",
    "(types: $types, first: 1, after: $after)",
    "(first: $first_or_null, after: $after)",
    '(types: ["E-RS-01", "E-GA-01"])',
    '(types: ["P-FY-01", $type])',
)
_SUBJECT: Final = (
    "(lookup: $lookup, access: $access)",
    "(lookup: {uscc: $uscc}, access: {purpose: $uscc, caseNo: $after, reasonCode: SUPERVISION})",
)
_VARIABLES: Final = {
    "lookup": "SubjectLookup!",
    "access": "AccessContext!",
    "uscc": "String!",
    "representations": "[_Any!]!",
    "first": "Int!",
    "first_or_null": "Int",
    "types": "[RecordTypeCode!]",
    "type": "RecordTypeCode!",
    "after": "String",
}


@dataclass
class Document:
    """A document, as text and parsed."""

    text: str

    @cached_property
    def ast(self) -> DocumentNode:
        return parse(self.text)


@dataclass
class Writer:
    """Writes one document; what it writes is mostly valid."""

    schema: GraphQLSchema
    dice: Random
    conditions: int = 4
    fragments: list[tuple[str, str]] = field(default_factory=list)

    def document(self) -> Document:
        dice = self.dice
        self.conditions = dice.choice([0, 2, 4, 4, 8])
        roots = [self._root() for _ in range(dice.choice([1, 1, 1, 2]))]
        if dice.random() < 0.2:
            roots.append("__typename")
        if dice.random() < 0.03:
            roots.append("catalogue { version }")
        return self._finished("query", *roots)

    def _finished(self, kind: str, *roots: str) -> Document:
        body = " ".join(["{", *roots, "}", *(text for _, text in self.fragments)])
        types = _VARIABLES | dict.fromkeys(self._names(), "Boolean!")
        used = {name: type_ for name, type_ in types.items() if re.search(rf"\${name}\b", body)}
        head = ", ".join(
            f"${name}: {used[name]}{default(self.dice, self.schema, used[name])}" for name in used
        )
        return Document(f"{kind} Q{f'({head})' if head else ''} {body}")

    def check(self) -> Document:
        """One check, with anything selected of it, and records more often than by chance."""
        types, depth = self.schema.type_map, self.dice.randint(3, 6)
        below = self._selection(types["CheckResult"], depth)
        records = "".join(f"... on {name} {self._selection(types[name], 1)} " for name in self._some_types())
        more = f"... on CheckResult {{ items {{ records {{ {records}}} }} }}" if records else ""
        below = f"{below[:-1]}{more} }}"
        return self._finished("mutation", f"mustCheck(lookup: $lookup, access: $access) {below}")

    def _some_types(self) -> list[str]:
        record = self.schema.type_map["CreditRecord"]
        assert isinstance(record, GraphQLInterfaceType)
        possible = [each.name for each in self.schema.get_possible_types(record)]
        return self.dice.sample(possible, self.dice.choice([0, 1, 3]))

    def _names(self) -> list[str]:
        return [f"c{number}" for number in range(self.conditions)]

    def _root(self) -> str:
        dice = self.dice
        name = dice.choice(["subject", "me", "_entities", *KIND_OF_ROOT])
        alias = f"{name}_{dice.randint(0, 1)}: " if dice.random() < 0.4 else ""
        kind = self.schema.query_type.fields[name].type  # type: ignore[union-attr]
        arguments = {
            "subject": dice.choice(_SUBJECT),
            "me": "",
            "_entities": "(representations: $representations)",
        }.get(name, "(uscc: $uscc)")
        below = self._selection(get_named_type(kind), dice.randint(4, 6))
        return f"{alias}{name}{arguments}{self._directive()} {below}"

    def _directive(self) -> str:
        dice, names = self.dice, self._names()
        roll = dice.random()
        if roll < 0.1 and names:
            return f" @include(if: ${dice.choice(names)})"
        if roll < 0.15 and names:
            return f" @skip(if: ${dice.choice(names)})"
        if roll < 0.17:
            return f" @{dice.choice(['skip(if: false)', 'skip(if: true)', 'include(if: true)'])}"
        return ""

    def _selection(self, kind: GraphQLNamedType, depth: int) -> str:
        parts = [self._part(kind, depth) for _ in range(self.dice.choice([1, 1, 2, 2, 3, 4]))]
        if not any(parts) or self.dice.random() < 0.1:
            parts.append("__typename")
        return "{ " + " ".join(filter(None, parts)) + " }"

    def _part(self, kind: GraphQLNamedType, depth: int) -> str:
        roll = self.dice.random()
        if roll < 0.08:
            return f"{self.dice.choice(['', 't: '])}__typename{self._directive()}"
        if depth and (roll < 0.25 or isinstance(kind, GraphQLUnionType)):
            return self._fragment(kind, depth - 1)
        if isinstance(kind, GraphQLUnionType):
            return ""
        return self._field(kind, depth)

    def _field(self, kind: GraphQLNamedType, depth: int) -> str:
        assert isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)
        names = list(_ME) if kind.name == "Me" else list(kind.fields)
        if not depth:
            names = [name for name in names if is_leaf_type(get_named_type(kind.fields[name].type))]
        if not names:
            return ""
        paged = depth and "records" in names and kind.fields["records"].args
        name = "records" if paged and self.dice.random() < 0.2 else self.dice.choice(names)
        number = self.dice.randrange(len(_ARGUMENTS)) if paged and name == "records" else 0
        alias = ""
        if number or self.dice.random() < 0.2:
            alias = f"{name}_{number}_{self.dice.randint(0, 1)}: "
        below = get_named_type(kind.fields[name].type)
        arguments = _ARGUMENTS[number]
        selection = "" if is_leaf_type(below) else " " + self._selection(below, depth - 1)
        return f"{alias}{name}{arguments}{self._directive()}{selection}"

    def _fragment(self, kind: GraphQLNamedType, depth: int) -> str:
        """Inline, named, or one that is written already."""
        dice = self.dice
        target = dice.choice(self._targets(kind))
        if dice.random() < 0.3:
            usable = [name for name, text in self.fragments if f" on {target.name} " in text]
            if usable:
                return f"...{dice.choice(usable)}{self._directive()}"
        if dice.random() < 0.5:
            condition = f" on {target.name}" if target is not kind or dice.random() < 0.7 else ""
            return f"...{condition}{self._directive()} {self._selection(target, depth)}"
        selection = self._selection(target, depth)
        name = f"F{len(self.fragments)}"
        self.fragments.append((name, f"fragment {name} on {target.name} {selection}"))
        return f"...{name}{self._directive()}"

    def _targets(self, kind: GraphQLNamedType) -> list[GraphQLNamedType]:
        """Types that a fragment on this type may name, itself most often."""
        if is_abstract_type(kind):
            possible = list(self.schema.get_possible_types(kind))
            return [kind, *self.dice.sample(possible, min(3, len(possible)))]
        faces = list(getattr(kind, "interfaces", ()))
        return [kind, kind, *faces]
