"""Who sends many updates keeps nobody waiting, and leaves the database to what is to be delivered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from telegram import Update

from bot.app import App
from bot.delivery import sender
from bot.delivery.purging import Purger
from bot.sandbox.server import Sandbox
from bot.updates import inbox as handling
from storage import AsyncConnection
from storage.outbox import fan_out
from tests.bot.conftest import Record, Running
from tests.bot.delivery.test_delivery import subscribe
from tests.bot.running import attempt

ME, FLOODER = 5, 6


@asynccontextmanager
async def delivering(app: App) -> AsyncIterator[None]:
    """Deliver, and fetch no updates."""
    sending = asyncio.create_task(app.sender.run())
    try:
        yield
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


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


async def test_of_all_that_delivery_does_one_transaction_waits_in_front_of_whoever_writes(app: App) -> None:
    async with app.database.transaction():
        works = (app.sender._enqueue_some(), app.sender._send_some(), Purger(app.database, app.clock).once())
        working = [asyncio.create_task(work) for work in works]
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(app.database._lock._waiters or ()) == 1
        assert len(app.database._giving_way._waiters or ()) == len(works) - 1
    async with asyncio.timeout(10):
        await asyncio.gather(*working)


async def test_of_several_chats_whoever_wrote_first_is_handled_first(
    app: App, sandbox: Sandbox, order: list[int]
) -> None:
    app.inbox._capacity = asyncio.Semaphore(1)
    wrote = [1001, 8, 77, 3]
    for chat_id in wrote:
        sandbox.world.add_private_chat(chat_id)
        sandbox.world.write(chat_id, "/help")
    await app.inbox.store(sandbox.world.updates)
    await app.inbox.handle_stored()
    assert order == wrote


async def test_what_is_stored_while_an_earlier_one_still_is_comes_after_it(app: App, sandbox: Sandbox) -> None:
    sandbox.world.add_private_chat(ME)
    for text in ("/help", "/nonsense", "/subscribe"):
        sandbox.world.write(ME, text)
    await asyncio.gather(*(app.inbox.store([raw]) for raw in sandbox.world.updates))
    await app.inbox.handle_stored()
    assert [text.split()[0] for text in sandbox.sent(ME)] == ["Commands", "There", "Subscribed."]


class TestBetweenTwoSlicesOfAFanOut:
    """Everybody is subscribed, a slice is of two chats or of one, and somebody writes while the first is enqueued."""

    EVERYBODY = range(11, 17)

    @pytest.fixture
    async def seen(
        self, app: App, sandbox: Sandbox, record: Record, monkeypatch: pytest.MonkeyPatch
    ) -> list[int | str]:
        """The sizes of the slices that were enqueued, and the word 'answered' where somebody was."""
        found: list[int | str] = []
        enqueue, handle = fan_out.fan_out, app.telegram.process_update
        storing: list[asyncio.Task[None]] = []

        async def noted(connection: AsyncConnection, now: Any, size: int, *more: Any) -> Any:
            enqueued = await enqueue(connection, now, size, *more)
            if enqueued is not None and not enqueued.is_last:
                found.append(size)
            # What somebody has just written waits for this slice.
            if sandbox.world.updates and not storing:
                storing.append(asyncio.create_task(app.inbox.store(sandbox.world.updates)))
            return enqueued

        async def answered(update: Update) -> None:
            await handle(update)
            found.append("answered")

        monkeypatch.setattr(fan_out, "fan_out", noted)
        monkeypatch.setattr(fan_out, "SLICE", 2)
        monkeypatch.setattr(fan_out, "SHORT_SLICE", 1)
        monkeypatch.setattr(handling, "_A_MOMENT", 60)
        monkeypatch.setattr(app.telegram, "process_update", answered)
        await subscribe(app, sandbox, *self.EVERYBODY)
        await record(attempt(), "attempt")
        sandbox.world.add_private_chat(ME)
        return found

    async def test_whoever_has_written_is_answered_and_the_next_ones_are_short(
        self, app: App, sandbox: Sandbox, seen: list[int | str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sender, "_GIVES_WAY", 60)
        sandbox.world.write(ME, "/help")
        async with delivering(app), asyncio.timeout(20):
            while len(seen) < 6:
                await asyncio.sleep(0.01)
        assert seen == [2, "answered", 1, 1, 1, 1]

    async def test_nobody_waits_for_more_than_a_moment_for_an_answer_that_takes_long(
        self, app: App, sandbox: Sandbox, running: Running, seen: list[int | str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def for_ever(_: Update) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(app.telegram, "process_update", for_ever)
        monkeypatch.setattr(handling, "_GRACE", 0.1)
        sandbox.world.write(ME, "/help")
        await app.inbox.store(sandbox.world.updates)
        async with running(app), asyncio.timeout(20):
            while len(seen) < 6:
                await asyncio.sleep(0.01)
        assert seen == [1] * 6

    async def test_they_are_long_where_nobody_writes(self, app: App, running: Running, seen: list[int | str]) -> None:
        async with running(app), asyncio.timeout(20):
            while len(seen) < 3:
                await asyncio.sleep(0.01)
        assert seen == [2, 2, 2]
