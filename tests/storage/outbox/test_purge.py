"""What is old becomes a count, and the file gets its pages back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, text

from storage import chats
from storage.database import Database
from storage.outbox import fan_out as fanning
from storage.outbox import purge, queue
from storage.outbox.states import State
from storage.schema import chat
from tests.storage.outbox.alerts import add_alert

NOW = datetime(2020, 11, 13, 22, 30, tzinfo=UTC)
LATER = NOW + timedelta(days=31)


async def deliver(database: Database, chats_: range, *, sent: int) -> None:
    """Owe one alert to some chats and send it to the first of them."""
    async with database.transaction() as connection:
        for chat_id in chats_:
            await chats.subscribe(connection, chat_id, "private", NOW)
    await add_alert(database, NOW)
    async with database.transaction() as connection:
        await fanning.fan_out(connection, NOW)
        await fanning.fan_out(connection, NOW)
        claims = await queue.claim(connection, sent, timedelta(minutes=2))
        await queue.mark_sent(connection, [(c, c.id) for c in claims], NOW)


async def purge_all(database: Database, now: datetime, size: int = 100) -> int:
    total = 0
    while True:
        async with database.transaction() as connection:
            folded = await purge.purge(connection, now, size)
        if not folded:
            return total
        total += folded


async def test_after_thirty_days_deliveries_are_folded_into_counts_and_no_count_changes(database: Database) -> None:
    await deliver(database, range(1, 8), sent=5)
    assert await purge_all(database, NOW + timedelta(days=29)) == 0
    assert await purge_all(database, LATER, size=2) == 5
    async with database.transaction() as connection:
        assert await purge.stored(connection) == 2
        assert await queue.counts(connection) == {State.SENT: 5, State.QUEUED: 2}
    assert await purge_all(database, LATER) == 0


async def test_what_is_still_owed_is_never_purged(database: Database) -> None:
    await deliver(database, range(1, 4), sent=0)
    assert await purge_all(database, LATER) == 0
    async with database.transaction() as connection:
        assert len(await queue.claim(connection, 10, timedelta(minutes=2))) == 3


async def test_a_slice_that_is_rolled_back_is_folded_once(database: Database) -> None:
    await deliver(database, range(1, 4), sent=3)
    try:
        async with database.transaction() as connection:
            await purge.purge(connection, LATER)
            raise RuntimeError("killed here")
    except RuntimeError:
        pass
    assert await purge_all(database, LATER) == 3
    async with database.transaction() as connection:
        assert await queue.counts(connection) == {State.SENT: 3}


async def test_the_file_shrinks(database_url: str) -> None:
    async with Database(database_url) as database:
        async with database.transaction() as connection:
            await connection.execute(insert(chat), [{"id": i, "type": "private"} for i in range(50_000)])
        grown = await pages(database)
        async with database.transaction() as connection:
            await connection.execute(text("DELETE FROM chat"))
        assert await pages(database) == grown
        await database.reclaim()
        assert await pages(database) < grown / 3


async def pages(database: Database) -> int:
    return await database._pragma("page_count")
