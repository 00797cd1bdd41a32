"""From an alert to every chat it is owed to, through the real client to a strict server."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from bot.app import App
from bot.clock import SteppedClock
from bot.delivery import results, sender
from bot.health.faults import Fault as Wrong
from bot.messages.render import Messages
from bot.sandbox.server import Fault, Sandbox
from bot.sandbox.telegram import BotApiError
from bot.settings import Settings
from storage import chats
from storage.outbox import fan_out, queue
from storage.outbox.queue import counts
from storage.outbox.states import State
from storage.schema import alert, chat, delivery, transition, verdict
from storage.settings.chosen import Chosen
from tests.bot.conftest import Record, Running
from tests.bot.running import EVENING, attempt, confirmed, settings_for

TOO_MANY = BotApiError(429, "Too Many Requests: retry after 1", {"retry_after": 1})


@pytest.fixture
def settings(sandbox: Sandbox, database_url: str) -> Settings:
    # Ten times what a chat may have: what waits for its pace waits a tenth of a second.
    return settings_for(sandbox, database_url, chat_messages_per_second=10, group_messages_per_minute=20)


@pytest.fixture
def database_url(either_url: str) -> str:
    """Every test here runs on SQLite and on PostgreSQL."""
    return either_url


async def subscribe(app: App, sandbox: Sandbox, *ids: int) -> None:
    async with app.database.transaction() as connection:
        for chat_id in ids:
            await chats.subscribe(connection, chat_id, "private" if chat_id > 0 else "group", EVENING)
    for chat_id in ids:
        if chat_id > 0:
            sandbox.world.add_private_chat(chat_id, started=True)
        else:
            sandbox.world.add_group(chat_id, "Traders")


async def tally(app: App) -> dict[State, int]:
    async with app.database.transaction() as connection:
        return await counts(connection)


async def rename_the_first_episode(app: App) -> None:
    """Let the first alert be of another episode, so that the next one does not replace it."""
    async with app.database.transaction() as connection:
        other = update(transition).where(transition.c.id == 1).values(subject="breakout:2020-01-02")
        await connection.execute(other)


async def drain_until(app: App, expected: dict[State, int]) -> None:
    """Deliver until the deliveries stand like this, though more would be tried later."""
    delivering = asyncio.create_task(app.sender.drain())
    async with asyncio.timeout(20):
        while await tally(app) != expected:
            await asyncio.sleep(0.01)
    delivering.cancel()
    await asyncio.gather(delivering, return_exceptions=True)


async def fail_once(
    app: App, sandbox: Sandbox, record: Record, fault: Fault | BotApiError, *, urgent: bool = False
) -> None:
    """Owe one alert to chat 5 and meet one fault on the way."""
    await subscribe(app, sandbox, 5)
    await record(confirmed() if urgent else attempt(), "confirmed" if urgent else "attempt")
    sandbox.faults.append(("sendMessage", fault))
    await app.sender.drain()


class TestSending:
    async def test_every_subscriber_gets_the_alert_once(self, app: App, sandbox: Sandbox, record: Record) -> None:
        await subscribe(app, sandbox, 5, 6, 7)
        await record(attempt(), "attempt")
        await app.sender.drain()
        await app.sender.drain()
        assert await tally(app) == {State.SENT: 3}
        assert all(len(sandbox.sent(chat_id)) == 1 for chat_id in (5, 6, 7))
        assert sandbox.sent(5)[0].startswith("Russell 2000 at a record, the first in 130 sessions: a breakout attempt")

    async def test_alerts_of_one_chat_arrive_in_order(self, app: App, sandbox: Sandbox, record: Record) -> None:
        await subscribe(app, sandbox, 5)
        await record(attempt(), "attempt")
        await rename_the_first_episode(app)
        await record(confirmed(), "confirmed")
        async with app.database.transaction() as connection:
            await connection.execute(update(alert).values(urgent=False))
        await app.sender.drain()
        first, second = sandbox.sent(5)
        assert first.startswith("The Russell 2000 breakout of 2 Jan 2020")
        assert second.startswith("Russell 2000 breakout confirmed")

    async def test_the_message_telegram_made_of_it_is_remembered(
        self, app: App, sandbox: Sandbox, record: Record
    ) -> None:
        await subscribe(app, sandbox, 5)
        await record(attempt(), "attempt")
        await app.sender.drain()
        async with app.database.transaction() as connection:
            message_id = (await connection.execute(select(delivery.c.message_id))).scalar_one()
        assert message_id in sandbox.world.chats[5].messages

    async def test_with_nothing_owed_nothing_is_sent(self, app: App, sandbox: Sandbox) -> None:
        await subscribe(app, sandbox, 5)
        await app.sender.drain()
        assert sandbox.sent(5) == []

    async def test_the_loop_delivers_when_it_is_woken(
        self, app: App, sandbox: Sandbox, record: Record, running: Running
    ) -> None:
        await subscribe(app, sandbox, 5)
        async with running(app):
            await record(attempt(), "attempt")
            app.sender.wake()
            async with asyncio.timeout(10):
                while not sandbox.sent(5):
                    await sandbox.called.wait()


class TestFailures:
    async def test_a_429_is_obeyed_holds_every_other_chat_too_and_each_gets_its_message_once(
        self, app: App, sandbox: Sandbox, record: Record
    ) -> None:
        await subscribe(app, sandbox, 5, 6)
        await record(attempt(), "attempt")
        sandbox.faults.append(("sendMessage", TOO_MANY))
        before = app.clock.now()
        await app.sender.drain()
        assert app.clock.now() - before >= timedelta(seconds=1)
        assert await tally(app) == {State.SENT: 2}
        assert [len(sandbox.sent(chat_id)) for chat_id in (5, 6)] == [1, 1]

    async def test_a_blocked_bot_is_gone_and_the_chat_with_it(self, app: App, sandbox: Sandbox, record: Record) -> None:
        await subscribe(app, sandbox, 5, 6)
        sandbox.world.chats[5].blocked = True
        await record(attempt(), "attempt")
        await app.sender.drain()
        assert await tally(app) == {State.GONE: 1, State.SENT: 1}
        async with app.database.transaction() as connection:
            assert list(await chats.subscribers(connection)) == [6]

    async def test_an_unknown_refusal_removes_nobody_and_tells_the_operator_once(
        self, sandbox: Sandbox, app: App, record: Record, caplog: pytest.LogCaptureFixture
    ) -> None:
        await fail_once(app, sandbox, record, BotApiError(403, "Forbidden: something new"))
        assert await tally(app) == {State.STOPPED: 1}
        async with app.database.transaction() as connection:
            assert list(await chats.subscribers(connection)) == [5]
        assert [r.message for r in caplog.records if r.levelname == "ERROR"] == [
            "Alert 1 was refused by Telegram: Forbidden: something new"
        ]

    async def test_our_own_mistake_stops_the_alert_and_touches_no_chat(
        self, app: App, sandbox: Sandbox, record: Record
    ) -> None:
        await subscribe(app, sandbox, 5, 6, 7)
        await record(attempt(), "attempt")
        sandbox.faults.append(("sendMessage", BotApiError(400, "Bad Request: message is too long")))
        await app.sender.drain()
        final = await tally(app)
        assert final[State.STOPPED] >= 1
        assert State.GONE not in final
        async with app.database.transaction() as connection:
            assert list(await chats.subscribers(connection)) == [5, 6, 7]
            assert "too long" in (await connection.execute(select(alert.c.stopped_reason))).scalar_one()

    async def test_markup_that_telegram_cannot_parse_goes_out_as_plain_text_and_is_told_once(
        self,
        app: App,
        sandbox: Sandbox,
        record: Record,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        whole = Messages.alert
        monkeypatch.setattr(Messages, "alert", lambda *given, **named: whole(*given, **named).replace("</b>", "", 1))
        await subscribe(app, sandbox, 5, 6, 7)
        await record(attempt(), "attempt")
        await app.sender.drain()
        assert await tally(app) == {State.SENT: 3}
        first = sandbox.world.chats[5].messages[min(sandbox.world.chats[5].messages)]
        assert "entities" not in first
        assert first["text"].startswith("Russell 2000 at a record")
        assert "a close below 97.00" in first["text"]
        async with app.database.transaction() as connection:
            assert list(await chats.subscribers(connection)) == [5, 6, 7]
        assert [r.message for r in caplog.records if r.levelname == "ERROR"] == [
            "Alert 1 goes out as plain text: Bad Request: can't parse entities: "
            "can't find end tag corresponding to start tag b"
        ]

    async def test_a_chat_that_lets_nobody_write_keeps_its_place_and_is_tried_an_hour_later(
        self, app: App, sandbox: Sandbox, record: Record
    ) -> None:
        await subscribe(app, sandbox, -5)
        await record(attempt(), "attempt")
        sandbox.faults.append(("sendMessage", BotApiError(400, "Bad Request: CHAT_WRITE_FORBIDDEN")))
        await drain_until(app, {State.HELD: 1})
        assert isinstance(app.clock, SteppedClock)
        app.clock.move(EVENING + timedelta(hours=1, minutes=1))
        await app.sender.drain()
        assert await tally(app) == {State.SENT: 1}

    async def test_after_a_day_of_that_it_is_given_up_and_the_chat_is_not_touched(
        self, app: App, sandbox: Sandbox, record: Record
    ) -> None:
        await subscribe(app, sandbox, -5)
        await record(attempt(), "attempt")
        assert isinstance(app.clock, SteppedClock)
        app.clock.move(EVENING + timedelta(hours=25))
        sandbox.faults.append(("sendMessage", BotApiError(400, "Bad Request: TOPIC_CLOSED")))
        await app.sender.drain()
        assert await tally(app) == {State.STOPPED: 1}
        async with app.database.transaction() as connection:
            assert list(await chats.subscribers(connection)) == [-5]

    async def test_many_429s_do_not_count_as_such_tries(self, app: App, sandbox: Sandbox, record: Record) -> None:
        await subscribe(app, sandbox, -5)
        await record(attempt(), "attempt")
        async with app.database.transaction() as connection:
            await fan_out.fan_out(connection, EVENING)
            await connection.execute(update(delivery).values(attempts=99))
        sandbox.faults.append(("sendMessage", BotApiError(400, "Bad Request: TOPIC_CLOSED")))
        await drain_until(app, {State.HELD: 1})

    async def test_news_that_had_not_left_is_replaced_by_newer_news_that_says_so(
        self, app: App, sandbox: Sandbox, record: Record
    ) -> None:
        await subscribe(app, sandbox, 5)
        await record(attempt(), "attempt")
        await record(confirmed(), "confirmed")
        await app.sender.drain()
        assert await tally(app) == {State.SUPERSEDED: 1, State.SENT: 1}
        (text,) = sandbox.sent(5)
        assert text.startswith("Russell 2000 breakout confirmed")
        assert "Not sent before, replaced by this: " in text
        assert "Russell 2000 breakout attempt of " in text.split("replaced by this")[1]

    async def test_when_the_newer_news_cannot_be_taken_the_older_is_sent_after_all(
        self, app: App, sandbox: Sandbox, record: Record
    ) -> None:
        await subscribe(app, sandbox, 5)
        await record(attempt(), "attempt")
        await record(confirmed(), "confirmed")
        sandbox.faults.append(("sendMessage", BotApiError(400, "Bad Request: message is too long")))
        await app.sender.drain()
        assert await tally(app) == {State.STOPPED: 1, State.SENT: 1}
        assert len(sandbox.sent(5)) == 1

    async def test_a_group_that_became_a_supergroup_gets_it_there(
        self, app: App, sandbox: Sandbox, record: Record
    ) -> None:
        await subscribe(app, sandbox, -5)
        sandbox.world.add_group(-1005, "Traders")
        await record(attempt(), "attempt")
        moved = BotApiError(
            400, "Bad Request: group chat was upgraded to a supergroup chat", {"migrate_to_chat_id": -1005}
        )
        sandbox.faults.append(("sendMessage", moved))
        await app.sender.drain()
        assert len(sandbox.sent(-1005)) == 1
        assert sandbox.sent(-5) == []
        assert await tally(app) == {State.SENT: 1}

    async def test_an_ordinary_unknown_is_not_sent_again(self, app: App, sandbox: Sandbox, record: Record) -> None:
        await fail_once(app, sandbox, record, Fault.RESET)
        assert await tally(app) == {State.UNKNOWN: 1}
        assert len(sandbox.sent(5)) == 1

    async def test_an_urgent_unknown_is_sent_once_more_and_says_so(
        self, app: App, sandbox: Sandbox, record: Record
    ) -> None:
        await fail_once(app, sandbox, record, Fault.RESET, urgent=True)
        assert await tally(app) == {State.SENT: 1}
        first, second = sandbox.sent(5)
        assert "Sent once more: nobody can tell whether the first copy arrived." in second
        assert "Sent once more" not in first

    async def test_an_urgent_unknown_is_not_sent_a_third_time(self, app: App, sandbox: Sandbox, record: Record) -> None:
        sandbox.faults.append(("sendMessage", Fault.BAD_GATEWAY))
        await fail_once(app, sandbox, record, Fault.BAD_GATEWAY, urgent=True)
        assert await tally(app) == {State.UNKNOWN: 1}
        assert len(sandbox.sent(5)) == 2

    async def test_a_refused_token_halts_and_keeps_the_queue(self, app: App, sandbox: Sandbox, record: Record) -> None:
        await subscribe(app, sandbox, 5)
        await record(attempt(), "attempt")
        sandbox.faults.append(("sendMessage", BotApiError(401, "Unauthorized")))
        delivering = asyncio.create_task(app.sender.drain())
        async with asyncio.timeout(20):
            # It will be tried again in half a minute.
            while app.sender.pacer.wait() < 20 or await tally(app) != {State.QUEUED: 1}:
                await asyncio.sleep(0.01)
        delivering.cancel()
        await asyncio.gather(delivering, return_exceptions=True)
        assert sandbox.sent(5) == []

    async def test_an_alert_that_cannot_be_written_is_stopped_and_the_others_go_on(
        self, app: App, sandbox: Sandbox, record: Record
    ) -> None:
        await subscribe(app, sandbox, 5)
        await record(attempt(), "attempt")
        await rename_the_first_episode(app)
        await record(confirmed(), "confirmed")
        async with app.database.transaction() as connection:
            session = attempt().session
            await connection.execute(update(verdict).where(verdict.c.session == session).values(body=b"not a verdict"))
        await app.sender.drain()
        assert await tally(app) == {State.STOPPED: 1, State.SENT: 1}
        assert sandbox.sent(5)[0].startswith("Russell 2000 breakout confirmed")

    @pytest.mark.parametrize(("module", "name"), [(queue, "claim"), (fan_out, "fan_out"), (queue, "mark_sent")])
    async def test_a_failing_database_loses_and_doubles_nothing(
        self, app: App, sandbox: Sandbox, record: Record, running: Running, monkeypatch: pytest.MonkeyPatch,
        module: Any, name: str,
    ) -> None:  # fmt: skip
        await subscribe(app, sandbox, 5, 6)
        await record(attempt(), "attempt")
        monkeypatch.setattr(sender, "_AFTER_FAILURE", 0.01)
        monkeypatch.setattr(results, "_PAUSES", (0.01,))
        failures = [OperationalError("UPDATE", {}, Exception("database or disk is full"))] * 2
        function = getattr(module, name)

        async def failing(*arguments: Any, **named: Any) -> Any:
            result = await function(*arguments, **named)
            # After it did its work: what it wrote is rolled back.
            if failures:
                raise failures.pop()
            return result

        monkeypatch.setattr(module, name, failing)
        async with running(app), asyncio.timeout(10):
            while await tally(app) != {State.SENT: 2}:
                await asyncio.sleep(0.01)
        assert failures == []
        assert [len(sandbox.sent(chat_id)) for chat_id in (5, 6)] == [1, 1]

    async def test_the_same_sentence_is_told_to_the_operator_once(
        self, app: App, caplog: pytest.LogCaptureFixture
    ) -> None:
        await app.alarm.begins(Wrong.EVENING, "The evening failed")
        await app.alarm.begins(Wrong.EVENING, "The evening failed")
        assert len([r for r in caplog.records if r.levelname == "ERROR"]) == 1


class TestPacing:
    @pytest.fixture
    def settings(self, sandbox: Sandbox, database_url: str) -> Settings:
        return settings_for(sandbox, database_url, chat_messages_per_second=1)

    async def test_an_alert_that_is_owed_to_the_same_chat_twice_in_a_second_waits(
        self, app: App, sandbox: Sandbox, record: Record
    ) -> None:
        await subscribe(app, sandbox, 5)
        await record(attempt(), "attempt")
        await rename_the_first_episode(app)
        await record(confirmed(), "confirmed")
        before = app.clock.now()
        await app.sender.drain()
        assert app.clock.now() - before >= timedelta(seconds=1)
        assert len(sandbox.sent(5)) == 2


class TestStopping:
    async def test_what_is_on_its_way_arrives_and_is_stored(
        self, app: App, sandbox: Sandbox, record: Record, running: Running
    ) -> None:
        await subscribe(app, sandbox, 5)
        await record(attempt(), "attempt")
        sandbox.hold = asyncio.Event()
        async with running(app):
            async with asyncio.timeout(10):
                while not sandbox.sent(5):
                    await sandbox.called.wait()
            asyncio.get_running_loop().call_later(0.05, sandbox.hold.set)
        assert await tally(app) == {State.SENT: 1}

    async def test_what_was_not_on_its_way_stays_queued(
        self, app: App, sandbox: Sandbox, record: Record, running: Running
    ) -> None:
        await subscribe(app, sandbox, *range(5, 25))
        await record(attempt(), "attempt")
        async with running(app):
            async with asyncio.timeout(10):
                while not sandbox.sent(5):
                    await sandbox.called.wait()
        final = await tally(app)
        assert set(final) == {State.SENT, State.QUEUED}
        await app.sender.recover()
        assert await tally(app) == final


class TestAfterADeath:
    async def test_what_was_on_its_way_is_unknown_and_what_was_queued_is_sent(
        self, app: App, sandbox: Sandbox, record: Record
    ) -> None:
        await subscribe(app, sandbox, 5, 6)
        await record(attempt(), "attempt")
        async with app.database.transaction() as connection:
            await fan_out.fan_out(connection, EVENING)
            await queue.claim(connection, 1, timedelta(seconds=-1))
        await app.sender.recover()
        await app.sender.drain()
        assert await tally(app) == {State.UNKNOWN: 1, State.SENT: 1}

    async def test_a_chat_that_left_meanwhile_stays_gone_until_it_speaks(
        self, app: App, sandbox: Sandbox, record: Record
    ) -> None:
        await subscribe(app, sandbox, 5)
        async with app.database.transaction() as connection:
            await connection.execute(update(chat).values(gone_at=EVENING))
        await record(attempt(), "attempt")
        await app.sender.drain()
        assert await tally(app) == {}


def test_messages_are_built_without_a_database() -> None:
    assert "Subscribed" in Messages().text("subscribed", new=True, topic=False, chosen=Chosen())
