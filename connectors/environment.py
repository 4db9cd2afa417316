"""`${VARIABLE}` and `${VARIABLE:-default}` in manifests, taken from the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from connectors.errors import ManifestError

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
