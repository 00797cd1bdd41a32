"""Answers to commands keep to the limits and never keep others waiting; the command has its effect all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.app import App, build
from bot.clock import SteppedClock
from bot.sandbox.server import Sandbox
from bot.sandbox.telegram import BotApiError
from storage import chats
from tests.bot.running import EVENING, settings_for

ME = 5


@pytest.fixture
async def paced(sandbox: Sandbox, database_url: str) -> AsyncIterator[App]:
    """A program with the pace that Telegram permits."""
    settings = settings_for(sandbox, database_url, chat_messages_per_second=1, group_messages_per_minute=20)
    async with build(settings, SteppedClock(EVENING)) as app:
        await app.connect()
        yield app


async def test_a_flood_from_one_chat_is_told_once_to_slow_down_and_has_its_effect(paced: App, sandbox: Sandbox) -> None:
    sandbox.world.add_private_chat(ME)
    for name in ["help", "status", "history", "why"] * 20:
        sandbox.world.write(ME, f"/{name}")
    sandbox.world.write(ME, "/subscribe")
    while await paced.poller.once():
        pass
    assert [text.split()[0] for text in sandbox.sent(ME)] == ["Commands", "Nothing", "Nothing", "Too"]
    async with paced.database.transaction() as connection:
        assert list(await chats.subscribers(connection)) == [ME]


async def test_a_press_too_many_is_told_so_to_who_pressed_alone(paced: App, sandbox: Sandbox) -> None:
    sandbox.world.add_private_chat(ME, started=True)
    number = sandbox.world.post(sandbox.world.chats[ME], "Cascade", [], None)["message_id"]
    queries = [sandbox.world.press(ME, number, name) for name in ("status", "why", "help", "history", "record")]
    while await paced.poller.once():
        pass
    told = [sandbox.world.callback_answers[query].get("text", "") for query in queries]
    assert told[:3] == ["", "", ""]
    assert all(text.startswith("Too many questions") for text in told[3:])


async def test_the_pages_of_one_answer_are_all_given(
    paced: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.world.add_private_chat(ME)
    monkeypatch.setattr("bot.commands.answering.pages", lambda _: ["one", "two", "three", "four"])
    sandbox.world.write(ME, "/help")
    while await paced.poller.once():
        pass
    assert len(sandbox.sent(ME)) == 4


async def test_an_answer_that_meets_a_429_is_given_when_it_is_over(app: App, sandbox: Sandbox) -> None:
    sandbox.world.add_private_chat(ME)
    sandbox.faults.append(("sendMessage", BotApiError(429, "Too Many Requests: retry after 1", {"retry_after": 1})))
    sandbox.world.write(ME, "/help")
    await app.poller.once()
    assert len(sandbox.sent(ME)) == 1


async def test_during_a_long_429_a_command_has_its_effect_and_no_answer_and_nobody_waits(
    app: App, sandbox: Sandbox
) -> None:
    sandbox.world.add_private_chat(ME)
    sandbox.faults.append(("sendMessage", BotApiError(429, "Too Many Requests", {"retry_after": 600})))
    sandbox.world.write(ME, "/subscribe")
    async with asyncio.timeout(10):
        await app.poller.once()
    sandbox.world.write(ME, "/status")
    async with asyncio.timeout(10):
        await app.poller.once()
    async with app.database.transaction() as connection:
        assert list(await chats.subscribers(connection)) == [ME]
    assert sandbox.sent(ME) == []
    assert await app.poller.once() == 0
