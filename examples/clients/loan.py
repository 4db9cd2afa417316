"""A bank that asks a person before it reads, in Python, from stock parts: authlib, httpx2 and joserfc.

    pip install authlib httpx2
    python examples/clients/loan.py http://127.0.0.1:8000 var/demo/bank.jwk

It pushes its request (PAR, RFC 9126) with what it wants to read (RAR, RFC 9396), sends the
person to the gateway, takes the code (PKCE, RFC 7636) for a token bound to its key (DPoP,
RFC 9449), reads exactly what the person agreed to, and is refused once they took it back.
"""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from bank import CLIENT, MinuteJWT, Prover
from joserfc.jwk import ECKey

PURPOSE, CASE = "用于审查本人提交的经营贷款申请", "LN-2026-0001"
DETAILS = [
    {
        "type": "credit_record_read",
        "scenario": "S17",
        "reason": "LOAN_APPROVAL",
        "purpose": PURPOSE,
        "caseNo": CASE,
        "items": [{"recordType": "P-FY-01", "fields": ["caseNo", "court"], "level": "MASKED"}],
        "validDays": 7,
        "dataLife": {"unit": "DAY", "value": 30},
    }
]
QUERY = """
query Loan($who: SubjectLookup!, $access: AccessContext!) {
  subject(lookup: $who, access: $access) {
    ... on NaturalPerson { judicial { judgmentDefaults { state records { caseNo court } } } }
  }
}
"""


def push(client, prover, server, redirect_uri, state, verifier):
    """The name of the pushed request; pushed again when the server wants a nonce in the proof."""
    request = {
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": redirect_uri,
        "scope": "credit:consent",
        "state": state,
        "code_challenge": create_s256_code_challenge(verifier),
        "code_challenge_method": "S256",
        "authorization_details": json.dumps(DETAILS),
    }
    url = server["pushed_authorization_request_endpoint"]
    for _ in range(2):
        proved = {
            "headers": {"DPoP": prover.proof(url)},
            "auth": client.client_auth("private_key_jwt"),
            "withhold_token": True,
        }
        response = prover.heard(client.request("POST", url, data=request, **proved))
        if response.json().get("error") != "use_dpop_nonce":
            break
    response.raise_for_status()
    return response.json()["request_uri"]


def wait_for_answer(redirect_uri):
    """The address to which the person's browser comes back."""
    came = []

    class Callback(BaseHTTPRequestHandler):
        def do_GET(self):
            came.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"Thank you. You can close this window.")

        def log_message(self, *_):
            """Say nothing."""

    place = urlsplit(redirect_uri)
    with HTTPServer((place.hostname, place.port), Callback) as listener:
        while not came:
            listener.handle_request()
    return f"{place.scheme}://{place.netloc}{came[0]}"


def ask(prover, issuer, token, variables):
    """One question to the graph; asked again when it wants a nonce in the proof."""
    url = f"{issuer}/graphql"
    with httpx2.Client() as http:
        for _ in range(2):
            headers = {"Authorization": f"DPoP {token}", "DPoP": prover.proof(url, token)}
            body = {"query": QUERY, "variables": variables}
            response = prover.heard(http.post(url, json=body, headers=headers))
            if "use_dpop_nonce" not in response.headers.get("WWW-Authenticate", ""):
                break
    return response


def main(issuer, key_file, redirect_uri="http://127.0.0.1:8765/callback"):
    """Ask the person, read, wait until they took it back, be refused."""
    key = ECKey.import_key(json.loads(Path(key_file).read_text()))
    server = httpx2.get(f"{issuer}/.well-known/oauth-authorization-server").json()
    prover, state, verifier = Prover(key), generate_token(), generate_token(64)
    method = MinuteJWT(server["issuer"])
    with OAuth2Client(
        CLIENT,
        key,
        token_endpoint_auth_method=method,
        introspection_endpoint_auth_method=method,
        redirect_uri=redirect_uri,
    ) as client:
        client.register_client_auth_method(method)
        client.register_compliance_hook("access_token_response", prover.heard)
        request_uri = push(client, prover, server, redirect_uri, state, verifier)
        parameters = {"client_id": CLIENT, "request_uri": request_uri}
        url = httpx2.URL(server["authorization_endpoint"], params=parameters)
        print(f"open: {url}", flush=True)
        answer = wait_for_answer(redirect_uri)
        if parse_qs(urlsplit(answer).query).get("iss") != [server["issuer"]]:
            sys.exit("an answer of another issuer (RFC 9207)")
        token = client.fetch_token(
            server["token_endpoint"],
            authorization_response=answer,
            state=state,
            code_verifier=verifier,
            headers={"DPoP": prover.proof(server["token_endpoint"])},
        )
        (granted,) = token["authorization_details"]
        print(f"token: {token['token_type']}, for {granted['consentId'][:3]}…", flush=True)
        told = client.introspect_token(server["introspection_endpoint"], token=token["access_token"]).json()
    variables = {
        "who": {"subjectRef": told["sub"]},
        "access": {
            "consentId": granted["consentId"],
            "scenario": "S17",
            "caseNo": CASE,
            "purpose": PURPOSE,
            "idempotencyKey": state,
        },
    }
    found = ask(prover, issuer, token["access_token"], variables).json()
    print(f"read: {json.dumps(found['data'], ensure_ascii=False)}", flush=True)
    input("Take the consent back on your page, then press Enter. ")
    time.sleep(1)  # that is how long it may take
    refused = ask(prover, issuer, token["access_token"], variables)
    print(f"afterwards: {refused.status_code} {refused.json()['errors'][0]['extensions']['code']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
