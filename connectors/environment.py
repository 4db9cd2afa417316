"""`${VARIABLE}` and `${VARIABLE:-default}` in manifests, taken from the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from connectors.errors import ManifestError
from connectors.manifest import Manifest
from connectors.parts import Part

_REFERENCE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


def expand(text: str, environment: Mapping[str, str], where: str) -> str:
    """The text with its references filled in; empty counts as undefined, as in a shell.

    Raises ManifestError `MANIFEST_ENVIRONMENT` that names the variable, never a value.
    """

    def fill(found: re.Match[str]) -> str:
        value = environment.get(found[1]) or found[2]
        if value is None:
            raise ManifestError(
                "MANIFEST_ENVIRONMENT", where, f"set {found[1]}, or write ${{{found[1]}:-default}}"
            )
        return value

    return _REFERENCE.sub(fill, text)


def filled(manifest: Manifest, environment: Mapping[str, str]) -> Manifest:
    """The manifest with the references of its address and credentials filled in."""
    changed: dict[str, object] = {
        "url": expand(manifest.url, environment, "url"),
        "headers": _expanded(manifest.headers, environment, "headers"),
    }
    for name in ("signing", "token", "client"):
        part: Part | None = getattr(manifest, name)
        if part:
            values = {key: getattr(part, key) for key in type(part).model_fields}
            changed[name] = part.model_copy(update=_expanded(values, environment, name))
    return manifest.model_copy(update=changed)


def _expanded(content: Any, environment: Mapping[str, str], where: str) -> Any:  # noqa: ANN401 -- any YAML
    if isinstance(content, str):
        return expand(content, environment, where)
    if isinstance(content, Mapping):
        return {key: _expanded(inner, environment, f"{where}.{key}") for key, inner in content.items()}
    return content
