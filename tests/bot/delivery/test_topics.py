"""Alerts come to the forum topic where the group was subscribed, and to General once that is closed or deleted."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from bot.app import App
from bot.sandbox.server import Sandbox
from bot.sandbox.telegram import BotApiError, Json
from storage.outbox.queue import counts
from storage.outbox.states import State
from tests.bot.conftest import Record
from tests.bot.running import attempt, confirmed

GROUP, ADMIN, TOPIC, OTHER = -1_000_000_000_005, 11, 3, 4
SAYS_SO = "The topic that alerts came to is closed or deleted"
Hear = Callable[[], Coroutine[Any, Any, None]]


@pytest.fixture
async def subscribed(sandbox: Sandbox, hear: Hear) -> None:
    """A group with two topics, subscribed in one of them."""
    sandbox.world.add_group(GROUP, "Traders", admins={ADMIN}).topics.update({TOPIC: True, OTHER: True})
    sandbox.world.write(GROUP, "/subscribe", user_id=ADMIN, topic=TOPIC)
    await hear()


def alerts(sandbox: Sandbox) -> list[Json]:
    messages = sandbox.world.chats[GROUP].messages.values()
    return [message for message in messages if message["text"].startswith("Russell 2000 ")]


async def states(app: App) -> dict[State, int]:
    async with app.database.transaction() as connection:
        return await counts(connection)


@pytest.fixture
def close(sandbox: Sandbox, request: pytest.FixtureRequest) -> Callable[[int], None]:
    """Return a function that deletes a topic, or closes it."""

    def end(topic: int) -> None:
        if request.param == "deleted":
            del sandbox.world.chats[GROUP].topics[topic]
        else:
            sandbox.world.chats[GROUP].topics[topic] = False

    return end


EITHER_WAY = pytest.mark.parametrize("close", ["deleted", "closed"], indirect=True)
Close = Callable[[int], None]


@pytest.mark.usefixtures("subscribed")
class TestTopics:
    async def test_the_answer_and_every_alert_come_to_the_topic(
        self, app: App, sandbox: Sandbox, record: Record
    ) -> None:
        (answer,) = [m for m in sandbox.world.chats[GROUP].messages.values() if m["text"].startswith("Subscribed")]
        assert answer["message_thread_id"] == TOPIC
        assert "Alerts come to this topic." in answer["text"]
        await record(attempt(), "attempt")
        await app.sender.drain()
        assert [message["message_thread_id"] for message in alerts(sandbox)] == [TOPIC]

    async def test_subscribing_in_another_topic_moves_them_and_in_general_too(
        self, app: App, sandbox: Sandbox, record: Record, hear: Hear
    ) -> None:
        sandbox.world.write(GROUP, "/subscribe", user_id=ADMIN, topic=OTHER)
        await hear()
        await record(attempt(), "attempt")
        await app.sender.drain()
        sandbox.world.write(GROUP, "/subscribe", user_id=ADMIN)
        await hear()
        await record(confirmed(), "confirmed")
        await app.sender.drain()
        assert [message.get("message_thread_id") for message in alerts(sandbox)] == [OTHER, None]

    @EITHER_WAY
    async def test_when_it_is_gone_they_come_to_general_and_the_first_says_so(
        self, app: App, sandbox: Sandbox, record: Record, close: Close
    ) -> None:
        close(TOPIC)
        await record(attempt(), "attempt")
        await app.sender.drain()
        await record(confirmed(), "confirmed")
        await app.sender.drain()
        first, second = alerts(sandbox)
        assert "message_thread_id" not in first | second
        assert SAYS_SO in first["text"]
        assert SAYS_SO not in second["text"]
        assert await states(app) == {State.SENT: 2}

    @EITHER_WAY
    async def test_of_two_that_wait_one_says_so(self, app: App, sandbox: Sandbox, record: Record, close: Close) -> None:
        close(TOPIC)
        await record(attempt(), "attempt")
        await record(confirmed(), "confirmed", "failed")
        await app.sender.drain()
        assert sum(SAYS_SO in message["text"] for message in alerts(sandbox)) == 1
        assert all("message_thread_id" not in message for message in alerts(sandbox))

    @EITHER_WAY
    async def test_an_answer_to_what_was_asked_there_comes_to_general(
        self, sandbox: Sandbox, hear: Hear, close: Close
    ) -> None:
        sandbox.world.write(GROUP, "/help", user_id=ADMIN, topic=TOPIC)
        close(TOPIC)
        await hear()
        newest = list(sandbox.world.chats[GROUP].messages.values())[-1]
        assert newest["text"].startswith("Commands")
        assert "message_thread_id" not in newest

    async def test_where_general_is_closed_too_the_alert_is_held(
        self, app: App, sandbox: Sandbox, record: Record
    ) -> None:
        closed = BotApiError(400, "Bad Request: TOPIC_CLOSED")
        sandbox.faults += [("sendMessage", closed)] * 2
        await record(attempt(), "attempt")
        while await app.sender._enqueue_some():
            pass
        for _ in range(2):
            await app.sender._send_some()
            while app.sender._in_flight:
                await next(iter(app.sender._in_flight))
            await app.sender.results.flush()
        assert await states(app) == {State.HELD: 1}


@pytest.mark.usefixtures("subscribed")
@pytest.mark.parametrize("text", ["message thread not found", "TOPIC_CLOSED", "TOPIC_DELETED", "TOPIC_ID_INVALID"])
async def test_in_whatever_words_telegram_says_so(app: App, sandbox: Sandbox, record: Record, text: str) -> None:
    sandbox.faults.append(("sendMessage", BotApiError(400, f"Bad Request: {text}")))
    await record(attempt(), "attempt")
    await app.sender.drain()
    (alert,) = alerts(sandbox)
    assert "message_thread_id" not in alert
    assert SAYS_SO in alert["text"]
