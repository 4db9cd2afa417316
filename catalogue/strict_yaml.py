"""YAML as people write it: YAML 1.2 booleans, and no mapping key twice.

PyYAML follows YAML 1.1, where `on:`, `no` and `Y` are booleans; departments' codes are full of them.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any, ClassVar, Final

import yaml

_BOOLEAN: Final = "tag:yaml.org,2002:bool"
_Loader: Final[type[yaml.SafeLoader]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class StrictLoader(_Loader):  # type: ignore[misc, valid-type]
    """Safe YAML that refuses a repeated key instead of keeping the last."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, pattern) for tag, pattern in known if tag != _BOOLEAN]
        for first, known in _Loader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        """As a mapping; raises ConstructorError, with its line, for a repeated key."""
        seen: list[object] = []
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"`{key.value}` is written twice", key.start_mark
                )
            seen.append(key.value)
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return mapping


StrictLoader.add_implicit_resolver(
    _BOOLEAN, re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
