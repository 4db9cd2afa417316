"""YAML read with line numbers, so that an error says where; duplicate keys are refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from catalogue.strict_yaml import StrictLoader
from connectors.errors import ManifestError


@dataclass(frozen=True, slots=True)
class Located:
    """One YAML document and where its parts stand."""

    name: str
    content: object
    root: yaml.Node

    @classmethod
    def read(cls, path: Path) -> Located:
        """Raises ManifestError `MANIFEST_YAML` with file and line."""
        try:
            loader = StrictLoader(path.read_text("utf-8"))
        except UnicodeDecodeError:
            raise ManifestError("MANIFEST_YAML", path.name, "save the file as UTF-8") from None
        try:
            root = loader.get_single_node()
            if root is None:
                raise ManifestError("MANIFEST_YAML", path.name, "the file is empty")
            return cls(path.name, loader.construct_document(root), root)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            problem = error.problem or "broken YAML"
            raise ManifestError("MANIFEST_YAML", f"{path.name}:{line}", problem) from error
        except yaml.reader.ReaderError as error:
            message = f"a sign that YAML does not allow: U+{error.character:04X}"
            raise ManifestError("MANIFEST_YAML", path.name, message) from None
        finally:
            loader.dispose()

    def where(self, steps: Sequence[str | int]) -> str:
        """`file:line path` of the deepest part on the way that the document has."""
        node, path = self.root, ".".join(map(str, steps))
        for step in steps:
            node = _child(node, step) or node
        return f"{self.name}:{node.start_mark.line + 1} {path}".rstrip()


def _child(node: yaml.Node, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        found: yaml.Node = node.value[step]
        return found
    return None
