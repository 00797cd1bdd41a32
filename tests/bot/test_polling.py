"""Updates are acknowledged after their handlers have run, and no error ends polling."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from bot import polling
from bot.app import App
from bot.polling import ALLOWED_UPDATES, poll
from bot.sandbox.server import Fault, Sandbox
from bot.sandbox.telegram import BotApiError
from storage import chats

ME = 5


class Alarms(list[str]):
    """The sentences the operator was told."""

    async def __call__(self, sentence: str) -> None:
        self.append(sentence)


@pytest.fixture
def alarms() -> Alarms:
    return Alarms()


@pytest.fixture
async def polled(
    app: App, sandbox: Sandbox, alarms: Alarms, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Start polling on the first call; every call waits until the sandbox has been called once more."""
    monkeypatch.setattr(polling, "_PAUSES", (0,))
    monkeypatch.setattr(polling, "_LONG_POLL", 1)
    sandbox.world.add_private_chat(ME)
    tasks: list[asyncio.Task[None]] = []

    async def once_more() -> None:
        if not tasks:
            tasks.append(asyncio.create_task(poll(app.telegram, alarms)))
        async with asyncio.timeout(10):
            await sandbox.called.wait()

    yield once_more
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def until_answered(sandbox: Sandbox, once_more: Callable[[], Awaitable[None]], count: int = 1) -> None:
    while len(sandbox.sent(ME)) < count:
        await once_more()


async def test_an_update_is_acknowledged_only_after_its_effect_is_stored(
    app: App, sandbox: Sandbox, polled: Callable[[], Awaitable[None]]
) -> None:
    sandbox.world.write(ME, "/subscribe")
    await until_answered(sandbox, polled)
    async with app.database.transaction() as connection:
        assert list(await chats.subscribers(connection)) == [ME]
    acknowledged = [call for method, call in sandbox.calls if method == "getUpdates" and "offset" in call]
    answered = next(i for i, (method, _) in enumerate(sandbox.calls) if method == "sendMessage")
    before_the_answer = [call for method, call in sandbox.calls[:answered] if method == "getUpdates"]
    assert all("offset" not in call for call in before_the_answer)
    while not acknowledged:
        await polled()
        acknowledged = [call for method, call in sandbox.calls if method == "getUpdates" and "offset" in call]
    assert sandbox.world.updates == []


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
