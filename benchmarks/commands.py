"""How long the command line takes, as somebody at a terminal waits for it, and what two answers cost the bot."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from sqlalchemy import delete
from telegram import Chat, Message, Update
from telegram.constants import ChatType

from benchmarks import crowd
from benchmarks.crowd import PEOPLE
from benchmarks.delivery import verdict
from bot.app import build
from bot.clock import SystemClock
from bot.commands.answering import Handler, Request, Services
from bot.commands.permission import Admins
from bot.commands.record import record
from bot.commands.status import status
from bot.market.symbols import SymbolFinder
from bot.messages.buttons import Rows
from bot.messages.pages import pages
from bot.messages.render import Messages
from bot.sandbox.server import Sandbox, serve
from storage.schema import chat
from tests.bot.running import command, settings_for
from tests.worlds import REAL_HISTORY

_STEPS, _ANSWERS = 20, 50
_FEW = 10


class _Unsent(Request):
    """A request whose answer is made and not sent."""

    async def reply(self, text: str, buttons: Rows = ()) -> None:
        """Cut the answer into messages."""
        pages(text)


@asynccontextmanager
async def _demo() -> AsyncIterator[tuple[str, float]]:
    """Run the demonstration; yield its address and the seconds until it said so."""
    begun = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *command("demo", "--port", "0"), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        line = (await process.stdout.readline()).decode()
        yield line.split()[1], time.perf_counter() - begun
    finally:
        process.terminate()
        await process.wait()


async def _steps(address: str) -> list[float]:
    took = []
    async with aiohttp.ClientSession() as session, session.get(f"{address}/events") as events:
        for _ in range(_STEPS + 1):
            begun = time.perf_counter()
            async with session.post(f"{address}/panel/step", json={}) as answer:
                assert await answer.json() == {}
            await _until(events, "One session")
            await _until(events, "")
            took.append(time.perf_counter() - begun)
    return took[1:]


async def _until(events: aiohttp.ClientResponse, doing: str) -> None:
    """Read what the page is told until the panel does something, or nothing."""
    async for line in events.content:
        if line.startswith(b"data: ") and json.loads(line[6:]).get("doing") == doing:
            return


async def _seconds(folder: Path, *arguments: str) -> float:
    """Run a command on the real history, where it is there, and return how long it took."""
    data = str(REAL_HISTORY) if REAL_HISTORY.is_dir() else "simulated"
    own = {"TELEGRAM_BOT_TOKEN": "1:x", "DATABASE_URL": f"sqlite+aiosqlite:///{folder}/{arguments[0]}.db"}
    begun = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *command(*arguments, "--data", data), env=os.environ | own, stdout=asyncio.subprocess.DEVNULL
    )
    assert await process.wait() == 0
    return time.perf_counter() - begun


async def _own_time(folder: Path) -> dict[str, float]:
    """Return the seconds that answers take of the event loop's thread: reading, rendering and cutting into pages."""
    clock = SystemClock()
    async with serve(Sandbox()) as sandbox:
        settings = settings_for(sandbox, f"sqlite+aiosqlite:///{folder}/answers.db", market_data="simulated")
        async with build(settings, clock) as app:
            await app.evening.run(clock.now())
            await app.evening.look_back(clock.now())
            symbols = SymbolFinder(app.evening.process, app.evening.market_data)
            services = Services(app.database, Messages(), clock, app.replies, Admins(clock), symbols)
            found = {"/record": await _median(services, record)}
            for people in (_FEW, PEOPLE):
                async with app.database.transaction() as connection:
                    await connection.execute(delete(chat))
                    await crowd.fill(connection, people, mixed=True)
                found[_among(people)] = await _median(services, status)
            return found


def _among(people: int) -> str:
    return f"/status among {people:,} chats"


async def _median(services: Services, handler: Handler) -> float:
    message = Message(1, SystemClock().now(), Chat(1, ChatType.PRIVATE))
    request = _Unsent(services, Update(1, message=message), message)
    took = []
    for _ in range(_ANSWERS):
        begun = time.thread_time()
        await handler(services, request)
        took.append(time.thread_time() - begun)
    return statistics.median(took)


async def measure_commands(folder: Path) -> Sequence[str]:
    """Return the measurements as lines."""
    async with _demo():
        pass
    async with _demo() as (address, opened):
        steps = await _steps(address)
    replay = await _seconds(folder, "replay", "--from", "2020-11-09", "--to", "2020-11-20")
    evaluate = await _seconds(folder, "evaluate", "--asof", "2020-11-13")
    own = await _own_time(folder)
    return list(_lines(opened, statistics.median(steps), replay, evaluate, own))


def _lines(opened: float, step: float, replay: float, evaluate: float, own: dict[str, float]) -> Iterator[str]:
    yield "what somebody waits for"
    yield f"  make demo, a second start                 {opened:9.2f} s"
    yield f"  a step of the demonstration, median       {step:9.2f} s"
    yield f"  replay of ten sessions                    {replay:9.2f} s"
    yield f"  evaluate --asof                           {evaluate:9.2f} s"
    for asked, seconds in own.items():
        yield f"  {asked}, of the event loop's thread      {seconds * 1000:9.1f} ms"
    yield verdict(f"the demonstration opens in 10 s: {opened:.1f}", opened < 10)
    yield verdict(f"a step after the first under 0.5 s: {step:.2f}", step < 0.5)
    yield verdict(f"replay under 15 s: {replay:.1f}", replay < 15)
    yield verdict(f"evaluate --asof under 3 s: {evaluate:.1f}", evaluate < 3)
    few, many = own[_among(_FEW)], own[_among(PEOPLE)]
    yield verdict(f"/status under 3 ms: {many * 1000:.1f}", many < 0.003)
    yield verdict(f"… and at most 1.5 times what it takes among ten chats: {many / few:.2f}", many <= 1.5 * few)
    yield verdict(f"/record under 15 ms: {own['/record'] * 1000:.1f}", own["/record"] < 0.015)
