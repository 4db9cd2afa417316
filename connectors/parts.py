"""Parts of a manifest that belong to one kind of source: how it is asked and how it knows us."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Part(BaseModel):
    """Base of all parts: immutable, camelCase in YAML, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class Batch(Part):
    """Many keys in one call: `{keys}` stands where `{key}` would."""

    size: Annotated[int, Field(ge=2, le=1_000)]
    separator: str = ","
    """Between keys inside a text; a text of the JSON body that is only `{keys}` becomes a list."""


class Rest(Part):
    """How a REST source is asked for one record type."""

    method: Literal["GET", "POST"] = "POST"
    path: str
    query: Mapping[str, str] = Field(default_factory=dict)
    body: Mapping[str, object] | None = None
    """JSON body; the places listed in docs/manifests.md are filled in inside strings."""
    form: Mapping[str, str] | None = None
    """Body as an HTML form instead of JSON."""
    batch: Batch | None = None
    rows: str = "data"
    """Dotted path to the rows; a JSON string on the way is parsed."""
    format: Literal["json", "xml"] = "json"
    first_page: Annotated[int, Field(ge=0, le=1)] = 1
    page_size: Annotated[int, Field(ge=1)] | None = None
    max_pages: Annotated[int, Field(ge=1, le=100)] = 10
    next: str | None = None
    """Dotted path to the cursor of the next page; missing, null or empty on the last."""
    total: str | None = None
    """Dotted path to the number of rows on all pages."""
    code: str | None = None
    """Dotted path to the code inside an HTTP 200."""
    ok: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    busy: tuple[str, ...] = ()
    expired: tuple[str, ...] = ()
    """Codes that mean "your token has run out"."""
    statuses: tuple[int, ...] = (200,)
    """HTTP statuses whose body is read as an answer; more than 200 needs `code`."""
    root: str | None = None
    """Root element of an XML answer; rows are the elements under it."""
    sample: str | None = None
    """USCC of an entity the service knows, asked by `source check`; a person's id is refused."""


class Signing(Part):
    """Headers that prove who calls: a digest of the call and a shared secret."""

    kind: Literal["md5", "hmac-sha256", "hmac-sm3"]
    app_id: str
    secret: str
    """An environment reference such as `${TAX_SECRET}`; never a literal in production."""
    text: str | None = None
    """What is signed. `md5` has the secret inside it, the others use it as the key."""
    headers: Mapping[str, str] = Field(default_factory=dict)
    """Header → text; empty means the scheme's own."""
    encoding: Literal["HEX", "hex", "base64"] = "HEX"
    clock: Literal["seconds", "milliseconds"] = "seconds"


class Token(Part):
    """A bearer token: asked for when needed, renewed before it runs out and when it is refused."""

    path: str
    form: Mapping[str, str] | None = None
    body: Mapping[str, object] | None = None
    """JSON body instead of a form; environment references are filled in in both."""
    at: str = "access_token"
    """Dotted path to the token."""
    expires: str = "expires_in"
    """Dotted path to its lifetime in seconds."""
    lifetime: Annotated[int, Field(ge=1)] = 600
    """Seconds it lives where the answer does not say."""
    header: str = "Authorization"
    value: str = "Bearer {token}"


class Drop(Part):
    """Files of one record type in a folder."""

    files: str
    """File name with `{date}` (yyyymmdd) and `{kind}`; without `{kind}` every file is a full one."""
    full: str = "ALL"
    incremental: str = "INC"
    charset: Literal["gb18030", "utf-8"] = "gb18030"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    columns: tuple[str, ...] = ()
    """Names of the columns where files have no header row."""
    record: tuple[str, ...] = ()
    """Columns that identify a record: its later row replaces the earlier one."""
    operation: str | None = None
    """Column that says what a row does."""
    upserts: tuple[str, ...] = ("A", "U")
    deletes: tuple[str, ...] = ("D",)
    footer: str | None = None
    """First cell of the last row; a file without it is not complete. Its second cell may count the rows."""
    fresh_days: Annotated[int, Field(ge=1)] | None = None
    """How old the newest delivery may be."""


class Upstream(Part):
    """How a graph is asked for one record type: another gateway of this kind, or a federated subgraph."""

    entity: str | None = None
    """Subgraph: GraphQL type of the entity, asked by `_entities`. Another gateway is asked by `subject`."""
    key: str = "uscc"
    """Subgraph: the entity's key field."""
    rows: str | None = None
    """Subgraph: dotted path from the entity to the rows; the entity itself is the row without it."""


class Client(Part):
    """This gateway as a client of another: `private_key_jwt` (RFC 7523) and DPoP (RFC 9449)."""

    id: str
    key: str
    """File of the private key as a JWK (EC P-256 or Ed25519)."""
    issuer: str | None = None
    """The other side's authorization server; by default the origin of `url`."""
    operator: str | None = None
    """Staff reference under which this gateway asks where no officer does, such as for readiness."""
    scope: str = "credit:check"
