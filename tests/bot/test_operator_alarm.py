"""The operators hear each sentence once: later if they cannot be reached, and at the pace of all answers."""

from __future__ import annotations

import asyncio

import pytest

from bot import operator_alarm
from bot.app import App
from bot.operator_alarm import OperatorAlarm
from bot.sandbox.server import Fault, Sandbox

ME = 5


async def test_a_sentence_that_reached_nobody_is_told_later_and_once(
    app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operator_alarm, "_AGAIN", 0.01)
    sandbox.world.add_private_chat(ME, started=True)
    alarm = OperatorAlarm(app.telegram.bot, (ME,))
    sandbox.faults += [("sendMessage", Fault.RESET_BEFORE)] * 2
    await alarm("the disk is full")
    assert sandbox.sent(ME) == []
    telling = asyncio.create_task(alarm.run())
    async with asyncio.timeout(10):
        while not sandbox.sent(ME):
            await sandbox.called.wait()
    await alarm("the disk is full")
    assert sandbox.sent(ME) == ["the disk is full"]
    telling.cancel()


async def test_a_sentence_without_bounds_keeps_no_other_from_being_told(
    app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.world.add_private_chat(ME, started=True)
    alarm = OperatorAlarm(app.telegram.bot, (ME,))
    await alarm("&" * 10_000)
    await alarm("the disk is full")
    assert [len(text) for text in sandbox.sent(ME)] == [1_000, 16]


async def test_a_sentence_to_the_operators_obeys_a_429(app: App, sandbox: Sandbox) -> None:
    sandbox.world.add_private_chat(ME, started=True)
    app.sender.pacer.pause(600)
    await OperatorAlarm(app.telegram.bot, (ME,))("the disk is full")
    assert not [method for method, _ in sandbox.calls if method == "sendMessage"]
