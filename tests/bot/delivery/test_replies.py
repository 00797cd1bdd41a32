"""Answers to commands keep to the limits and never keep others waiting; the command has its effect all the same."""

from __future__ import annotations

import asyncio

from bot.app import App
from bot.sandbox.server import Sandbox
from bot.sandbox.telegram import BotApiError
from storage import chats

ME = 5


async def test_a_flood_from_one_chat_is_left_unanswered_and_has_its_effect(app: App, sandbox: Sandbox) -> None:
    sandbox.world.add_private_chat(ME)
    for _ in range(70):
        sandbox.world.write(ME, "/help")
    sandbox.world.write(ME, "/subscribe")
    while await app.poller.once():
        pass
    assert len(sandbox.sent(ME)) == 60
    async with app.database.transaction() as connection:
        assert list(await chats.subscribers(connection)) == [ME]


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
