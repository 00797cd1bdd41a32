"""How the bot does, for who watches from outside: ``/healthz``, ``/readyz`` and ``/metrics``."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from bot.health.checks import Check
from bot.web.server import listening


@dataclass(frozen=True, slots=True)
class HealthPages:
    """The pages. ``look`` returns what is checked, ``scrape`` the numbers as Prometheus reads them.

    Nothing on them is secret, and nothing can be done through them; who may see them is decided by the address.
    """

    look: Callable[[], Awaitable[Sequence[Check]]]
    scrape: Callable[[], Awaitable[bytes]]
    clean: Callable[[str], str]

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer one request."""
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        match request.path:
            case "/healthz":
                return web.Response(text="alive\n")
            case "/readyz":
                return self._ready(await self.look())
            case "/metrics":
                return web.Response(body=await self.scrape(), headers={"Content-Type": "text/plain; version=0.0.4"})
        return web.Response(status=404)

    async def serve(self, listen: str) -> web.ServerRunner:
        """Start to listen, as ``bot.web.server.listening`` does."""
        return await listening(self.handle, listen, "HEALTH_LISTEN", set())

    def _ready(self, found: Sequence[Check]) -> web.Response:
        is_ready = all(check.is_well or check.minor for check in found)
        checks = {
            check.name: {"ok": check.is_well, "minor": check.minor, "sentence": self.clean(check.sentence)}
            for check in found
        }
        body = json.dumps({"ready": is_ready, "checks": checks}, ensure_ascii=False, indent=2) + "\n"
        return web.Response(text=body, status=200 if is_ready else 503, content_type="application/json")
