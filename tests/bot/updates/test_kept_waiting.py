"""An update waits for what its answer needs: Telegram's word on who is an admin, or the database."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from telegram import Update

from bot.app import App
from bot.commands.permission import Admins
from bot.sandbox.server import Fault, Sandbox
from bot.sandbox.telegram import BotApiError
from storage import chats
from tests.bot.running import EVENING
from tests.bot.updates.conftest import GROUP, ME, subscribers, until_answered, waiting


@pytest.fixture
async def group(app: App, sandbox: Sandbox) -> int:
    """A subscribed group whose admin has just written /unsubscribe."""
    sandbox.world.add_group(GROUP, "Group", admins={ME})
    async with app.database.transaction() as connection:
        await chats.subscribe(connection, GROUP, "group", EVENING)
    sandbox.world.write(GROUP, "/unsubscribe", user_id=ME)
    return GROUP


@pytest.mark.parametrize(
    "fault", [Fault.BAD_GATEWAY, BotApiError(429, "Too Many Requests", {"retry_after": 1})], ids=str
)
async def test_while_telegram_does_not_say_who_is_an_admin_a_group_s_command_waits(
    app: App, sandbox: Sandbox, group: int, polled: Callable[[], Awaitable[None]], fault: Fault | BotApiError
) -> None:
    sandbox.faults += [("getChatMember", fault)] * 2
    while not sandbox.sent(group):
        await polled()
    assert await subscribers(app) == []
    assert sandbox.sent(group)[0].startswith("Unsubscribed.")


async def test_while_telegram_does_not_say_so_for_long_whoever_wrote_is_told_to_try_again(
    app: App, sandbox: Sandbox, group: int, polled: Callable[[], Awaitable[None]]
) -> None:
    sandbox.faults += [("getChatMember", Fault.BAD_GATEWAY)] * 3
    while not sandbox.sent(group):
        await polled()
    assert await subscribers(app) == [group]
    assert sandbox.sent(group) == [
        "Telegram did not say who is an admin here, so nothing has changed. Please send that again in a minute."
    ]


async def test_failures_of_the_database_do_not_count_as_answers_of_telegram(
    app: App,
    sandbox: Sandbox,
    group: int,
    polled: Callable[[], Awaitable[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failing, asked = [OperationalError("SELECT", {}, Exception("database is locked"))] * 4, Admins.refusal

    async def fails_first(admins: Admins, update: Update) -> str | None:
        if failing:
            raise failing.pop()
        return await asked(admins, update)

    monkeypatch.setattr(Admins, "refusal", fails_first)
    sandbox.faults += [("getChatMember", Fault.BAD_GATEWAY)] * 20
    while not sandbox.sent(group):
        await polled()
    assert len(sandbox.sent(group)) == 1
    assert [fault for fault in sandbox.faults if fault[0] == "getChatMember"] == sandbox.faults
    assert len(sandbox.faults) == 17


@pytest.mark.parametrize("error", [TimeoutError(), socket.gaierror(-2, "unknown"), PoolTimeoutError("full")], ids=repr)
async def test_an_update_is_handled_again_whatever_kept_the_database_away(
    app: App,
    sandbox: Sandbox,
    polled: Callable[[], Awaitable[None]],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    sandbox.world.write(ME, "/subscribe")
    failed, subscribe = Raising(error), chats.subscribe
    monkeypatch.setattr(chats, "subscribe", failed)
    while not failed.called.is_set():
        await polled()
    assert await waiting(app) == [ME]
    assert await subscribers(app) == []
    monkeypatch.setattr(chats, "subscribe", subscribe)
    await until_answered(sandbox, polled)
    assert await subscribers(app) == [ME]


class Raising:
    """A function that fails."""

    def __init__(self, error: Exception) -> None:
        self._error, self.called = error, asyncio.Event()

    async def __call__(self, *_: object, **__: object) -> bool:
        self.called.set()
        raise self._error
