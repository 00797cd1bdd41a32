"""What is wrong is stored with what operators are to be told of it, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from storage.database import Database
from storage.operator import faults
from storage.operator.faults import OpenFault
from storage.outbox import notices

NOW = datetime(2020, 11, 13, 22, 30, tzinfo=UTC)
DISK = OpenFault("disk", "The disk is full", NOW)


async def told(database: Database) -> list[str]:
    async with database.reading() as connection:
        return [sentence for _, sentence in await notices.pending(connection)]


async def test_a_fault_is_told_when_it_begins_and_when_it_ends_and_once_each(database: Database) -> None:
    for _ in range(2):
        async with database.transaction() as connection:
            await faults.begin(connection, DISK)
    async with database.reading() as connection:
        assert await faults.open_faults(connection) == [DISK]
    assert await told(database) == ["The disk is full"]
    ended = []
    for _ in range(2):
        async with database.transaction() as connection:
            ended.append(await faults.end(connection, "disk", "It is over", NOW))
    assert ended == [True, False]
    assert await told(database) == ["The disk is full", "It is over"]
    async with database.reading() as connection:
        assert await faults.open_faults(connection) == []


async def test_what_is_not_committed_is_neither_there_nor_told(database: Database) -> None:
    with pytest.raises(KeyError):
        async with database.transaction() as connection:
            await faults.begin(connection, DISK)
            raise KeyError
    async with database.reading() as connection:
        assert await faults.open_faults(connection) == []
    assert await told(database) == []


async def test_the_oldest_comes_first(database: Database) -> None:
    earlier = OpenFault("queue", "It stands still", NOW - timedelta(hours=1))
    async with database.transaction() as connection:
        for one in (DISK, earlier):
            await faults.begin(connection, one)
        assert await faults.open_faults(connection) == [earlier, DISK]
