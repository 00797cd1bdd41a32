"""The demonstration: the whole program on a sandbox, with a simulated market whose days are stepped by hand."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from bot.app import App, build
from bot.cli.progress import progress_shown
from bot.clock import SteppedClock, SystemClock
from bot.market.evening import Evening
from bot.market.process import Market, MarketProcess
from bot.market.protocol import DemoStart, FindDemoStart
from bot.sandbox.page import Stepped, page_routes
from bot.sandbox.server import Sandbox, new_token, serve
from bot.settings import Settings
from storage import chats
from storage.ledger import count_alerts
from storage.market import SIMULATED, Agenda, load_market
from storage.settings import chosen
from storage.settings.kinds import EVERYTHING

logger = logging.getLogger(__name__)

VISITOR = 7001


class Recorder:
    """Keeps charts and track record up to date, in a market process of its own so that no step waits for it."""

    def __init__(self, evening: Evening, clock: SteppedClock, process: Market) -> None:
        self.process = process
        self._evening = replace(evening, process=process, running=asyncio.Lock())
        self._clock, self._news = clock, asyncio.Event()

    def wake(self) -> None:
        """Do so once more."""
        self._news.set()

    async def run(self) -> None:
        """Draw and look back whenever woken, for ever."""
        while True:
            await self._news.wait()
            self._news.clear()
            for follow in (self._evening.draw, self._evening.look_back):
                try:
                    await follow(self._clock.now())
                except Exception:
                    logger.exception("what follows an evening failed; what is stored stays what it was")


@dataclass
class SteppedMarket:
    """Moves the demonstration's clock from one evening to the next."""

    app: App
    clock: SteppedClock
    recorder: Recorder
    running: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def step(self) -> Stepped:
        """Run the evening of the next session."""
        async with self.running:
            async with self.app.database.reading() as connection:
                market_row = await load_market(connection)
                before = await count_alerts(connection)
            assert market_row is not None
            assert market_row.agenda is not None
            agenda = await self.begin(market_row.agenda.next_decision_at)
            async with self.app.database.reading() as connection:
                alerted = await count_alerts(connection) > before
        if alerted:
            self.recorder.wake()
        assert agenda.last_closed is not None
        return Stepped(agenda.last_closed, alerted)

    async def begin(self, at: datetime) -> Agenda:
        """Move to an instant and run its evening; on an empty database the history up to it is recorded silently."""
        self.clock.move(at)
        agenda = await self.app.evening.run(at)
        await self.app.evening.watch(at)
        self.app.sender.wake()
        return agenda


async def demo(port: int, ready: Callable[[str], None]) -> None:
    """Serve the chat page at 127.0.0.1 until cancelled. ``ready`` is called with its address."""
    sandbox = Sandbox(token=new_token())
    sandbox.world.add_private_chat(VISITOR)
    routes, attach = page_routes(sandbox, VISITOR)
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="cascade-demo-"))
        await stack.enter_async_context(serve(sandbox, port, routes))
        with progress_shown() as report:
            process = MarketProcess(report)
            stack.push_async_callback(process.close)
            start = await _start(process)
            clock = SteppedClock(start)
            app = await stack.enter_async_context(build(_settings(sandbox, Path(folder)), clock, process))
            recorder = Recorder(app.evening, clock, MarketProcess())
            stack.push_async_callback(recorder.process.close)
            market = SteppedMarket(app, clock, recorder)
            await market.begin(start)
            await _let_everything_come(app)
        recorder.wake()
        attach(market)
        await app.connect()
        ready(sandbox.url)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(app.poll())
            tasks.create_task(app.sender.run())
            tasks.create_task(recorder.run())


async def _let_everything_come(app: App) -> None:
    """Show the visitor every kind of alert, and not only those that come to whoever chooses nothing."""
    async with app.database.transaction() as connection:
        await chats.mark_reachable(connection, VISITOR, "private")
        await chosen.hear_only(connection, VISITOR, EVERYTHING)


async def _start(process: Market) -> datetime:
    """Return when the demonstration begins."""
    async for reply in process.ask(FindDemoStart(SIMULATED, SystemClock().now())):
        if isinstance(reply, DemoStart):
            return reply.at
    raise RuntimeError("the simulated market has no place to begin")


def _settings(sandbox: Sandbox, folder: Path) -> Settings:
    return Settings(
        telegram_bot_token=sandbox.token,
        telegram_api_url=sandbox.url,
        database_url=f"sqlite+aiosqlite:///{folder}/demo.db",
        market_data=SIMULATED,
    )
