"""Settings: one documented file (`gateway.yaml` of the deployment) plus `CREDIT_GATEWAY_*` variables.

A variable wins over the file; `__` steps into a group (`CREDIT_GATEWAY_LIMITS__DEPTH=8`).
Unknown keys are refused in both, a missing issuer or audience stops the start, and no
message or repr ever holds a configured value. docs/settings.md lists every key.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias
from urllib.parse import urlsplit

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
)
from pydantic_core import ErrorDetails

PREFIX: Final = "CREDIT_GATEWAY_"
KIB: Final = 1024

Url = Annotated[
    str, StringConstraints(pattern=r"^(https://\S+|http://(localhost|127\.0\.0\.1|\[::1\])([:/]\S*)?)$")
]
"""An https address; plain http only on the loopback interface, for the demo."""
Origin = Annotated[str, StringConstraints(pattern=r"^https?://[^/\s*]+$")]
"""`scheme://host[:port]`, exactly as a browser sends it; no wildcard."""
Whole = Annotated[int, Field(ge=1)]


def _split(raw: object) -> object:
    return [part.strip() for part in raw.split(",") if part.strip()] if isinstance(raw, str) else raw


Origins = Annotated[tuple[Origin, ...], BeforeValidator(_split)]
Strings = Annotated[tuple[str, ...], BeforeValidator(_split), Field(min_length=1)]
Algorithm = Literal["ES256", "EdDSA", "PS256", "RS256"]
Algorithms = Annotated[tuple[Algorithm, ...], BeforeValidator(_split), Field(min_length=1)]


class SettingsError(Exception):
    """Settings that cannot be used: a stable `code`, the `key`, and what to do. Never holds a value."""

    def __init__(self, code: str, key: str, message: str) -> None:
        super().__init__(f"{code} {key}: {message}")
        self.code = code
        self.key = key
        self.message = message


class Group(BaseModel):
    """Base of all settings: immutable, unknown keys refused, values kept out of errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Limits(Group):
    """What one request may ask for; each has an error code of its own."""

    body_bytes: Whole = 64 * KIB
    tokens: Whole = 2_000
    depth: Whole = 12
    introspection_depth: Whole = 16
    aliases: Annotated[int, Field(ge=0)] = 30
    alias_length: Whole = 100
    directives: Annotated[int, Field(ge=0)] = 50
    cost: Whole = 2_000
    list_max: Whole = 100
    list_assumed: Whole = 10
    variable_values: Whole = 500
    document_cache_bytes: Whole = KIB * KIB
    document_burst_kib: Whole = 64
    document_kib_per_second: Annotated[float, Field(gt=0)] = 4.0
    public_subjects_per_minute: Whole = 600
    authorizations_per_minute: Whole = 30
    streams: Whole = 2_000
    streams_of_one_party: Whole = 8


class Deadlines(Group):
    """How long things may take, in milliseconds."""

    operation_ms: Whole = 5_000
    ready_ms: Whole = 500


class Log(Group):
    """Structured logs on standard error."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["json", "console"] = "json"


class Provider(Group):
    """The OpenID Connect provider at which persons log in (docs/pages.md)."""

    issuer: Url
    client_id: Annotated[str, StringConstraints(min_length=1)]
    client_secret: SecretStr | None = None
    scope: str = "openid profile"
    citizen_id_claim: str = "citizen_id"
    strong_acr: Strings = ("phr", "phrh")
    algorithms: Algorithms = ("ES256", "EdDSA", "PS256")


class Pages(Group):
    """The web pages for persons; without them the gateway serves none."""

    client: str
    provider: Provider
    idle_minutes: Whole = 15
    longest_hours: Whole = 8
    step_up_minutes: Whole = 10
    logins_per_minute: Whole = 10


class Settings(Group):
    """Everything a deployment can set."""

    issuer: Url
    audience: Annotated[str, StringConstraints(min_length=1)]
    issuer_mode: Literal["external", "embedded"] = "external"
    jwks: Path | None = None
    discovery: Url | None = None
    token_seconds: Annotated[int, Field(ge=30, le=600)] = 300
    url: Url | None = None
    keys: Path
    clients: Path
    mandates: Path
    sources: Path
    environment: Path | None = None
    catalogue: Path | None = None
    locality: str = "default"
    store: SecretStr = SecretStr("sqlite:///gateway.db")
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8_000
    cors_origins: Origins = ()
    hsts: bool = False
    graphiql: bool = True
    metrics_token: Annotated[SecretStr, Field(min_length=32)] | None = None
    limits: Limits = Limits()
    deadlines: Deadlines = Deadlines()
    log: Log = Log()
    pages: Pages | None = None

    @property
    def public_url(self) -> str:
        """Where clients find the gateway: what a DPoP proof must name, whatever `Host` a request gives."""
        if self.issuer_mode == "embedded":
            return self.issuer.rstrip("/")
        return self.url.rstrip("/") if self.url else f"http://{self.host}:{self.port}"


_Tree: TypeAlias = dict[str, object]
_PATHS: Final = ("jwks", "keys", "clients", "mandates", "sources", "environment", "catalogue")
_SQLITE: Final = re.compile(r"(sqlite(?:\+\w+)?:///)(?!:memory:)(.+)")


def load_settings(path: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the file, lay the environment over it, and resolve paths against the file's folder.

    Raises:
        SettingsError: FILE_MISSING, YAML, UNKNOWN_KEY, MISSING_KEY or BAD_VALUE, with the key.
    """
    tree = _read(path)
    _overlay(tree, environ)
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as fault:
        raise _translated(fault.errors(include_input=False, include_url=False)[0]) from None
    _check_issuer(settings)
    return settings.model_copy(update=_resolved(settings, path.resolve().parent))


def _read(path: Path) -> _Tree:
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError("FILE_MISSING", str(path), "create it, or name another with --config") from None
    except yaml.MarkedYAMLError as fault:
        line = fault.problem_mark.line + 1 if fault.problem_mark else 1
        raise SettingsError("YAML", f"{path.name}:{line}", "not valid YAML; check the indentation") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise SettingsError("YAML", path.name, "not a UTF-8 YAML file") from None
    if not isinstance(raw, dict):
        raise SettingsError("YAML", path.name, "the file must be a mapping of settings")
    return raw


def _overlay(tree: _Tree, environ: Mapping[str, str]) -> None:
    if "PORT" in environ:
        tree["port"] = environ["PORT"]
    for variable in sorted(name for name in environ if name.startswith(PREFIX)):
        *groups, last = variable.removeprefix(PREFIX).lower().split("__")
        branch = tree
        for group in groups:
            below = branch.setdefault(group, {})
            if not isinstance(below, dict):
                raise SettingsError("UNKNOWN_KEY", variable, f"`{group}` is not a group of settings")
            branch = below
        branch[last] = environ[variable]


def _translated(detail: ErrorDetails) -> SettingsError:
    key = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return SettingsError("UNKNOWN_KEY", key, "no such setting; docs/settings.md lists them all")
    if detail["type"] == "missing":
        variable = PREFIX + key.upper().replace(".", "__")
        return SettingsError("MISSING_KEY", key, f"set it in the file or as {variable}")
    return SettingsError("BAD_VALUE", key, detail["msg"])


def _check_issuer(settings: Settings) -> None:
    """Keys of tokens come from one place: the own key file, a JWKS file, or a discovery document."""
    embedded = settings.issuer_mode == "embedded"
    named = [name for name in ("jwks", "discovery") if getattr(settings, name)]
    if embedded and (named or settings.url):
        key = named[0] if named else "url"
        raise SettingsError("BAD_VALUE", key, "only for an external issuer; the embedded one is at `issuer`")
    if embedded and urlsplit(settings.issuer).path.strip("/"):
        raise SettingsError("BAD_VALUE", "issuer", "the embedded issuer is at the root of its host: no path")
    if not embedded and not named:
        raise SettingsError(
            "MISSING_KEY",
            "jwks",
            "name the issuer's `jwks` file or `discovery` URL, or set `issuer_mode: embedded`",
        )
    if len(named) > 1:
        raise SettingsError(
            "BAD_VALUE", "discovery", "keys come from one place: remove `jwks` or `discovery`"
        )


def _resolved(settings: Settings, folder: Path) -> _Tree:
    paths: _Tree = {name: folder / path for name in _PATHS if (path := getattr(settings, name)) is not None}
    if found := _SQLITE.fullmatch(settings.store.get_secret_value()):
        paths["store"] = SecretStr(f"{found[1]}{folder / found[2]}")
    return paths
