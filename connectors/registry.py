"""Every source of a deployment: one YAML manifest per file in a folder.

Codes of ManifestError raised here: MANIFEST_FOLDER, MANIFEST_YAML, MANIFEST_UNKNOWN_KEY,
MANIFEST_ROLE, MANIFEST_INVALID, MANIFEST_ENVIRONMENT, MANIFEST_URL, MANIFEST_DUPLICATE, those of
`connectors.rules`, and those of the decoders. Each says file, line, path and what to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from catalogue.model import Catalogue
from connectors.environment import filled
from connectors.errors import ManifestError
from connectors.files import FileSource
from connectors.files.source import folder_of
from connectors.guard import guarded
from connectors.located import Located
from connectors.manifest import Manifest
from connectors.protocol import Source
from connectors.quota import Counter
from connectors.rest import RestSource
from connectors.rules import verify
from connectors.sql import SqlSource
from connectors.upstream import UpstreamSource


def load_sources(
    folder: Path,
    catalogue: Catalogue,
    environment: Mapping[str, str],
    base_dir: Path | None = None,
    counter: Counter | None = None,
) -> dict[str, Source]:
    """Sources by name, guarded by deadline, bulkhead, breaker and retry; opens no connection.

    Relative SQLite paths start at `base_dir`, by default the manifests' folder. Hourly quotas are kept
    with the processes that share `counter`, by default alone. Raises ManifestError.
    """
    if not folder.is_dir():
        raise ManifestError("MANIFEST_FOLDER", str(folder), "is not a folder of manifests")
    sources: dict[str, Source] = {}
    for path in sorted(folder.glob("*.yaml")):
        document = Located.read(path)
        manifest = _manifest(document, catalogue, environment)
        if manifest.source in sources:
            where = document.where(["source"])
            raise ManifestError("MANIFEST_DUPLICATE", where, f"`{manifest.source}` is another file's source")
        with _located(document):
            source = _source(manifest, catalogue, base_dir or folder, counter)
        sources[manifest.source] = guarded(source, manifest)
    return sources


def load_manifest(path: Path, catalogue: Catalogue, environment: Mapping[str, str]) -> Manifest:
    """One manifest, checked against the catalogue, its environment references filled in."""
    return _manifest(Located.read(path), catalogue, environment)


def _manifest(document: Located, catalogue: Catalogue, environment: Mapping[str, str]) -> Manifest:
    try:
        manifest = Manifest.model_validate(document.content)
    except ValidationError as error:
        raise _invalid(document, error) from error
    with _located(document):
        verify(manifest, catalogue)
        return filled(manifest, environment)


@contextmanager
def _located(document: Located) -> Iterator[None]:
    """Turn a path inside the manifest into `file:line path`."""
    try:
        yield
    except ManifestError as error:
        steps = error.where.split(".")
        content = document.content if isinstance(document.content, dict) else {}
        for section in ("records", "confirms"):
            if steps[0] in content.get(section, {}):
                steps.insert(0, section)
        raise ManifestError(error.code, document.where(steps), error.message) from None


def _source(manifest: Manifest, catalogue: Catalogue, base_dir: Path, counter: Counter | None) -> Source:
    if manifest.connector == "rest":
        return RestSource(manifest, catalogue, manifest.url, counter)
    if manifest.connector == "file":
        return FileSource(manifest, catalogue, folder_of(manifest.url, base_dir))
    if manifest.connector == "graphql":
        return UpstreamSource(manifest, catalogue, base_dir, counter)
    return SqlSource(manifest, catalogue, _resolved(manifest.url, base_dir), counter)


def _resolved(url: str, base_dir: Path) -> str:
    """A relative SQLite path made absolute; other URLs as they are."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return url
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return url
    path = (base_dir / parsed.database).resolve()
    return parsed.set(database=str(path)).render_as_string(hide_password=False)


def _invalid(document: Located, error: ValidationError) -> ManifestError:
    """The first fault pydantic found, in the words of a manifest."""
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = document.where(fault["loc"])
    if fault["type"] == "extra_forbidden":
        return ManifestError("MANIFEST_UNKNOWN_KEY", where, "no such key: see docs/manifests.md")
    if "controls" in fault["loc"] and "[key]" in fault["loc"]:
        return ManifestError("MANIFEST_ROLE", where, f"no such role: {fault['msg']}")
    return ManifestError("MANIFEST_INVALID", where, fault["msg"])
