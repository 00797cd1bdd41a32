"""Who sends many updates keeps nobody waiting, and leaves the database to what is to be delivered."""

from __future__ import annotations

import asyncio

import pytest
from telegram import Update

from bot.app import App
from bot.sandbox.server import Sandbox

ME, FLOODER = 5, 6


@pytest.fixture
def order(app: App, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The chats whose updates were handled, in order."""
    handled, handle = [], app.telegram.process_update

    async def noted(update: Update) -> None:
        assert update.effective_chat is not None
        handled.append(update.effective_chat.id)
        await handle(update)

    monkeypatch.setattr(app.telegram, "process_update", noted)
    return handled


async def test_a_chat_gives_its_place_up_after_each_update(app: App, sandbox: Sandbox, order: list[int]) -> None:
    app.inbox._capacity = asyncio.Semaphore(1)
    for chat_id in (ME, FLOODER):
        sandbox.world.add_private_chat(chat_id)
    for _ in range(20):
        sandbox.world.write(FLOODER, "/help")
    sandbox.world.write(ME, "/help")
    while sandbox.world.updates:
        await app.poller.once()
    assert order.index(ME) <= 2
    assert len(sandbox.sent(ME)) == 1


async def test_however_many_are_handled_at_once_one_at_a_time_waits_for_the_database(
    app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, most = 0, 0
    lock = app.database._lock
    acquire = lock.acquire

    async def counted() -> bool:
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        try:
            return await acquire()
        finally:
            waiting -= 1

    monkeypatch.setattr(lock, "acquire", counted)
    for chat_id in range(1, 51):
        sandbox.world.add_private_chat(chat_id)
        sandbox.world.write(chat_id, "/subscribe")
    while sandbox.world.updates:
        await app.poller.once()
    # What is stored, what has its effect and what is finished.
    assert most <= 3
