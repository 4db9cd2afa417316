"""A run's own state: demo keys, the deployment's files with today's dates, a token."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from string import Template
from typing import Final

import orjson
import yaml

from authz.clients import load_clients
from authz.demo_tokens import issue_token
from authz.keys import generate_keys
from bench.databases import urls
from catalogue.values import CHINA_TIME

HERE: Final = Path(__file__).parent
CLIENT: Final = "bench-approval"
ISSUER: Final = "http://127.0.0.1"
AUDIENCE: Final = "credit-bench"
TOKEN_LIFETIME: Final = timedelta(hours=2)
NEW_DOCUMENTS: Final = {"document_burst_kib": 10_000_000, "document_kib_per_second": 1_000_000.0}
"""A budget that lets one client send new documents without end."""


def deployment(state: Path, persons: int, port: int) -> Path:
    """Write everything a gateway over these databases needs; returns its gateway.yaml."""
    keys = generate_keys(demo=True)
    keys.write(state / "keys.yaml")
    (state / "jwks.json").write_bytes(orjson.dumps(keys.verification_keys().as_dict(private=False)))
    today = datetime.now(CHINA_TIME).date()
    period = {"since": today - timedelta(days=1), "until": today + timedelta(days=30)}
    for name in ("clients.yaml", "mandates.yaml"):
        text = (HERE / "deployment" / name).read_text(encoding="utf-8")
        (state / name).write_text(Template(text).substitute(period), encoding="utf-8")
    variables = (
        f"BENCH_{source.upper()}_URL={url.render_as_string(hide_password=False)}\n"
        for source, url in urls(persons).items()
    )
    (state / "bench.env").write_text("".join(variables), encoding="utf-8")
    now = datetime.now(CHINA_TIME)
    token = issue_token(
        keys,
        load_clients(state / "clients.yaml").active(CLIENT, today),
        issuer=ISSUER,
        audience=AUDIENCE,
        now=now,
        lifetime=TOKEN_LIFETIME,
        operator="op-0001",
    )
    (state / "token").write_text(token)
    config = state / "gateway.yaml"
    settings = _settings(port)
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    alone = settings | {"sources": str(_unbatched(state)), "store": "sqlite:///unbatched.db"}
    (state / "unbatched.yaml").write_text(yaml.safe_dump(alone), encoding="utf-8")
    return config


def _unbatched(state: Path) -> Path:
    """The manifests with batching off."""
    folder = state / "unbatched"
    folder.mkdir()
    for path in (HERE / "deployment" / "sources").glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        (folder / path.name).write_text(text + "\nbatching: off\n", encoding="utf-8")
    return folder


def _settings(port: int) -> dict[str, object]:
    return {
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "jwks": "jwks.json",
        "keys": "keys.yaml",
        "clients": "clients.yaml",
        "mandates": "mandates.yaml",
        "sources": str(HERE / "deployment" / "sources"),
        "environment": "bench.env",
        "store": "sqlite:///gateway.db",
        "port": port,
        "limits": dict(NEW_DOCUMENTS),
    }
