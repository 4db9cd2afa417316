"""A bank's client in Python, from stock parts: authlib, httpx2 and joserfc, and nothing of the gateway.

    pip install authlib httpx2
    python examples/clients/bank.py http://127.0.0.1:8000 var/demo/bank.jwk

It gets an access token with a key of its own (private_key_jwt, RFC 7523) that is bound to that
key (DPoP, RFC 9449), asks the graph with it, revokes it, and is refused.
"""

import hashlib
import json
import secrets
import sys
import time
from base64 import urlsafe_b64encode
from pathlib import Path

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc7523 import PrivateKeyJWT, private_key_jwt_sign
from joserfc import jwt
from joserfc.jwk import ECKey

CLIENT = "sample-bank"
QUERY = '{ enterprise(uscc: "91990100MA9TE00142") { displayName } }'


class MinuteJWT(PrivateKeyJWT):
    """authlib signs assertions for an hour; the gateway takes a minute."""

    def sign(self, auth, token_endpoint):
        """One assertion, used once."""
        key = auth.client_secret
        return private_key_jwt_sign(
            key, auth.client_id, token_endpoint, alg="ES256", header={"kid": key.kid}, expires_in=60
        )


class Prover:
    """Makes DPoP proofs, and keeps the nonce that the server asked for."""

    def __init__(self, key):
        self._key = key
        self._nonce = None

    def proof(self, url, token=None):
        """The header `DPoP` of one POST request."""
        claims = {"jti": secrets.token_urlsafe(16), "htm": "POST", "htu": url, "iat": int(time.time())}
        if self._nonce:
            claims["nonce"] = self._nonce
        if token:
            claims["ath"] = urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
        public = {name: self._key.as_dict(private=False)[name] for name in ("kty", "crv", "x", "y")}
        return jwt.encode({"typ": "dpop+jwt", "alg": "ES256", "jwk": public}, claims, self._key)

    def heard(self, response):
        """Remember the nonce of an answer."""
        self._nonce = response.headers.get("DPoP-Nonce", self._nonce)
        return response


def fetch_token(client, prover, url):
    """A token; asked for again, when the server wants a nonce of its own in the proof."""

    def fetch():
        return client.fetch_token(url, grant_type="client_credentials", headers={"DPoP": prover.proof(url)})

    try:
        return fetch()
    except OAuthError as error:
        if error.error != "use_dpop_nonce":
            raise
    return fetch()


def ask(prover, url, token):
    """One question to the graph; asked twice, as above."""
    with httpx2.Client() as http:
        for _ in range(2):
            headers = {"Authorization": f"DPoP {token}", "DPoP": prover.proof(url, token)}
            response = prover.heard(http.post(url, json={"query": QUERY}, headers=headers))
            if "use_dpop_nonce" not in response.headers.get("WWW-Authenticate", ""):
                break
    return response


def main(issuer, key_file):
    """Get a token, read, revoke, be refused."""
    key = ECKey.import_key(json.loads(Path(key_file).read_text()))
    server = httpx2.get(f"{issuer}/.well-known/oauth-authorization-server").json()
    prover = Prover(key)
    with OAuth2Client(
        CLIENT,
        key,
        token_endpoint_auth_method=MinuteJWT(server["token_endpoint"]),
        revocation_endpoint_auth_method=MinuteJWT(server["token_endpoint"]),
    ) as client:
        client.register_compliance_hook("access_token_response", prover.heard)
        token = fetch_token(client, prover, server["token_endpoint"])
        print(f"token: {token['token_type']}, for {token['expires_in']} seconds")
        print(f"read: {ask(prover, f'{issuer}/graphql', token['access_token']).json()['data']}")
        client.revoke_token(server["revocation_endpoint"], token=token["access_token"])
    time.sleep(1)  # that is how long it may take
    refused = ask(prover, f"{issuer}/graphql", token["access_token"])
    print(f"after revocation: {refused.status_code} {refused.json()['errors'][0]['extensions']['code']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
