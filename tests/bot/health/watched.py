"""A bot whose operator is ME, looked at as its operators, its health check and Prometheus do."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from bot.app import App, build
from bot.clock import SteppedClock
from bot.market.process import Market
from bot.sandbox.server import Sandbox
from bot.web.metrics import Metrics
from bot.web.pages import HealthPages
from tests.bot.running import EVENING, Time, settings_for

ME = 5


@dataclass
class Watched:
    """A bot, the monotonic clock of what watches it, and what its operator has read."""

    app: App
    sandbox: Sandbox
    time: Time
    _read: int = 0

    def told(self) -> list[str]:
        """Return what the operator got since the last call."""
        texts = self.sandbox.sent(ME)
        before, self._read = self._read, len(texts)
        return texts[before:]

    async def look(self, minutes: float = 1.0) -> None:
        """Let some minutes pass, and look as every minute."""
        self.time.now += minutes * 60
        await self.app.watch.tell()
        await self.app.alarm.once()

    async def ready(self) -> tuple[int, dict[str, Any]]:
        """Return the status of ``/readyz`` and its checks."""
        self.time.now += 6
        status, text = await self.get("/readyz")
        return status, json.loads(text)["checks"]

    async def failing(self) -> set[str]:
        """Return the names of the checks on ``/readyz`` that fail."""
        return {name for name, check in (await self.ready())[1].items() if not check["ok"]}

    async def metric(self, name: str) -> float:
        """Return a number of ``/metrics``, by its name with its labels."""
        _, text = await self.get("/metrics")
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)
        assert found is not None, f"{name} is not among:\n{text}"
        return float(found[1])

    async def get(self, path: str, method: str = "GET") -> tuple[int, str]:
        """Ask one of the pages."""
        app = self.app
        metrics = Metrics(app.database, app.clock, app.counts, app.watch, lambda: app.sender.pacer.throttles)
        pages = HealthPages(app.watch.look, metrics.page, app.alarm.clean)
        runner = await pages.serve("127.0.0.1:0")
        host, port = runner.addresses[0][:2]
        async with aiohttp.ClientSession() as client, client.request(method, f"http://{host}:{port}{path}") as answer:
            found = answer.status, await answer.text()
        await runner.cleanup()
        return found


@asynccontextmanager
async def watched(
    sandbox: Sandbox, database_url: str, market: Market | None = None, **settings: Any
) -> AsyncIterator[Watched]:
    """Build a bot that is not started yet; its operators can be told."""
    sandbox.world.add_private_chat(ME, started=True)
    given = settings_for(sandbox, database_url, operator_ids=(ME,), **settings)
    time = Time()
    async with build(given, SteppedClock(EVENING), market, monotonic=time) as app:
        await app.connect()
        yield Watched(app, sandbox, time)
