"""Builds the demonstration and serves its page."""

from __future__ import annotations

import asyncio
import errno
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from bot.app import App, build
from bot.cli.demo.correcting import Corrector
from bot.cli.demo.market import RealMarket, Recorder, SteppedMarket
from bot.cli.demo.people import ADA, CAST, invite, people_world
from bot.cli.progress import progress_shown
from bot.clock import SteppedClock, SystemClock
from bot.market.process import Market, MarketProcess
from bot.market.progress import Report
from bot.market.protocol import FindScenes, Scenes
from bot.menu import register_menu
from bot.sandbox.page import page_routes
from bot.sandbox.panel import Panel
from bot.sandbox.server import Sandbox, new_token, serve
from bot.settings import Settings, SettingsError
from storage import chats
from storage.market import SIMULATED
from storage.settings import chosen
from storage.settings.kinds import EVERYTHING

_NOTES = {
    SIMULATED: "A made-up market: every figure, coin and alert of it is simulated, and every message says so.",
    "folder": "Real figures from files, lived through again.",
}


async def demo(port: int, settings: Settings, ready: Callable[[str], None]) -> None:
    """Serve the chat page at 127.0.0.1 until cancelled. ``ready`` is called with its address.

    A market from files, or a simulated one, is stepped; a live one is what it is.

    Raises
    ------
    bot.settings.SettingsError
        When something else listens on the port.
    """
    sandbox = Sandbox(token=new_token())
    people_world(sandbox.world)
    panel = Panel(sandbox.world.wake)
    async with _served(sandbox, port, panel):
        settings = replace(
            settings, telegram_bot_token=sandbox.token, telegram_api_url=sandbox.url, operator_ids=(ADA,),
            webhook_url=None, backup_dir=None, health_listen=None, ping_url=None,
        )  # fmt: skip
        play = _watch if settings.market_data == "live" else _step
        await play(sandbox, panel, settings, ready)


@asynccontextmanager
async def _served(sandbox: Sandbox, port: int, panel: Panel) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(serve(sandbox, port, page_routes(sandbox, CAST, panel)))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            another = ".venv/bin/python -m bot demo --port 0"
            raise SettingsError(f"Port {port} is taken: end what uses it, or take any free one: {another}") from None
        yield


async def _watch(sandbox: Sandbox, panel: Panel, settings: Settings, ready: Callable[[str], None]) -> None:
    """Run the bot as it is, on real figures."""
    async with build(settings, SystemClock()) as app:
        panel.attach(RealMarket(app))
        ready(sandbox.url)
        invite(sandbox.world)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(app.run())
            tasks.create_task(panel.count_deliveries())


async def _step(sandbox: Sandbox, panel: Panel, settings: Settings, ready: Callable[[str], None]) -> None:
    """Run the bot on a market that is stepped, and on a database that is gone afterwards."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="cascade-demo-"))
        settings = replace(settings, database_url=f"sqlite+aiosqlite:///{folder}/demo.db")
        with progress_shown() as report:
            process = MarketProcess(_both(report, panel))
            stack.push_async_callback(process.close)
            panel.prepare("Looking for the evenings worth seeing…")
            found = await _scenes(process, settings)
            clock = SteppedClock(found.start)
            app = await stack.enter_async_context(build(settings, clock, process))
            recorder = Recorder(app.evening, clock, MarketProcess(), lambda: sandbox.world.changed)
            stack.push_async_callback(recorder.process.close)
            correct = Corrector(sandbox, app.database, ADA).correct
            note = _NOTES[settings.market_data.partition(":")[0]]
            market = SteppedMarket(app, clock, recorder, found, correct, note)
            await market.begin(found.start)
            await _let_everything_come(app)
        recorder.wake()
        await app.connect()
        panel.attach(market)
        invite(sandbox.world)
        ready(sandbox.url)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(app.poll())
            tasks.create_task(app.sender.run())
            tasks.create_task(recorder.run())
            tasks.create_task(panel.count_deliveries())
            tasks.create_task(register_menu(app.telegram.bot, settings.operator_ids))


def _both(report: Report, panel: Panel) -> Report:
    """Return what tells the terminal and the panel how far the preparation is, until there is something to do there."""

    def tell(what: str, done: int, of: int | None) -> None:
        report(what, done, of)
        panel.prepare(f"{what.capitalize()}…", done, of or 0)

    return tell


async def _let_everything_come(app: App) -> None:
    """Show Ada every kind of alert, and not only those that come to whoever chooses nothing."""
    async with app.database.transaction() as connection:
        await chats.mark_reachable(connection, ADA, "private")
        await chosen.hear_only(connection, ADA, EVERYTHING)


async def _scenes(process: Market, settings: Settings) -> Scenes:
    """Return what the market has to show."""
    asked = FindScenes(settings.market_data, SystemClock().now(), settings.source_options)
    # To the last reply: a child that is left in the middle is ended, and the next request starts another.
    (found,) = [reply async for reply in process.ask(asked)]
    assert isinstance(found, Scenes)
    return found
