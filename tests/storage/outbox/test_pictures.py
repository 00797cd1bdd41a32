"""Whoever wants pictures waits for the chart of an alert, a minute at most; nobody else does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event, update

from storage import charts, chats
from storage.database import Database
from storage.outbox import fan_out, queue
from storage.outbox.quiet_hours import QuietHours
from storage.outbox.states import State
from storage.schema import alert
from storage.settings import chosen
from tests.storage.outbox.alerts import add_alert, states

NOW = datetime(2020, 11, 13, 22, 30, tzinfo=UTC)
SOON, LATE = NOW + fan_out.DRAWN_WITHIN, NOW + timedelta(hours=1)
# The session of the first alert that a test adds.
SESSION = date(2020, 1, 2)
CHART = "breakout-5y-light"
PICTURES, TEXT = 1, 2


@pytest.fixture
def database_url(either_url: str) -> str:
    """Every test here runs on SQLite and on PostgreSQL."""
    return either_url


@pytest.fixture
async def two(database: Database) -> Database:
    """One chat that wants pictures, one that does not, and an alert that has a chart."""
    async with database.transaction() as connection:
        for chat_id in (PICTURES, TEXT):
            await chats.subscribe(connection, chat_id, "private", NOW)
        await chosen.want_pictures(connection, PICTURES, True)
    await add_alert(database, NOW)
    async with database.transaction() as connection:
        await connection.execute(update(alert).values(chart=CHART))
    return database


async def spread(database: Database, now: datetime = NOW) -> None:
    found = True
    while found:
        async with database.transaction() as connection:
            found = await fan_out.fan_out(connection, now) is not None


async def draw(database: Database, through: date = SESSION) -> None:
    async with database.transaction() as connection:
        await charts.store(connection, CHART, through, b"png", NOW)


async def test_before_the_chart_is_drawn_only_who_wants_it_waits(two: Database) -> None:
    await spread(two)
    assert await states(two) == {PICTURES: State.HELD, TEXT: State.QUEUED}
    async with two.transaction() as connection:
        assert await queue.next_release(connection) == SOON
        assert await fan_out.release(connection, SOON - timedelta(seconds=1)) == 0
        assert await fan_out.release(connection, SOON) == 1
        claims = await queue.claim(connection, 10, timedelta(minutes=5))
    assert {claimed.chat_id: claimed.is_pictured for claimed in claims} == {PICTURES: True, TEXT: False}


async def test_nobody_waits_for_one_that_is_drawn(two: Database) -> None:
    await draw(two)
    await spread(two)
    assert set((await states(two)).values()) == {State.QUEUED}


async def test_nobody_waits_for_one_that_is_late(two: Database) -> None:
    await draw(two, SESSION - timedelta(days=1))
    await spread(two, LATE)
    assert set((await states(two)).values()) == {State.QUEUED}


async def test_nobody_waits_where_an_alert_carries_none(two: Database) -> None:
    async with two.transaction() as connection:
        await connection.execute(update(alert).values(chart=None))
    await spread(two)
    assert set((await states(two)).values()) == {State.QUEUED}


async def test_quiet_hours_hold_it_for_longer(two: Database) -> None:
    async with two.transaction() as connection:
        await chosen.set_quiet_hours(connection, PICTURES, QuietHours("UTC", 22 * 60, 7 * 60))
    await spread(two)
    async with two.transaction() as connection:
        assert await queue.next_release(connection) == datetime(2020, 11, 14, 7, tzinfo=UTC)


async def test_a_slice_costs_as_many_statements_as_without_pictures(two: Database) -> None:
    async with two.transaction() as connection:
        for chat_id in range(10, 60):
            await chats.subscribe(connection, chat_id, "private", NOW)
            await chosen.want_pictures(connection, chat_id, chat_id % 2 == 0)
    executed: list[str] = []
    async with two.transaction() as connection:
        engine = connection.sync_connection
        assert engine is not None
        event.listen(engine, "before_cursor_execute", lambda *given: executed.append(given[2]))
        assert await fan_out.fan_out(connection, NOW)
    inserts = [statement for statement in executed if statement.lstrip().startswith("INSERT")]
    assert len(inserts) == 1
    assert len(executed) <= 5
