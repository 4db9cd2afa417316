"""`credit-gateway serve`: one process of the gateway."""

from __future__ import annotations

import asyncio
import socket
import sys
from types import FrameType

import uvicorn

from authz.news import News
from authz.store import Store
from gateway import logs
from gateway.app import create_app
from gateway.cli.common import DEFAULT_CONFIG, CommandError, Config, reported, settings_of
from gateway.deployment import Deployment, deploy
from gateway.settings import Settings

GRACE_SECONDS = 10
"""What requests in flight are given at shutdown."""
KEEP_ALIVE_SECONDS = 75
"""Longer than proxies keep an idle connection (nginx: 60 s), which would else send into a closed one."""


def serve(config: Config = DEFAULT_CONFIG) -> None:
    """Serve the graph. Refuses demo keys, a broken guardrail, unknown settings, and an outdated store."""
    with reported():
        settings = settings_of(config)
        require_free(settings.host, settings.port)
        deployment = deploy(settings)
        asyncio.run(require_store(settings))
        server = server_of(deployment)
    server.run()


def require_free(host: str, port: int) -> None:
    """Raise CommandError where another process listens already; uvicorn would only exit."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError:
        raise CommandError(
            "ADDRESS_TAKEN", f"Cannot listen on {host}:{port}. Set PORT to a free port."
        ) from None


async def require_store(settings: Settings) -> None:
    """Set up a new store; raises ConfigurationError for one that this gateway cannot work on."""
    async with Store(settings.store.get_secret_value()) as store:
        await store.prepare()


class _Server(uvicorn.Server):
    """Tells those who wait for news to go when it begins to drain, or it would wait for them."""

    def __init__(self, news: News, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._news = news

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """As uvicorn does, and no stream stays open."""
        self._news.stop()
        super().handle_exit(sig, frame)


def server_of(deployment: Deployment) -> uvicorn.Server:
    """The HTTP server of a deployment; SIGTERM drains it within the grace period."""
    settings = deployment.settings
    _forbid_core_dumps()
    logs.configure(settings.log.level, settings.log.format)
    return _Server(
        deployment.news,
        uvicorn.Config(
            create_app(deployment),
            host=settings.host,
            port=settings.port,
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=True,
            timeout_graceful_shutdown=GRACE_SECONDS,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            ws="websockets-sansio",
            ws_max_size=settings.limits.body_bytes,
        ),
    )


def _forbid_core_dumps() -> None:
    """A dump of this process would hold records of people (GR-10); Windows writes none by default."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
