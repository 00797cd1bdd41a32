"""Updates are acknowledged once they are stored and handled once, in order; no error ends polling."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from telegram import Update

from bot.app import App, build
from bot.clock import SteppedClock
from bot.delivery.request import AiohttpRequest
from bot.errors import RetryUpdateError
from bot.sandbox.server import Fault, Sandbox
from bot.sandbox.telegram import BotApiError
from bot.updates.inbox import ALLOWED_UPDATES
from storage import AsyncConnection, chats, inbox
from storage.database import Database
from storage.uninterrupted import UninterruptedConnection
from tests.bot.running import EVENING, Time, settings_for
from tests.bot.updates.conftest import ME, OTHER, Alarms, subscribers, until_answered, waiting


async def test_an_update_is_acknowledged_once_it_is_stored_whatever_becomes_of_its_handling(
    app: App, sandbox: Sandbox, polled: Callable[[], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    release, handle = asyncio.Event(), app.telegram.process_update

    async def hanging(update: Update) -> None:
        await release.wait()
        await handle(update)

    monkeypatch.setattr(app.telegram, "process_update", hanging)
    sandbox.world.write(ME, "/subscribe")
    while sandbox.world.updates:
        await polled()
    assert await waiting(app) == [ME]
    release.set()
    await until_answered(sandbox, polled)
    assert await subscribers(app) == [ME]


async def test_what_a_dead_process_stored_is_handled_after_the_next_start(app: App, sandbox: Sandbox) -> None:
    sandbox.world.add_private_chat(ME)
    sandbox.world.write(ME, "/subscribe")
    async with app.database.transaction() as connection:
        (raw,) = sandbox.world.updates
        await inbox.store(connection, [inbox.Received(raw["update_id"], ME, json.dumps(raw).encode())])
    await app.inbox.handle_stored()
    assert await subscribers(app) == [ME]
    assert await waiting(app) == []


async def test_the_kinds_of_updates_are_always_given(sandbox: Sandbox, polled: Callable[[], Awaitable[None]]) -> None:
    await polled()
    (call,) = [call for method, call in sandbox.calls if method == "getUpdates"][:1]
    assert all(kind in call["allowed_updates"] for kind in ALLOWED_UPDATES)


@pytest.mark.parametrize(
    "fault",
    [
        BotApiError(401, "Unauthorized"),
        BotApiError(409, "Conflict: other"),
        Fault.BAD_GATEWAY,
        Fault.RESET,
        Fault.NOT_JSON,
    ],
    ids=str,
)
async def test_no_error_ends_polling(
    sandbox: Sandbox, polled: Callable[[], Awaitable[None]], fault: Fault | BotApiError
) -> None:
    sandbox.faults += [("getUpdates", fault)] * 3
    sandbox.world.write(ME, "/help")
    await until_answered(sandbox, polled)
    assert sandbox.sent(ME)[0].startswith("Commands")


async def test_a_revoked_token_and_a_second_instance_are_told_to_the_operator(
    sandbox: Sandbox, polled: Callable[[], Awaitable[None]], alarms: Alarms
) -> None:
    sandbox.faults += [
        ("getUpdates", BotApiError(401, "Unauthorized")),
        ("getUpdates", BotApiError(409, "Conflict: x")),
    ]
    sandbox.world.write(ME, "/help")
    await until_answered(sandbox, polled)
    assert alarms == [
        "Telegram does not accept the token any more; no command can be answered",
        "Another process polls with the same token; run only one",
    ]


async def test_updates_are_answered_in_order(sandbox: Sandbox, polled: Callable[[], Awaitable[None]]) -> None:
    for text in ("/help", "/nonsense", "/subscribe"):
        sandbox.world.write(ME, text)
    await until_answered(sandbox, polled, 3)
    assert [text.split(" ")[0].split("\n")[0] for text in sandbox.sent(ME)] == ["Commands", "There", "Subscribed."]


class Failing:
    """Lets the database fail for so many transactions of a table's function."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str, times: int, module: Any = chats) -> None:
        self.times, self._function = times, getattr(module, name)
        monkeypatch.setattr(module, name, self)

    async def __call__(self, *arguments: Any) -> Any:
        result = await self._function(*arguments)
        if self.times:
            self.times -= 1
            raise OperationalError("INSERT", {}, Exception("database or disk is full"))
        return result


async def test_an_update_whose_effect_the_database_does_not_take_is_handled_again(
    app: App, sandbox: Sandbox, polled: Callable[[], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = Failing(monkeypatch, "subscribe", 3)
    sandbox.world.write(ME, "/help")
    sandbox.world.write(ME, "/subscribe")
    await until_answered(sandbox, polled, 2)
    assert failing.times == 0
    assert [text.split("\n")[0].split(" ")[0] for text in sandbox.sent(ME)] == ["Commands", "Subscribed."]
    async with app.database.transaction() as connection:
        assert list(await chats.subscribers(connection)) == [ME]


async def test_an_update_that_is_handled_again_is_not_overtaken_by_the_next_of_its_chat(
    app: App, sandbox: Sandbox, polled: Callable[[], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = Failing(monkeypatch, "subscribe", 3)
    sandbox.world.write(ME, "/subscribe")
    sandbox.world.write(ME, "/unsubscribe")
    await until_answered(sandbox, polled, 2)
    assert failing.times == 0
    async with app.database.transaction() as connection:
        assert list(await chats.subscribers(connection)) == []


async def test_an_update_that_cannot_be_stored_is_not_acknowledged(
    app: App, sandbox: Sandbox, polled: Callable[[], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, acknowledged = inbox.store, []

    async def failing(*arguments: Any) -> None:
        acknowledged.append(not sandbox.world.updates)
        if len(acknowledged) < 3:
            raise OperationalError("INSERT", {}, Exception("database or disk is full"))
        await store(*arguments)

    monkeypatch.setattr(inbox, "store", failing)
    sandbox.world.write(ME, "/subscribe")
    await until_answered(sandbox, polled)
    assert acknowledged[:3] == [False] * 3
    assert await subscribers(app) == [ME]


async def test_an_update_whose_storing_fails_at_the_commit_is_answered_once_it_is_stored_and_once(
    app: App, sandbox: Sandbox, polled: Callable[[], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[list[int]] = []
    handled: list[int] = []
    commit, handle = UninterruptedConnection.commit, app.telegram.process_update

    async def failing(connection: UninterruptedConnection) -> None:
        if len(failed) < 3:
            failed.append(list(handled))
            raise sqlite3.OperationalError("disk I/O error")
        await commit(connection)

    async def noted(update: Update) -> None:
        handled.append(update.update_id)
        await handle(update)

    monkeypatch.setattr(UninterruptedConnection, "commit", failing)
    monkeypatch.setattr(app.telegram, "process_update", noted)
    sandbox.world.write(ME, "/help")
    await until_answered(sandbox, polled)
    await app.inbox.handle_stored()
    assert failed == [[]] * 3
    assert len(handled) == len(sandbox.sent(ME)) == 1


async def test_an_update_is_answered_soon_and_once_though_nobody_heard_that_it_was_stored(
    sandbox: Sandbox, either_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[bool] = []

    @asynccontextmanager
    async def unheard(self: Database) -> AsyncIterator[AsyncConnection]:
        async with transaction(self) as connection:
            yield connection
        ended.append(True)
        if len(ended) == 1:
            raise OperationalError("COMMIT", {}, ConnectionError("the answer was lost"))

    sandbox.world.add_private_chat(ME)
    sandbox.world.write(ME, "/help")
    async with build(settings_for(sandbox, either_url), SteppedClock(EVENING)) as app:
        await app.connect()
        transaction = Database.transaction
        monkeypatch.setattr(Database, "transaction", unheard)
        with pytest.raises(RetryUpdateError):
            await app.inbox.store(sandbox.world.updates)
        # Telegram brings it again.
        await app.poller.once()
        assert len(sandbox.sent(ME)) == 1


@pytest.mark.parametrize("name", ["take", "finish"])
async def test_an_update_is_answered_once_though_the_database_fails_around_it(
    sandbox: Sandbox, polled: Callable[[], Awaitable[None]], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    failing = Failing(monkeypatch, name, 2, inbox)
    sandbox.world.write(ME, "/subscribe")
    sandbox.world.write(ME, "/help")
    await until_answered(sandbox, polled, 2)
    assert failing.times == 0
    assert len(sandbox.sent(ME)) == 2


async def test_a_mistake_of_ours_does_not_stop_the_updates_behind_it(
    sandbox: Sandbox, polled: Callable[[], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise ValueError("a mistake")

    monkeypatch.setattr(chats, "subscribe", broken)
    sandbox.world.write(ME, "/subscribe")
    sandbox.world.write(ME, "/help")
    await until_answered(sandbox, polled)
    assert sandbox.sent(ME)[0].startswith("Commands")


async def test_an_update_that_comes_again_is_not_answered_again(app: App, sandbox: Sandbox) -> None:
    sandbox.world.add_private_chat(ME)
    sandbox.world.write(ME, "/unsubscribe")
    sandbox.world.write(ME, "/subscribe")
    batch = list(sandbox.world.updates)
    await app.inbox.store(batch)
    await app.inbox.handle_stored()
    # The process died before it could acknowledge them; they come again, beside a new one.
    sandbox.world.write(ME, "/help")
    assert await app.poller.once() == 3
    await app.inbox.store(batch[:1])
    await app.inbox.handle_stored()
    assert [text.split(" ")[0] for text in sandbox.sent(ME)[:2]] == ["This", "Subscribed."]
    assert len(sandbox.sent(ME)) == 3
    async with app.database.transaction() as connection:
        assert list(await chats.subscribers(connection)) == [ME]


async def test_a_chat_whose_answer_hangs_delays_no_other(
    sandbox: Sandbox, polled: Callable[[], Awaitable[None]]
) -> None:
    sandbox.world.add_private_chat(OTHER)
    sandbox.faults.append(("sendMessage", Fault.HANG))
    sandbox.world.write(ME, "/help")
    await until_answered(sandbox, polled)
    for count, text in enumerate(("/subscribe", "/status", "/help"), start=1):
        # Each comes when those before it are on their way: in a batch of its own.
        sandbox.world.write(OTHER, text)
        sandbox.world.write(ME, "/subscribe")
        while len(sandbox.sent(OTHER)) < count:
            await polled()
    # Its own next updates wait for it.
    assert len(sandbox.sent(ME)) == 1


async def test_an_update_handled_beside_another_that_hangs_is_handled_once(
    app: App, sandbox: Sandbox, polled: Callable[[], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.world.add_private_chat(OTHER)
    release, handle = asyncio.Event(), app.telegram.process_update

    async def hanging(update: Update) -> None:
        if update.effective_chat is not None and update.effective_chat.id == ME:
            await release.wait()
        await handle(update)

    monkeypatch.setattr(app.telegram, "process_update", hanging)
    sandbox.world.write(ME, "/help")
    sandbox.world.write(OTHER, "/help")
    fetched = len(sandbox.calls) + 6
    while len(sandbox.calls) < fetched:
        await polled()
    assert len(sandbox.sent(OTHER)) == 1
    release.set()
    await until_answered(sandbox, polled)
    assert (len(sandbox.sent(ME)), len(sandbox.sent(OTHER))) == (1, 1)


async def test_an_update_whose_handling_was_broken_off_is_handled_again(
    app: App, sandbox: Sandbox, polled: Callable[[], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.world.add_private_chat(OTHER)
    breaks, handle = [asyncio.CancelledError()], app.telegram.process_update

    async def broken_off(update: Update) -> None:
        if breaks and update.effective_chat is not None and update.effective_chat.id == ME:
            raise breaks.pop()
        await handle(update)

    monkeypatch.setattr(app.telegram, "process_update", broken_off)
    sandbox.world.write(ME, "/subscribe")
    sandbox.world.write(OTHER, "/help")
    await until_answered(sandbox, polled)
    assert await subscribers(app) == [ME]
    assert len(sandbox.sent(OTHER)) == 1


async def test_an_update_of_an_unknown_shape_keeps_no_other_away(
    sandbox: Sandbox, polled: Callable[[], Awaitable[None]], alarms: Alarms
) -> None:
    sandbox.world.write(ME, "/help")
    sandbox.world.write(ME, "/help")
    poison = sandbox.world.updates[0]["message"]
    poison["chat"] = {"id": "five"}
    await until_answered(sandbox, polled)
    while not alarms:
        await polled()
    (alarm,) = alarms
    assert alarm.startswith("An update from Telegram cannot be handled and is passed over (")


@pytest.mark.parametrize(
    "body", [b"[]", b"null", b'"hi"', b'{"ok":true}', b'{"ok":true,"result":[1]}', b"<p>"], ids=repr
)
async def test_an_answer_of_somebody_who_is_not_telegram_is_only_an_error(
    sandbox: Sandbox, polled: Callable[[], Awaitable[None]], monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    answers, exchange = [body, body], AiohttpRequest.do_request

    async def strange(self: AiohttpRequest, *arguments: Any, **named: Any) -> tuple[int, bytes]:
        if answers and "getUpdates" in named.get("url", ""):
            return 200, answers.pop()
        return await exchange(self, *arguments, **named)

    monkeypatch.setattr(AiohttpRequest, "do_request", strange)
    sandbox.world.write(ME, "/help")
    await until_answered(sandbox, polled)
    assert answers == []


async def test_a_web_hook_that_is_in_the_way_is_deleted_and_told(
    sandbox: Sandbox, polled: Callable[[], Awaitable[None]], alarms: Alarms
) -> None:
    await sandbox.pusher.set("http://127.0.0.1:9/", "", ["poll"])
    sandbox.world.write(ME, "/help")
    await until_answered(sandbox, polled)
    assert alarms == ["This bot has a web-hook, so nothing can be polled; it is deleted now"]


async def test_five_minutes_without_one_good_poll_are_told(
    sandbox: Sandbox, polled: Callable[[], Awaitable[None]], alarms: Alarms, time: Time
) -> None:
    sandbox.faults += [("getUpdates", Fault.BAD_GATEWAY)] * 5
    await polled()
    assert alarms == []
    time.now += 301
    sandbox.world.write(ME, "/help")
    await until_answered(sandbox, polled)
    assert any(alarm.startswith("Telegram has given no updates for five minutes") for alarm in alarms)
