"""The program that is tried: on a sandbox of its own, with an evening and its alert, and no process beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.app import App, build
from bot.clock import SteppedClock
from bot.sandbox.limits import Limiter
from bot.sandbox.server import Sandbox, serve
from tests.bot.market.in_process import MarketInProcess
from tests.bot.messages.whole import whole
from tests.bot.running import EVENING, settings_for, store_verdict
from tests.fuzzing.updates import OPERATOR


@asynccontextmanager
async def tried(url: str) -> AsyncIterator[tuple[App, Sandbox]]:
    """Build it on an empty database."""
    async with serve(Sandbox(limiter=Limiter(10**6, 10**6, 10**6))) as sandbox:
        changes = {"operator_ids": (OPERATOR["id"],), "market_data": "simulated", "messages_per_second": 1000}
        settings = settings_for(sandbox, url, **changes)
        async with build(settings, SteppedClock(EVENING), MarketInProcess(), MarketInProcess()) as app:
            await app.connect()
            # An evening is seconds of work; who asks for one is answered as by a worker.
            app.operation.evaluate = None
            await store_verdict(app, whole(), "attempt")
            yield app, sandbox
