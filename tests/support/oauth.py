"""A gateway that is its own authorization server, and a bank that talks to it as the RFCs say."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import yaml
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.support.bank import BANK_KEY
from tests.support.county import COUNTY
from tests.support.processes import Home, Reply

OFFICE_KEY: Final = ECKey.generate_key("P-256", auto_kid=True)
"""The key of the approval system `hr-approval`."""
_KEYS: Final = {"sample-bank": BANK_KEY, "sparing-bank": BANK_KEY, "hr-approval": OFFICE_KEY}
BANK_CALLBACK: Final = "http://127.0.0.1:8765/callback"
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def embed(home: Home, issuer: str, **settings: object) -> None:
    """Make a deployment its own issuer, with a bank and an approval system that have keys."""
    clients = with_grants(yaml.safe_load((COUNTY / "clients.yaml").read_text("utf-8")))
    (home.folder / "clients.yaml").write_text(yaml.safe_dump(clients, allow_unicode=True), "utf-8")
    content = yaml.safe_load(home.config.read_text()) | {
        "issuer": issuer,
        "issuer_mode": "embedded",
        "clients": "clients.yaml",
        **settings,
    }
    del content["jwks"]
    home.config.write_text(yaml.safe_dump(content))


def with_grants(clients: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The register, in which a bank and an approval system have keys, and the bank sends persons here."""
    for client in clients:
        if key := _KEYS.get(client["clientId"]):
            client["grantTypes"] = ["client_credentials"]
            client["jwks"] = {"keys": [dict(key.as_dict(private=False))]}
        if client["clientId"] == "sample-bank":
            client["grantTypes"].append("authorization_code")
            client["redirectUris"] = [BANK_CALLBACK]
    return clients


def key_file(folder: Path) -> Path:
    """The bank's private key, as the sample clients read it."""
    path = folder / "bank.jwk"
    path.write_text(json.dumps(BANK_KEY.as_dict(private=True)))
    return path


@dataclass
class Party:
    """A client at the token endpoint. `url` is where it sends, `issuer` what it names."""

    url: str
    issuer: str
    client_id: str = "sample-bank"
    nonce: str | None = None

    def assertion(self, key: ECKey | None = None, **changes: object) -> str:
        """A client assertion; `changes` overrule claims, None removes one."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.issuer,
            "jti": secrets.token_urlsafe(),
            "iat": now,
            "exp": now + 60,
        } | changes
        own = _KEYS.get(self.client_id, OFFICE_KEY)
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": own.kid}, kept, key or own)

    def proof(self, path: str = "/oauth/token", key: ECKey = BANK_KEY, **changes: object) -> str:
        """A DPoP proof; `changes` overrule claims, None removes one."""
        claims: dict[str, Any] = {
            "jti": secrets.token_urlsafe(),
            "htm": "POST",
            "htu": self.issuer + path,
            "iat": int(time.time()),
            "nonce": self.nonce,
        } | changes
        kept = {name: value for name, value in claims.items() if value is not None}
        public = {name: key.as_dict(private=False)[name] for name in ("kty", "crv", "x", "y")}
        return jwt.encode({"typ": "dpop+jwt", "alg": "ES256", "jwk": public}, kept, key)

    async def post(self, path: str, proof: str | None = None, **form: str) -> Reply:
        """POST a form, authenticated unless `client_assertion` is given; keeps the nonce it is told."""
        authenticated = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": ""} | form
        authenticated["client_assertion"] = authenticated["client_assertion"] or self.assertion()
        return await self.send(path, authenticated, {"DPoP": proof} if proof else {})

    async def send(self, path: str, form: Any, headers: dict[str, str] | None = None) -> Reply:
        """POST as it stands."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url + path, data=form, headers=headers) as response,
        ):
            self.nonce = response.headers.get("DPoP-Nonce", self.nonce)
            return Reply(response.status, dict(response.headers), await response.read())

    async def token_reply(self, **form: str) -> Reply:
        """Ask for a bound token, with a nonce."""
        if self.nonce is None:
            await self.post("/oauth/token", self.proof(), grant_type="client_credentials")
        return await self.post("/oauth/token", self.proof(), grant_type="client_credentials", **form)

    async def token(self) -> str:
        """A bound token."""
        reply = await self.token_reply()
        assert reply.status == 200, reply.raw
        return str(reply.body["access_token"])
