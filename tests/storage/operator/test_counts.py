"""What operators are shown is counted where it is stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from storage import chats, inbox
from storage.database import Database
from storage.inbox import Received
from storage.operator import counts, pause
from storage.operator.counts import ChatCount, Waiting
from storage.outbox import fan_out, queue
from storage.outbox.states import State
from tests.storage.outbox.alerts import add_alert

NOW = datetime(2020, 11, 13, 22, 30, tzinfo=UTC)


async def spread(database: Database) -> None:
    found = True
    while found:
        async with database.transaction() as connection:
            found = await fan_out.fan_out(connection, NOW) is not None


async def test_chats_and_deliveries_are_counted(database: Database) -> None:
    async with database.transaction() as connection:
        for chat_id in (1, 2, -3):
            await chats.subscribe(connection, chat_id, "private" if chat_id > 0 else "group", NOW)
        await chats.mark_gone(connection, 2, "blocked", NOW)
        await chats.mark_reachable(connection, 4, "private")
    await add_alert(database, NOW - timedelta(hours=3))
    await add_alert(database, NOW - timedelta(hours=1))
    await spread(database)
    async with database.transaction() as connection:
        claims = await queue.claim(connection, 1, timedelta(minutes=2))
        await queue.mark_sent(connection, [(claims[0], 77)], NOW)
        await inbox.store(connection, [Received(1, 1, b"{}"), Received(2, 1, b"{}")])
        await inbox.mark_handled(connection, 1, NOW)
    async with database.reading() as connection:
        assert await counts.chats_by_type(connection) == [ChatCount("group", 1, 1, 0), ChatCount("private", 3, 1, 1)]
        assert await counts.waiting(connection) == [Waiting(State.QUEUED, 3, NOW - timedelta(hours=3))]
        assert await counts.finished_since(connection, NOW) == {State.SENT: 1}
        assert await counts.finished_since(connection, NOW + timedelta(seconds=1)) == {}
        assert await counts.handled_since(connection, NOW) == 1


async def test_a_pause_begins_once_and_ends_once_and_nothing_is_due_meanwhile(database: Database) -> None:
    async with database.transaction() as connection:
        await chats.subscribe(connection, 1, "private", NOW)
    await add_alert(database, NOW)
    await spread(database)
    later = NOW + timedelta(hours=1)
    async with database.transaction() as connection:
        assert [await pause.begin(connection, at) for at in (NOW, later)] == [True, False]
        assert await pause.since(connection) == NOW
        assert await queue.next_due(connection, later) is None
        assert [await pause.end(connection) for _ in range(2)] == [True, False]
        assert await pause.since(connection) is None
        assert await queue.next_due(connection, later) == later
