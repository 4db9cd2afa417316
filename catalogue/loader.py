"""Reads the catalogue: the packaged YAML, then each deployment's overlay folder.

An overlay has the same layout and adds entries; it cannot replace one, so nobody can
loosen a class or lengthen a clock in passing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from catalogue.errors import BrokenEntry, BrokenYaml, DuplicateEntry
from catalogue.model import (
    Behaviour,
    Catalogue,
    Department,
    Domain,
    Entry,
    Locality,
    Measure,
    RecordType,
    Scenario,
)
from catalogue.strict_yaml import StrictLoader

PACKAGED: Final = Path(__file__).parent
_LAYOUT: Final[Mapping[str, tuple[str, type[Entry]]]] = {
    "departments": ("departments.yaml", Department),
    "domains": ("domains.yaml", Domain),
    "record_types": ("record_types/*.yaml", RecordType),
    "confirmations": ("confirmations/*.yaml", RecordType),
    "behaviours": ("behaviours.yaml", Behaviour),
    "scenarios": ("scenarios/*.yaml", Scenario),
    "measures": ("measures.yaml", Measure),
    "localities": ("localities/*.yaml", Locality),
}


def load_catalogue(*overlays: Path) -> Catalogue:
    """Everything that exists, from the package and the overlay folders, in that order.

    Raises CatalogueError with `file:line` for broken YAML, an entry that does not follow
    the model, or a code given twice.
    """
    for overlay in overlays:
        if not overlay.is_dir():
            raise BrokenYaml(str(overlay), "is not a folder; give the deployment's catalogue folder")
    digest = sha256()
    kinds: dict[str, Mapping[str, Entry]] = {}
    for kind, (pattern, model) in _LAYOUT.items():
        paths = [path for folder in (PACKAGED, *overlays) for path in sorted(folder.glob(pattern))]
        shelf = _Shelf(model)
        for path in paths:
            content = path.read_bytes()
            digest.update(path.name.encode() + b"\0" + content + b"\0")
            shelf.add_file(path, content)
        kinds[kind] = shelf.entries
    for code in kinds["record_types"].keys() & kinds["confirmations"].keys():
        raise DuplicateEntry(f"confirmations/{code}.yaml", f"{code} is a record type; give it another code")
    return Catalogue.model_validate({"version": digest.hexdigest()[:12], **kinds})


@dataclass
class _Shelf:
    """The entries of one kind by code, remembering where each stands."""

    model: type[Entry]
    entries: dict[str, Entry] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def add_file(self, path: Path, content: bytes) -> None:
        for node, raw in _documents(path, content):
            entry = self._validated(path, node, raw)
            code, place = raw["code"], f"{path}:{_line(node, ('code',))}"
            if code in self.entries:
                raise DuplicateEntry(place, f"{code} is already at {self.places[code]}; give it another code")
            self.entries[code] = entry
            self.places[code] = place

    def _validated(self, path: Path, node: yaml.Node, raw: object) -> Entry:
        try:
            return self.model.model_validate(raw)
        except ValidationError as fault:
            first, *others = fault.errors(include_url=False, include_input=False)
            where = f"{path}:{_line(node, first['loc'])}"
            what = ".".join(str(part) for part in first["loc"]) or "entry"
            more = f" (and {len(others)} more)" if others else ""
            advice = f"correct it as {self.model.__name__} in catalogue/model.py says"
            raise BrokenEntry(where, f"`{what}`: {first['msg']}{more}; {advice}") from None


def _documents(path: Path, content: bytes) -> Iterator[tuple[yaml.Node, Any]]:
    """The entries of a file, each with its node for line numbers; a file holds one or a list."""
    try:
        loader = StrictLoader(content)
        root = loader.get_single_node()
        raw = loader.construct_document(root) if root else None
    except yaml.MarkedYAMLError as fault:
        line = fault.problem_mark.line + 1 if fault.problem_mark else 1
        raise BrokenYaml(f"{path}:{line}", f"{fault.problem}; correct the YAML") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise BrokenYaml(f"{path}:1", "is not plain UTF-8 text; save it as UTF-8") from None
    if isinstance(root, yaml.SequenceNode) and isinstance(raw, list):
        yield from zip(root.value, raw, strict=True)
    elif root is not None:
        yield root, raw
    else:
        raise BrokenYaml(f"{path}:1", "is empty; write an entry or remove the file")


def _line(node: yaml.Node, location: Sequence[int | str]) -> int:
    """The line of the deepest part of `location` that the file really has."""
    line: int = node.start_mark.line
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = [pair for pair in node.value if pair[0].value == part]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            found = [(item, item) for item in node.value[part : part + 1]]
        else:
            break
        if not found:
            break
        place, node = found[0]
        line = place.start_mark.line
    return line + 1
