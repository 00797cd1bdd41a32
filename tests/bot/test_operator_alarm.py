"""The operators hear each sentence once: later if they cannot be reached, and at the pace of all answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError

from bot import operator_alarm
from bot.app import App
from bot.health.faults import Fault as Wrong
from bot.operator_alarm import OperatorAlarm
from bot.sandbox.server import Fault, Sandbox
from storage import AsyncConnection, chats
from storage.outbox import fan_out, notices, queue
from tests.bot.conftest import Record
from tests.bot.running import EVENING, attempt

ME = 5


async def test_a_sentence_that_reached_nobody_is_told_later_and_once(
    app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operator_alarm, "_AGAIN", 0.01)
    sandbox.world.add_private_chat(ME, started=True)
    alarm = OperatorAlarm(app.telegram.bot, (ME,), app.clock)
    sandbox.faults += [("sendMessage", Fault.RESET_BEFORE)] * 2
    await alarm.begins(Wrong.DISK, "the disk is full")
    assert sandbox.sent(ME) == []
    telling = asyncio.create_task(alarm.run())
    async with asyncio.timeout(10):
        while not sandbox.sent(ME):
            await sandbox.called.wait()
    await alarm.begins(Wrong.DISK, "the disk is full")
    assert sandbox.sent(ME) == ["the disk is full"]
    telling.cancel()


async def test_a_sentence_without_bounds_keeps_no_other_from_being_told(
    app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.world.add_private_chat(ME, started=True)
    alarm = OperatorAlarm(app.telegram.bot, (ME,), app.clock)
    await alarm.begins(Wrong.EVENING, "&" * 10_000)
    await alarm.begins(Wrong.DISK, "the disk is full")
    assert [len(text) for text in sandbox.sent(ME)] == [1_000, 16]


async def test_no_secret_reaches_the_operators_not_even_one_that_is_cut(app: App, sandbox: Sandbox) -> None:
    sandbox.world.add_private_chat(ME, started=True)
    async with app.database.transaction() as connection:
        await notices.add(connection, "it was sesame-seed", EVENING)
    alarm = OperatorAlarm(app.telegram.bot, (ME,), app.clock, ("sesame-seed",))
    await alarm.begins(Wrong.DISK, "x" * 995 + "sesame-seed")
    telling = asyncio.create_task(alarm.run(app.database))
    async with asyncio.timeout(10):
        while len(sandbox.sent(ME)) < 2:
            await sandbox.called.wait()
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)
    assert not [text for text in sandbox.sent(ME) if "sesame" in text]


async def test_a_sentence_to_the_operators_obeys_a_429(app: App, sandbox: Sandbox) -> None:
    sandbox.world.add_private_chat(ME, started=True)
    app.sender.pacer.pause(600)
    await OperatorAlarm(app.telegram.bot, (ME,), app.clock).begins(Wrong.DISK, "the disk is full")
    assert not [method for method, _ in sandbox.calls if method == "sendMessage"]


@pytest.fixture
async def on_its_way(app: App, sandbox: Sandbox, record: Record) -> None:
    """Deliveries of alert 1 to two chats that are claimed, as a killed process leaves them."""
    sandbox.world.add_private_chat(ME, started=True)
    await record(attempt(), "attempt")
    async with app.database.transaction() as connection:
        for chat_id in (6, 7):
            await chats.subscribe(connection, chat_id, "private", EVENING)
        await fan_out.fan_out(connection, EVENING)
        assert len(await queue.claim(connection, 2, timedelta(minutes=5))) == 2


LOST = (
    "Deliveries were on their way when a process of the bot ended, 2 of alert 1: nobody can know whether they arrived. "
    "Urgent ones are sent once more, others are not"
)


@asynccontextmanager
async def told(app: App) -> AsyncIterator[None]:
    """Let a process tell the operators until no notice is left."""
    task = asyncio.create_task(OperatorAlarm(app.telegram.bot, (ME,), app.clock).run(app.database))
    async with asyncio.timeout(10):
        while True:
            async with app.database.reading() as connection:
                if not await notices.pending(connection):
                    break
            await asyncio.sleep(0)
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.usefixtures("on_its_way")
async def test_what_a_restart_found_on_its_way_is_told_once_though_restarts_follow(app: App, sandbox: Sandbox) -> None:
    # The first restart is killed before it tells anybody.
    await app.sender.recover()
    for _ in range(2):
        await app.sender.recover()
        async with told(app):
            assert sandbox.sent(ME) == [LOST]


@pytest.mark.usefixtures("on_its_way")
async def test_it_is_told_later_where_the_operators_cannot_be_reached(
    app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operator_alarm, "_AGAIN", 0.01)
    sandbox.faults += [("sendMessage", Fault.RESET_BEFORE)] * 2
    await app.sender.recover()
    async with told(app):
        assert sandbox.sent(ME) == [LOST]


@pytest.mark.usefixtures("on_its_way")
async def test_it_is_told_once_though_the_database_does_not_take_that_it_is_told(
    app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operator_alarm, "_AGAIN", 0.01)
    failures, remove = [OperationalError("DELETE", {}, Exception("database or disk is full"))] * 2, notices.remove

    async def failing(connection: AsyncConnection, number: int) -> None:
        if failures:
            raise failures.pop()
        await remove(connection, number)

    monkeypatch.setattr(notices, "remove", failing)
    await app.sender.recover()
    async with told(app):
        assert sandbox.sent(ME) == [LOST]
    assert failures == []


@pytest.mark.usefixtures("on_its_way")
async def test_a_recovery_that_is_not_committed_is_told_by_nobody(
    app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    with monkeypatch.context() as patched, pytest.raises(OperationalError):
        patched.setattr(notices, "add", full)
        await app.sender.recover()
    await app.sender.recover()
    async with told(app):
        assert sandbox.sent(ME) == [LOST]
