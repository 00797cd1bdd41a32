"""The campaigns. Each returns its account; each is seeded, so that one that fails can be run again."""

from __future__ import annotations

import asyncio
import logging
import resource
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import timedelta
from random import Random
from unittest.mock import patch

from bot import app as program
from bot.app import App, build
from bot.clock import SteppedClock
from bot.delivery import outage, results, sender
from bot.delivery.failures import CONSEQUENCES, Consequence, FailureKind
from bot.messages.buttons import as_json
from bot.messages.render import Messages
from bot.sandbox.limits import Limiter
from bot.sandbox.server import Fault, Sandbox, serve
from bot.sandbox.telegram import BotApiError
from storage import chats
from storage.database import Database
from storage.outbox import fan_out, queue
from tests.bot.delivery.test_failures import ROWS
from tests.bot.running import EVENING, settings_for
from tests.faults.processes import finish, kill_soon, start
from tests.faults.truth import Account, account, owe, subscribe

_UNLIMITED = 10**6


def open_sandbox() -> Sandbox:
    """Return a sandbox whose limits are not what is tested."""
    return Sandbox(limiter=Limiter(_UNLIMITED, _UNLIMITED, _UNLIMITED))


async def kills(url: str, seed: int, *, times: int, people: int) -> Account:
    """Kill -9 the bot again and again while alerts are owed, fanned out, sent and acknowledged."""
    random = Random(seed)
    async with serve(open_sandbox()) as sandbox:
        async with Database(url) as database:
            await subscribe(database, sandbox, range(1, people + 1))
        for number in range(times):
            if number % 2 == 0:
                async with Database(url) as database:
                    await owe(database, urgent=random.random() < 0.5)
            method = "sendMessage" if number % 2 == 0 else "getMe"
            await kill_soon(await start(sandbox, url, "forever"), sandbox, random, method)
        await finish(await start(sandbox, url, "drain"))
        async with Database(url) as database:
            return await account(database, sandbox, people)


async def pretend(url: str, *, arrived: int) -> Account:
    """Say of one delivery that it was sent, while so many copies of it are in the chat."""
    sandbox = open_sandbox()
    async with Database(url) as database:
        await subscribe(database, sandbox, range(1, 2))
        await owe(database, urgent=False)
        async with database.transaction() as connection:
            await fan_out.fan_out(connection, EVENING)
            (claimed,) = await queue.claim(connection, 1, timedelta(minutes=1))
            await queue.mark_sent(connection, [(claimed, 1)], EVENING)
        for _ in range(arrived):
            buttons = as_json(Messages().buttons.under_alert(1, "breakout.attempt"))
            sandbox.world.post(sandbox.world.chats[1], "pretended", [], buttons)
        return await account(database, sandbox, 1)


async def workers(url: str, seed: int, *, times: int, people: int) -> Account:
    """Let two workers deliver from one database, and kill one of them again and again."""
    random = Random(seed)
    async with serve(open_sandbox()) as sandbox, Database(url) as database:
        await subscribe(database, sandbox, range(1, people + 1))
        other = await start(sandbox, url, "deliver")
        for number in range(times):
            await owe(database, urgent=number % 2 == 0)
            await kill_soon(await start(sandbox, url, "deliver"), sandbox, random, "sendMessage")
        # The one that lives accounts for what the dead ones left when their leases are over.
        await finish(await start(sandbox, url, "drain"))
        await asyncio.sleep(3)
        await finish(await start(sandbox, url, "drain"))
        other.terminate()
        await other.communicate()
        return await account(database, sandbox, people)


async def server_faults(url: str, seed: int, *, alerts: int, people: int) -> Account:
    """Meet what a server can answer or fail to: refusals, 429 storms, hangs and resets; at the end some block the bot.

    Raises
    ------
    AssertionError
        When anybody is gone but those who blocked it.
    """
    random = Random(seed)
    sandbox = open_sandbox()
    async with _running(url, sandbox) as app:
        await subscribe(app.database, sandbox, range(1, people + 1))
        for number in range(alerts):
            await owe(app.database, urgent=number % 2 == 0)
            sandbox.faults = [("sendMessage", _some_fault(random)) for _ in range(people // 4)]
            if number == alerts - 1:
                blocked = set(random.sample(range(1, people + 1), people // 10))
                for chat_id in blocked:
                    sandbox.world.chats[chat_id].blocked = True
            await app.sender.drain()
        async with app.database.transaction() as connection:
            gone = set(range(1, people + 1)) - set(await chats.subscribers(connection))
        assert gone <= blocked, f"gone by mistake: {gone - blocked}"
        return await account(app.database, sandbox, people)


def _some_fault(random: Random) -> Fault | BotApiError:
    kind = random.random()
    if kind < 0.5:
        return random.choice([Fault.HANG, Fault.RESET, Fault.RESET_BEFORE, Fault.BAD_GATEWAY, Fault.NOT_JSON])
    if kind < 0.52:
        return BotApiError(429, "Too Many Requests: retry after 1", {"retry_after": 1})
    kinds = (FailureKind.REFUSED, FailureKind.UNKNOWN, FailureKind.BAD_TOKEN)
    code, text = random.choice([row for kind in kinds for row in ROWS[kind]])
    return BotApiError(code, text)


async def disk_full(url: str, seed: int, *, alerts: int, people: int) -> Account:
    """Let the disk be full again and again while alerts are owed, sent and acknowledged."""
    random = Random(seed)
    sandbox = open_sandbox()
    async with _running(url, sandbox) as app:
        await subscribe(app.database, sandbox, range(1, people + 1))
        with _refusals() as refused:
            for number in range(alerts):
                await owe(app.database, urgent=number % 2 == 0)
                before = len(refused)
                with _no_room():
                    delivering = asyncio.create_task(app.sender.run())
                    async with asyncio.timeout(30):
                        while len(refused) == before:
                            await asyncio.sleep(0.005)
                for _ in range(4):
                    await asyncio.sleep(random.random() * 0.05)
                    with _no_room():
                        await asyncio.sleep(random.random() * 0.05)
                await _end(delivering, app)
        return await account(app.database, sandbox, people)


@contextmanager
def _no_room() -> Iterator[None]:
    """Let no file of this process grow."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


async def locked(url: str, seed: int, *, alerts: int, people: int) -> Account:
    """Let another process hold the database's write lock again and again, longer than anybody waits for it."""
    random = Random(seed)
    sandbox = open_sandbox()
    async with _running(url, sandbox) as app:
        await subscribe(app.database, sandbox, range(1, people + 1))
        await app.database._outside("PRAGMA busy_timeout = 50")
        other = sqlite3.connect(
            str(app.database.url.database), isolation_level=None, timeout=10, check_same_thread=False
        )
        with _refusals() as refused:
            for number in range(alerts):
                await owe(app.database, urgent=number % 2 == 0)
                before = len(refused)
                await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
                delivering = asyncio.create_task(app.sender.run())
                async with asyncio.timeout(30):
                    while len(refused) == before:
                        await asyncio.sleep(0.005)
                other.execute("ROLLBACK")
                for _ in range(2):
                    await asyncio.sleep(random.random() * 0.05)
                    await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
                    await asyncio.sleep(0.1 + random.random() * 0.1)
                    other.execute("ROLLBACK")
                await _end(delivering, app)
        other.close()
        return await account(app.database, sandbox, people)


class _Collector(logging.Handler):
    """Keeps what is logged as an error."""

    def __init__(self, found: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._found = found

    def emit(self, record: logging.LogRecord) -> None:
        self._found.append(record.getMessage())


@contextmanager
def _refusals() -> Iterator[list[str]]:
    """Collect what the delivery logs of a database that does not take something."""
    found: list[str] = []
    handler = _Collector(found)
    loggers = [logging.getLogger(name) for name in ("bot.delivery.sender", "bot.operator_alarm")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield found
    finally:
        for logger in loggers:
            logger.removeHandler(handler)


async def clock_jumps(url: str, seed: int, *, alerts: int, people: int) -> Account:
    """Set the clock forth and back by up to a day while alerts are delivered."""
    random = Random(seed)
    sandbox = open_sandbox()
    clock = SteppedClock(EVENING)
    async with _running(url, sandbox, clock) as app:
        await subscribe(app.database, sandbox, range(1, people + 1))
        for number in range(alerts):
            await owe(app.database, urgent=number % 2 == 0)
            sandbox.faults = [("sendMessage", _some_fault(random)) for _ in range(people // 10)]
            delivering = asyncio.create_task(app.sender.run())
            for _ in range(5):
                await asyncio.sleep(random.random() * 0.05)
                clock.move(EVENING + timedelta(hours=random.uniform(-24, 24)))
            await _end(delivering, app)
        return await account(app.database, sandbox, people)


async def _end(delivering: asyncio.Task[None], app: App) -> None:
    """Stop the loops as a signal does, and deliver what is left as the next start does."""
    delivering.cancel()
    await asyncio.gather(delivering, return_exceptions=True)
    await app.sender.recover()
    await app.sender.drain()


def _hurried(then: Consequence) -> Consequence:
    return replace(then, pause=min(then.pause, 0.02), hold=min(then.hold, timedelta(seconds=0.02)))


@asynccontextmanager
async def _running(url: str, sandbox: Sandbox, clock: SteppedClock | None = None) -> AsyncIterator[App]:
    """Build the program with short pauses, so that a campaign of thousands of faults takes seconds."""
    fast = {"messages_per_second": 1000, "chat_messages_per_second": 30}
    with (
        patch.object(program, "_SEND_TIMEOUT", 0.3),
        patch.object(results, "_PAUSES", (0.02,)),
        patch.dict(CONSEQUENCES, {kind: _hurried(then) for kind, then in CONSEQUENCES.items()}),
        patch.object(outage, "_LONGEST_PAUSE", 0.02),
        patch.object(sender, "_AFTER_FAILURE", 0.02),
    ):
        async with serve(sandbox), build(settings_for(sandbox, url, **fast), clock or SteppedClock(EVENING)) as app:
            await app.connect()
            yield app
