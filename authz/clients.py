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
```

`grantTypes` and `jwks` (the client's public keys) are for the embedded authorization server;
without them a client gets its tokens elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final

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


class GrantType(StrEnum):
    """How a client may get a token from the embedded authorization server (RFC 6749)."""

    CLIENT_CREDENTIALS = "client_credentials"


class PublicKeys(Entry):
    """A JWK set (RFC 7517) as it stands in the register."""

    keys: Annotated[tuple[dict[str, Any], ...], Field(min_length=1, max_length=8)]


class Client(Entry):
    """One registered system. What an actor is comes from here, never from its token."""

    client_id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{2,63}$")]
    kind: ActorKind
    organization: str
    """USCC of the organization that answers for the client."""
    organization_name: Annotated[str, StringConstraints(min_length=2)]
    contact: Annotated[str, StringConstraints(min_length=3)]
    valid_from: date
    valid_until: date
    """The last day, Asia/Shanghai."""
    approved_by: tuple[str, str]
    """Staff references of two different people."""
    scopes: frozenset[str] = Field(default=frozenset())
    grant_types: frozenset[GrantType] = Field(default=frozenset())
    jwks: PublicKeys | None = None
    """Its public keys; several while it changes them."""

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
    first, second = (name.strip() for name in client.approved_by)
    if not first or not second or first == second:
        raise refuse("CLIENT_APPROVAL", "`approvedBy` must name two different people.")
    _check_keys(client)
    if client.grant_types and client.kind is ActorKind.PERSON:
        raise refuse("CLIENT_GRANT", "A person's token needs the person; client credentials are for systems.")
    if client.grant_types and not client.keys:
        raise refuse("CLIENT_GRANT", "A client that gets tokens here proves itself by a key: add `jwks`.")


def _check_keys(client: Client) -> None:
    try:
        names = [key.kid for key in client.keys]
    except ValueError as error:
        raise ConfigurationError("CLIENT_KEYS", client.client_id, f"`jwks` has {error}.") from None
    if len(set(names)) != len(names):
        raise ConfigurationError("CLIENT_KEYS", client.client_id, "`jwks` has two keys of one `kid`.")


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
