"""An OpenID Connect provider for the demo, where anybody may be anybody: `identity_provider.py --port 9000`.

It lists the county's demo persons and believes whoever picks one. The protocol is the real
one (code flow, PKCE, nonce, ES256), so that the gateway needs no special way in.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import uvicorn
import yaml
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CAST: Final = Path(__file__).parent / "cast.yaml"
CLIENT: Final = "credit-gateway-demo"
STRONG: Final = "phr"
CODE_SECONDS: Final = 60
_PAGE: Final = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>演示身份认证</title><style>
body {{ font: 1rem/1.7 "PingFang SC", "Microsoft YaHei", "WenQuanYi Zen Hei", sans-serif; color: #1b2430;
  max-width: 34rem; margin: 0 auto; padding: 1.5rem 1.25rem 3rem }}
.demo {{ background: #fdf3dc; color: #6d4700; padding: .5rem .75rem; margin: 0 0 1.5rem }}
h1 {{ font-size: 1.5rem; line-height: 1.3 }}
ul {{ list-style: none; padding: 0; margin: 0; border-top: 1px solid #d5dae0 }}
li {{ border-bottom: 1px solid #d5dae0 }}
button {{ font: inherit; display: block; width: 100%; text-align: left; border: 0; background: none;
  padding: .75rem .25rem; cursor: pointer }}
button:hover {{ background: #f3f5f7 }}
button:focus-visible {{ outline: 3px solid #ffbf47; outline-offset: -3px }}
strong {{ color: #1d4f8c; font-size: 1.125rem }} small {{ display: block; color: #53606f }}
</style></head><body><p class="demo"><strong>演示</strong>：这里没有真人，不需要密码，选谁就是谁。</p>
<main><h1>{heading}</h1><p>{words}</p><form method="post"><ul>{persons}</ul></form></main></body></html>"""
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"


class Provider:
    """One provider; what it knows lives as long as its process."""

    def __init__(self, issuer: str, callback: str) -> None:
        self._issuer = issuer
        self._callback = callback
        self._key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
        self._codes: dict[str, Mapping[str, Any]] = {}
        script = yaml.safe_load(CAST.read_text("utf-8"))
        self._persons: list[Mapping[str, str]] = script["persons"]

    def application(self) -> Starlette:
        """The provider's endpoints."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/jwks.json", self._jwks),
                Route("/authorize", self._choose),
                Route("/authorize", self._chosen, methods=["POST"]),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _metadata(self, _: Request) -> Response:
        issuer = self._issuer
        return JSONResponse(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "jwks_uri": f"{issuer}/jwks.json",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "code_challenge_methods_supported": ["S256"],
                "acr_values_supported": ["pwd", STRONG],
            }
        )

    async def _jwks(self, _: Request) -> Response:
        return JSONResponse({"keys": [self._key.as_dict(private=False)]})

    def _known(self, query: Mapping[str, str]) -> bool:
        """Whether the request is the gateway's, to be sent back to nobody else."""
        wanted = {"client_id": CLIENT, "redirect_uri": self._callback, "code_challenge_method": "S256"}
        return all(query.get(name) == value for name, value in wanted.items())

    async def _choose(self, request: Request) -> Response:
        if not self._known(request.query_params):
            return HTMLResponse("unknown client", 400)
        strong = STRONG in request.query_params.get("acr_values", "").split()
        persons = "".join(
            f'<li><button name="person" value="{number}"><strong>{escape(one["name"])}</strong>'
            f'<small lang="en">{escape(one["interesting"])}</small></button></li>'
            for number, one in enumerate(self._persons)
        )
        heading = "演示：确认是您本人（模拟刷脸）" if strong else "演示：您是谁？"
        words = "再选一次自己，代替真实系统里的人脸识别。" if strong else "选择一位虚构的人登录。"
        page = _PAGE.format(heading=heading, words=words, persons=persons)
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
        return HTMLResponse(page, headers=headers)

    async def _chosen(self, request: Request) -> Response:
        query = request.query_params
        if not self._known(query):
            return HTMLResponse("unknown client", 400)
        form = dict(parse_qsl((await request.body()).decode()))
        strong = STRONG in query.get("acr_values", "").split()
        code = secrets.token_urlsafe(32)
        self._codes[code] = {
            "person": self._persons[int(form["person"])],
            "nonce": query.get("nonce"),
            "challenge": query["code_challenge"],
            "acr": STRONG if strong else "pwd",
            "at": int(time.time()),
        }
        back = urlencode({"code": code, "state": query.get("state", "")})
        return RedirectResponse(f"{self._callback}?{back}", 303)

    async def _token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        login = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        now = int(time.time())
        if login is None or challenge != login["challenge"] or now - login["at"] > CODE_SECONDS:
            return JSONResponse({"error": "invalid_grant"}, 400)
        token = self.id_token(self.claims(login, now))
        answer = {"access_token": secrets.token_urlsafe(32), "token_type": "Bearer", "id_token": token}
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    def claims(self, login: Mapping[str, Any], now: int) -> dict[str, Any]:
        """What an ID token says (OpenID Connect Core §2), and the number that the gateway asks for."""
        person = login["person"]
        return {
            "iss": self._issuer,
            "aud": CLIENT,
            "sub": hashlib.sha256(person["name"].encode()).hexdigest()[:32],
            "iat": now,
            "exp": now + CODE_SECONDS,
            "nonce": login["nonce"],
            "acr": login["acr"],
            "auth_time": login["at"],
            "citizen_id": person["id"],
        }

    def id_token(self, claims: dict[str, Any]) -> str:
        """The claims, signed (ES256)."""
        return jwt.encode({"alg": "ES256", "kid": self._key.kid}, claims, self._key)


def main() -> None:
    """Serve on the loopback interface."""
    parser = argparse.ArgumentParser(description="The demo's identity provider")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--callback", required=True, help="where the gateway takes persons back")
    given = parser.parse_args()
    application = Provider(f"http://127.0.0.1:{given.port}", given.callback).application()
    uvicorn.run(application, host="127.0.0.1", port=given.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
