"""A bot that polls the sandbox, and what its operator was told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from tenacity import wait_none

from bot.app import App
from bot.delivery.request import AiohttpRequest
from bot.health.counting import Counts
from bot.health.faults import Fault
from bot.sandbox.server import Sandbox
from bot.updates import inbox as handling
from bot.updates import polling
from bot.updates.polling import Poller
from storage import chats, inbox
from tests.bot.running import Time

ME, OTHER, GROUP = 5, 6, -77


class Alarms(list[str]):
    """The sentences the operator was told."""

    async def begins(self, fault: Fault, sentence: str) -> None:
        self.append(sentence)

    async def ends(self, *which: Fault) -> None:
        """Nobody asks."""


@pytest.fixture
def alarms() -> Alarms:
    return Alarms()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def polled(
    app: App, sandbox: Sandbox, alarms: Alarms, time: Time, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Start polling on the first call; every call waits until the sandbox has been called once more."""
    for module in (polling, handling):
        monkeypatch.setattr(module, "RETRY_WAIT", wait_none())
    monkeypatch.setattr(polling, "_LONG_POLL", 0.2)
    monkeypatch.setattr(handling, "_GRACE", 0.1)
    monkeypatch.setattr(handling, "_LOOK_EVERY", 0.05)
    monkeypatch.setattr(app.inbox, "_alarm", alarms)
    sandbox.world.add_private_chat(ME)
    tasks: list[asyncio.Task[None]] = []

    request = AiohttpRequest(1, 45)
    await request.initialize()
    address = app.settings.bot_api_base + app.settings.token

    async def once_more() -> None:
        if not tasks:
            poller = Poller(app.telegram.bot, request, address, app.inbox, alarms, time, Counts())
            tasks.extend(asyncio.create_task(running) for running in (poller.run(), app.inbox.run()))
        async with asyncio.timeout(10):
            await sandbox.called.wait()

    yield once_more
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await request.shutdown()


async def until_answered(sandbox: Sandbox, once_more: Callable[[], Awaitable[None]], count: int = 1) -> None:
    while len(sandbox.sent(ME)) < count:
        await once_more()


async def waiting(app: App) -> list[int]:
    """Return the chats that have an update which is stored and not handled."""
    async with app.database.reading() as connection:
        return list(await inbox.waiting_chats(connection))


async def subscribers(app: App) -> list[int]:
    async with app.database.transaction() as connection:
        return list(await chats.subscribers(connection))
