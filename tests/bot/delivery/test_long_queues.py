"""A queue may be hours long: what changes meanwhile counts, and trouble that is nobody's own does not use it up."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from bot.app import App
from bot.clock import SteppedClock
from bot.delivery import outage, sender
from bot.sandbox.server import Fault, Sandbox
from bot.sandbox.telegram import BotApiError
from bot.settings import Settings
from storage.outbox import fan_out, queue, throttle
from storage.outbox.states import State
from storage.schema import chat, delivery
from tests.bot.conftest import Record, Running
from tests.bot.delivery.test_delivery import drain_until, subscribe, tally
from tests.bot.running import EVENING, attempt, confirmed, settings_for

UNHEARD_OF = BotApiError(400, "Bad Request: UNHEARD_OF")
NEW_YORK = {"timezone": "America/New_York", "quiet_from": 17 * 60, "quiet_until": 18 * 60}


@pytest.fixture
def database_url(either_url: str) -> str:
    """Every test here runs on SQLite and on PostgreSQL."""
    return either_url


@pytest.fixture
def settings(sandbox: Sandbox, database_url: str) -> Settings:
    return settings_for(sandbox, database_url, messages_per_second=1000, paid_broadcast=True)


async def enqueue_only(app: App, record: Record, *, urgent: bool = False) -> None:
    """Owe an alert to everybody; nothing of it has left."""
    await record(confirmed() if urgent else attempt(), "confirmed" if urgent else "attempt")
    async with app.database.transaction() as connection:
        while await fan_out.fan_out(connection, EVENING):
            pass


async def change(app: App, chat_id: int, **values: Any) -> None:
    """Change a chat behind the queue's back, as another process may at the same instant."""
    async with app.database.transaction() as connection:
        await connection.execute(update(chat).where(chat.c.id == chat_id).values(values))


class TestWhatChangesMeanwhile:
    async def test_quiet_hours_that_began_since_hold_it_until_they_end(
        self, app: App, sandbox: Sandbox, record: Record
    ) -> None:
        await subscribe(app, sandbox, 5, 6)
        await enqueue_only(app, record)
        await change(app, 5, **NEW_YORK)
        await drain_until(app, {State.HELD: 1, State.SENT: 1})
        assert isinstance(app.clock, SteppedClock)
        app.clock.move(EVENING + timedelta(minutes=31))
        await app.sender.drain()
        assert await tally(app) == {State.SENT: 2}

    async def test_urgent_news_comes_through_where_the_chat_wants_it(
        self, app: App, sandbox: Sandbox, record: Record
    ) -> None:
        await subscribe(app, sandbox, 5, 6)
        await enqueue_only(app, record, urgent=True)
        await change(app, 5, **NEW_YORK, urgent_through=True)
        await change(app, 6, **NEW_YORK)
        await drain_until(app, {State.HELD: 1, State.SENT: 1})
        assert len(sandbox.sent(5)) == 1

    @pytest.mark.parametrize("since", [{"subscribed_at": None}, {"gone_at": EVENING}], ids=["unsubscribed", "gone"])
    async def test_who_does_not_want_it_any_more_does_not_get_it(
        self, app: App, sandbox: Sandbox, record: Record, since: dict[str, Any]
    ) -> None:
        await subscribe(app, sandbox, 5, 6)
        await enqueue_only(app, record)
        await change(app, 5, **since)
        await app.sender.drain()
        assert await tally(app) == {State.GONE: 1, State.SENT: 1}
        assert sandbox.sent(5) == []

    async def test_an_alert_that_was_stopped_while_it_was_being_queued_is_not_sent(
        self, app: App, sandbox: Sandbox, record: Record
    ) -> None:
        await subscribe(app, sandbox, 5)
        await record(attempt(), "attempt")
        async with app.database.transaction() as connection:
            await queue.stop_alert(connection, 1, "too long", EVENING)
            await connection.execute(insert(delivery).values(_queued(1, 5)))
        await app.sender.drain()
        assert await tally(app) == {State.STOPPED: 1}

    async def test_a_clock_that_was_wrong_holds_nothing_for_years(
        self, app: App, sandbox: Sandbox, record: Record
    ) -> None:
        await subscribe(app, sandbox, 5)
        await change(app, 5, **NEW_YORK)
        await record(attempt(), "attempt")
        async with app.database.transaction() as connection:
            await fan_out.fan_out(connection, EVENING.replace(year=2030))
        assert await tally(app) == {State.HELD: 1}
        assert isinstance(app.clock, SteppedClock)
        app.clock.move(EVENING + timedelta(hours=2))
        await app.sender.drain()
        assert await tally(app) == {State.SENT: 1}


def _queued(alert_id: int, chat_id: int) -> dict[str, Any]:
    figures = {"urgent": False, "state": State.QUEUED, "not_before": EVENING, "attempts": 0, "unknowns": 0}
    return figures | {"alert_id": alert_id, "chat_id": chat_id}


class TestTroubleThatIsNobodysOwn:
    async def test_after_twenty_refusals_in_a_row_the_others_wait_instead_of_being_stopped(
        self, app: App, sandbox: Sandbox, record: Record, caplog: pytest.LogCaptureFixture
    ) -> None:
        everybody = range(1, 31)
        await subscribe(app, sandbox, *everybody)
        sandbox.faults += [("sendMessage", UNHEARD_OF)] * len(everybody)
        await record(attempt(), "attempt")
        await drain_until(app, {State.STOPPED: 20, State.HELD: 10})
        told = "Telegram refuses one message after the other (Bad Request: UNHEARD_OF): they wait and are tried again"
        assert [r.message for r in caplog.records if r.levelname == "ERROR"].count(told) == 1
        assert isinstance(app.clock, SteppedClock)
        app.clock.move(EVENING + timedelta(hours=1, minutes=1))
        await app.sender.drain()
        assert await tally(app) == {State.STOPPED: 20, State.SENT: 10}

    async def test_what_was_stopped_is_owed_again_when_the_operator_says_so(
        self, app: App, sandbox: Sandbox, record: Record
    ) -> None:
        await subscribe(app, sandbox, 5, 6)
        sandbox.faults += [("sendMessage", UNHEARD_OF)] * 2
        await record(attempt(), "attempt")
        await app.sender.drain()
        assert await tally(app) == {State.STOPPED: 2}
        async with app.database.transaction() as connection:
            assert await queue.requeue(connection, 1) == 2
        await app.sender.drain()
        assert await tally(app) == {State.SENT: 2}

    async def test_an_alert_stopped_half_way_goes_on_where_it_was(
        self, app: App, sandbox: Sandbox, record: Record
    ) -> None:
        await subscribe(app, sandbox, 5, 6, 7)
        await record(attempt(), "attempt")
        async with app.database.transaction() as connection:
            await fan_out.fan_out(connection, EVENING, size=1)
            await queue.stop_alert(connection, 1, "too long", EVENING)
        await app.sender.drain()
        assert await tally(app) == {State.STOPPED: 1}
        async with app.database.transaction() as connection:
            await queue.requeue(connection, 1)
        await app.sender.drain()
        assert await tally(app) == {State.SENT: 3}

    async def test_an_outage_does_not_use_the_queue_up(
        self, app: App, sandbox: Sandbox, record: Record, running: Running, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # One at a time, so that what is on its way when the pause begins is one, too.
        monkeypatch.setattr(sender, "MOST_IN_FLIGHT", 1)
        await subscribe(app, sandbox, *range(1, 31))
        sandbox.faults += [("sendMessage", Fault.BAD_GATEWAY)] * 30
        await record(attempt(), "attempt")
        async with running(app), asyncio.timeout(20):
            while app.sender.pacer.wait() < 2:
                await asyncio.sleep(0.01)
            await app.sender.results.flush()
        final = await tally(app)
        assert final == {State.UNKNOWN: outage._UNKNOWNS, State.QUEUED: 30 - outage._UNKNOWNS}


class TestThrottle:
    async def test_the_next_start_obeys_a_429_that_is_not_over(
        self, app: App, sandbox: Sandbox, record: Record
    ) -> None:
        await subscribe(app, sandbox, 5)
        await record(attempt(), "attempt")
        async with app.database.transaction() as connection:
            await throttle.note(connection, 600)
        delivering = asyncio.create_task(app.sender.drain())
        async with asyncio.timeout(10):
            while app.sender.pacer.wait() < 500:
                await asyncio.sleep(0.01)
        delivering.cancel()
        await asyncio.gather(delivering, return_exceptions=True)
        assert await tally(app) == {State.QUEUED: 1}

    async def test_a_429_is_noted_for_others_to_obey(
        self, app: App, sandbox: Sandbox, record: Record, running: Running
    ) -> None:
        await subscribe(app, sandbox, 5)
        sandbox.faults.append(("sendMessage", BotApiError(429, "Too Many Requests", {"retry_after": 600})))
        await record(attempt(), "attempt")
        async with running(app), asyncio.timeout(10):
            while await _remaining(app) < 500:
                await asyncio.sleep(0.01)

    async def test_a_429_that_an_answer_met_is_noted_for_others_to_obey(
        self, app: App, sandbox: Sandbox, running: Running
    ) -> None:
        sandbox.world.add_private_chat(5)
        sandbox.faults.append(("sendMessage", BotApiError(429, "Too Many Requests", {"retry_after": 600})))
        sandbox.world.write(5, "/help")
        async with running(app), asyncio.timeout(10):
            while await _remaining(app) < 500:
                await asyncio.sleep(0.01)


async def _remaining(app: App) -> float:
    async with app.database.transaction() as connection:
        return (await throttle.clock(connection))[1]
