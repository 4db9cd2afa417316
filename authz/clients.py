"""The client register: which systems may ask, for whom, until when, and which two people approved them.

A list in YAML:

```yaml
- clientId: hr-approval
  kind: OFFICER
  organization: <USCC>
  organizationName: 示例县人力资源和社会保障局
  contact: "+86 570 0000000"
  validFrom: 2026-01-01
  validUntil: 2027-12-31
  approvedBy: [op-0012, op-0034]
  scopes: [credit:check]
  grantTypes: [client_credentials]
  jwks: {keys: [{kty: EC, crv: P-256, x: …, y: …, kid: "2026"}]}
  operatorIssuer:                    # who signs which employee asks; see docs/mandates.md
    issuer: https://login.approval.example
    jwks: {keys: [{kty: EC, crv: P-256, x: …, y: …, kid: "ops-2026"}]}

- clientId: citizen-app
  kind: PERSON
  …
  scopes: [credit:self]
  grantTypes: [authorization_code]
  redirectUris: [https://app.example.cn/callback]
  origins: [https://app.example.cn]
```

`grantTypes` and what follows it is for the embedded authorization server; without it a client
gets its tokens elsewhere. Whoever has `jwks` proves itself by a key. A `PERSON` client has
none: it is an app that runs at the person's (a public client, RFC 6749 §2.1), and every key it
had would be in everybody's hands. `origins` are the front ends whose browsers may call
(CORS). `native: true` says that it is installed: a redirect to the loopback interface may then
come at any port (RFC 8252 §7.3).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import yaml
from joserfc.jwk import KeySet
from pydantic import Field, StringConstraints, ValidationError

from authz.actors import ANONYMOUS, ActorKind
from authz.errors import ConfigurationError, Unauthenticated
from authz.jose import public_key
from authz.review.terms import UseTerms
from catalogue.identifiers import IdentifierError, is_individual_business, normalize_uscc
from catalogue.model import Entry
from catalogue.values import Period

LONGEST_TERM: Final = Period(years=2)
"""Every client stops by itself (GR-12)."""


RedirectUri = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9+.-]*:[!-~]+$", max_length=512)]
Origin = Annotated[str, StringConstraints(pattern=r"^https?://[a-z0-9.:\[\]-]+$")]
"""`scheme://host[:port]`, exactly as a browser sends it."""
_LOOPBACK: Final = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::\d{1,5})?(/[!-~]*)?")
"""By address: a name may lead elsewhere (RFC 8252 §8.3)."""


class GrantType(StrEnum):
    """How a client may get a token from the embedded authorization server (RFC 6749)."""

    CLIENT_CREDENTIALS = "client_credentials"
    AUTHORIZATION_CODE = "authorization_code"
    """With PKCE, and with refresh tokens as ruling 21 gives them."""


class PublicKeys(Entry):
    """A JWK set (RFC 7517) as it stands in the register."""

    keys: Annotated[tuple[dict[str, Any], ...], Field(min_length=1, max_length=8)]


class OperatorIssuer(Entry):
    """Who signs which employee asks (`authz.operators`): the client's own login, not the client."""

    issuer: Annotated[str, StringConstraints(min_length=3, max_length=256)]
    jwks: PublicKeys

    @cached_property
    def keys(self) -> KeySet:
        """Its public keys; ValueError for a key that may not be registered."""
        return KeySet([public_key(jwk) for jwk in self.jwks.keys])


class Client(Entry):
    """One registered system. What an actor is comes from here, never from its token."""

    client_id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{2,63}$")]
    kind: ActorKind
    organization: str
    """USCC of the organization that answers for the client."""
    organization_name: Annotated[str, StringConstraints(min_length=2)]
    contact: Annotated[str, StringConstraints(min_length=3)]
    department: str = ""
    """Code of the department whose records its stewards answer for; for STEWARD only."""
    valid_from: date
    valid_until: date
    """The last day, Asia/Shanghai."""
    approved_by: tuple[str, str]
    """Staff references of two different people."""
    scopes: frozenset[str] = Field(default=frozenset())
    grant_types: frozenset[GrantType] = Field(default=frozenset())
    jwks: PublicKeys | None = None
    """Its public keys; several while it changes them."""
    operator_issuer: OperatorIssuer | None = None
    """Without it, employees are known by the token alone, and no mandate that asks for more opens."""
    redirect_uris: tuple[RedirectUri, ...] = ()
    origins: frozenset[Origin] = Field(default=frozenset())
    native: bool = False

    @property
    def public(self) -> bool:
        """Whether it runs where it can keep no secret."""
        return self.kind is ActorKind.PERSON

    def takes_redirect(self, uri: str) -> bool:
        """Whether that is one of its redirect URIs, compared as text (RFC 9700 §2.1)."""
        if uri in self.redirect_uris:
            return True
        found = _LOOPBACK.fullmatch(uri) if self.native else None
        return found is not None and f"{found[1]}{found[2]}" in map(_without_port, self.redirect_uris)

    @cached_property
    def keys(self) -> KeySet:
        """The keys that prove it is the client; ValueError for a key that may not be registered."""
        return KeySet([public_key(jwk) for jwk in self.jwks.keys] if self.jwks else [])

    use: UseTerms = UseTerms()
    """Quotas, lock-outs and alarms; docs/review.md."""


class ClientRegister:
    """Clients by id; refuses what may not be registered."""

    def __init__(self, clients: Iterable[Client]) -> None:
        self._clients: dict[str, Client] = {}
        for client in clients:
            check_client(client)
            if client.client_id in self._clients:
                raise ConfigurationError("CLIENT_DUPLICATE", client.client_id, "The client id is taken.")
            self._clients[client.client_id] = client

    @property
    def clients(self) -> Mapping[str, Client]:
        """Every registered client, expired ones too."""
        return self._clients

    @property
    def origins(self) -> frozenset[str]:
        """Where registered front ends run."""
        return frozenset(origin for client in self._clients.values() for origin in client.origins)

    def active(self, client_id: str, on: date) -> Client:
        """The client, if it may ask on that day; raises Unauthenticated."""
        client = self._clients.get(client_id)
        if client is None:
            raise Unauthenticated(
                "TOKEN_CLIENT_UNKNOWN", "The token's client is not registered here. Ask the credit office."
            )
        if not client.valid_from <= on <= client.valid_until:
            raise Unauthenticated(
                "TOKEN_CLIENT_EXPIRED", "The client's registration is not in force. Ask the credit office."
            )
        return client


def check_client(client: Client) -> None:
    """Raise ConfigurationError for a client that may not be registered."""

    def refuse(code: str, message: str) -> ConfigurationError:
        return ConfigurationError(code, client.client_id, message)

    if client.kind is ActorKind.ANONYMOUS or client.client_id == ANONYMOUS.client_id:
        raise refuse("CLIENT_KIND", "The public needs no registration; give the client its own kind.")
    try:
        canonical = normalize_uscc(client.organization)
    except IdentifierError:
        canonical = ""
    # a code that leads to one person may not stand in every audit event
    if canonical != client.organization or is_individual_business(canonical):
        raise refuse("CLIENT_ORGANIZATION", "`organization` must be the USCC of an organization.")
    if not client.valid_from <= client.valid_until <= LONGEST_TERM.after(client.valid_from):
        raise refuse("CLIENT_PERIOD", "`validUntil` must lie within two years of `validFrom` (GR-12).")
    if (client.kind is ActorKind.STEWARD) != bool(client.department):
        raise refuse("CLIENT_DEPARTMENT", "`department` and the kind `STEWARD` go together.")
    first, second = (name.strip() for name in client.approved_by)
    if not first or not second or first == second:
        raise refuse("CLIENT_APPROVAL", "`approvedBy` must name two different people.")
    _check_keys(client)
    _check_grants(client)


def _check_keys(client: Client) -> None:
    try:
        names = [key.kid for key in client.keys]
        issuers = [key.kid for key in client.operator_issuer.keys] if client.operator_issuer else []
    except ValueError as error:
        raise ConfigurationError("CLIENT_KEYS", client.client_id, f"`jwks` has {error}.") from None
    if len(set(names)) != len(names) or len(set(issuers)) != len(issuers):
        raise ConfigurationError("CLIENT_KEYS", client.client_id, "`jwks` has two keys of one `kid`.")


def _check_grants(client: Client) -> None:
    def refuse(code: str, message: str) -> ConfigurationError:
        return ConfigurationError(code, client.client_id, message)

    granted = client.grant_types
    if GrantType.CLIENT_CREDENTIALS in granted and client.public:
        raise refuse("CLIENT_GRANT", "A person's token needs the person; client credentials are for systems.")
    if GrantType.AUTHORIZATION_CODE in granted and client.kind not in (ActorKind.PERSON, ActorKind.PARTNER):
        raise refuse("CLIENT_GRANT", "Only persons' apps and partners send a person to agree to something.")
    if granted and not client.public and not client.keys:
        raise refuse("CLIENT_GRANT", "A client that gets tokens here proves itself by a key: add `jwks`.")
    if granted and client.public and client.jwks:
        raise refuse("CLIENT_KEYS", "An app at the person's keeps no secret: it has no `jwks`.")
    if (GrantType.AUTHORIZATION_CODE in granted) != bool(client.redirect_uris):
        raise refuse("CLIENT_REDIRECT", "`redirectUris` and the grant `authorization_code` go together.")
    if (client.origins or client.native) and not (client.public and client.redirect_uris):
        raise refuse("CLIENT_REDIRECT", "`origins` and `native` are for persons' apps with `redirectUris`.")
    if not all(_is_safe(uri, native=client.native) for uri in client.redirect_uris):
        raise refuse(
            "CLIENT_REDIRECT",
            "A redirect URI is https, or http at 127.0.0.1 or [::1], or for a native app a scheme such as"
            " `cn.example.app:`; without a fragment, a user or a wildcard.",
        )


def _is_safe(uri: str, *, native: bool) -> bool:
    """RFC 9700 §2.1, RFC 8252 §7: nobody on the way reads the code."""
    parts = urlsplit(uri)
    if "#" in uri or "*" in uri or "@" in parts.netloc:
        return False
    if parts.scheme == "https":
        return bool(parts.hostname)
    if parts.scheme == "http":
        return _LOOPBACK.fullmatch(uri) is not None
    return native and "." in parts.scheme  # a reversed domain name, so that it is one's own


def _without_port(uri: str) -> str:
    found = _LOOPBACK.fullmatch(uri)
    return f"{found[1]}{found[2]}" if found else uri


def load_clients(path: Path) -> ClientRegister:
    """Read the register from a YAML list; raises ConfigurationError with the client it is about."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError("CLIENT_FILE", str(path), "The client register cannot be opened.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError("CLIENT_SYNTAX", str(path), f"Not YAML: {error}") from error
    if not isinstance(raw, list):
        raise ConfigurationError("CLIENT_SYNTAX", str(path), "Expected a list of clients.")
    return ClientRegister(_client(entry, f"{path}[{number}]") for number, entry in enumerate(raw))


def _client(entry: object, where: str) -> Client:
    try:
        return Client.model_validate(entry)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise ConfigurationError("CLIENT_SHAPE", where, faults) from error
