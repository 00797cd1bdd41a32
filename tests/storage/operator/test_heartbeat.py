"""What a machine's processes say of themselves: the newest of each, and nothing of machines that are gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from storage.database import Database
from storage.operator import heartbeat

NOW = datetime(2020, 11, 13, 22, 30, tzinfo=UTC)


async def beat(database: Database, machine: str, role: str, at: datetime) -> dict[str, datetime]:
    async with database.transaction() as connection:
        await heartbeat.beat(connection, machine, role, at)
        return await heartbeat.of(connection, machine)


async def test_the_newest_of_each_process_is_kept(database: Database) -> None:
    await beat(database, "here", "main", NOW)
    await beat(database, "here", "worker", NOW)
    later = NOW + timedelta(minutes=1)
    assert await beat(database, "here", "main", later) == {"main": later, "worker": NOW}


async def test_a_machine_that_says_nothing_for_a_day_is_forgotten(database: Database) -> None:
    await beat(database, "old", "main", NOW)
    await beat(database, "new", "main", NOW + timedelta(days=2))
    async with database.reading() as connection:
        assert await heartbeat.of(connection, "old") == {}
