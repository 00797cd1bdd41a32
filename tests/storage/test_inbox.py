"""The inbox keeps every update until it is handled, in the order of its chat, and handles none twice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from storage import inbox
from storage.database import Database
from storage.inbox import Received
from storage.migrate import migrate
from storage.schema import received_update

NOW = datetime(2020, 11, 17, 22, 30, tzinfo=UTC)
LEASE = timedelta(minutes=2)
OVER = timedelta(seconds=-60)


@pytest.fixture(autouse=True)
async def _migrated(database: Database) -> None:
    await migrate(database)


async def store(database: Database, *received: tuple[int, int]) -> None:
    """Store updates, each an id and its chat's."""
    async with database.transaction() as connection:
        await inbox.store(connection, [Received(number, chat_id, b"{}") for number, chat_id in received])


async def take(database: Database, chat_id: int, lease: timedelta | None = None) -> int | None:
    """Take the next update of a chat and return its id."""
    async with database.transaction() as connection:
        taken = await inbox.take(connection, chat_id, lease)
    return None if taken is None else taken.update_id


async def finish(database: Database, update_id: int) -> None:
    async with database.transaction() as connection:
        await inbox.finish(connection, update_id, NOW)


async def waiting(database: Database) -> Sequence[int]:
    async with database.transaction() as connection:
        return sorted(await inbox.waiting_chats(connection))


async def test_an_update_is_taken_as_it_arrived(database: Database) -> None:
    received = Received(7, 5, b'{"update_id":7}')
    async with database.transaction() as connection:
        await inbox.store(connection, [received])
        assert await inbox.take(connection, 5) == received


async def test_the_updates_of_a_chat_are_taken_in_their_order_and_those_of_others_beside_them(
    database: Database,
) -> None:
    await store(database, (8, 5), (7, 5), (9, 6))
    assert await waiting(database) == [5, 6]
    assert await take(database, 5) == 7
    assert await take(database, 6) == 9
    await finish(database, 7)
    assert await take(database, 5) == 8
    await finish(database, 8)
    assert await take(database, 5) is None
    assert await waiting(database) == [6]


async def test_an_update_that_comes_again_is_ignored_whether_it_was_handled_or_not(database: Database) -> None:
    await store(database, (7, 5), (8, 5))
    await finish(database, 7)
    await store(database, (7, 5), (8, 5))
    assert await take(database, 5) == 8
    await finish(database, 8)
    assert await waiting(database) == []


async def test_storing_nothing_is_allowed(database: Database) -> None:
    await store(database)
    assert await waiting(database) == []


async def test_an_update_is_marked_handled_once(database: Database) -> None:
    await store(database, (7, 5))
    async with database.transaction() as connection:
        assert await inbox.mark_handled(connection, 7, NOW)
    async with database.transaction() as connection:
        assert not await inbox.mark_handled(connection, 7, NOW)
        assert not await inbox.mark_handled(connection, 99, NOW)
    assert await waiting(database) == []


async def test_while_a_lease_is_in_force_nobody_takes_from_that_chat(database: Database) -> None:
    await store(database, (7, 5), (8, 5), (9, 6))
    assert await take(database, 5, LEASE) == 7
    assert await take(database, 5, LEASE) is None
    assert await take(database, 6, LEASE) == 9


async def test_a_chat_stays_taken_while_an_update_that_had_its_effect_is_answered(database: Database) -> None:
    await store(database, (7, 5), (8, 5))
    assert await take(database, 5, LEASE) == 7
    async with database.transaction() as connection:
        await inbox.mark_handled(connection, 7, NOW)
    assert await take(database, 5, LEASE) is None
    await finish(database, 7)
    assert await take(database, 5, LEASE) == 8


async def test_when_a_lease_is_over_another_process_takes_the_same_update(database: Database) -> None:
    await store(database, (7, 5), (8, 5))
    assert await take(database, 5, OVER) == 7
    assert await take(database, 5, LEASE) == 7


async def test_processes_that_take_at_the_same_time_never_take_from_the_same_chat(database: Database) -> None:
    await store(database, *((number, 5 + number % 3) for number in range(30)))
    taken = await asyncio.gather(*(take(database, chat_id, LEASE) for chat_id in (5, 6, 7) for _ in range(4)))
    assert sorted(update_id for update_id in taken if update_id is not None) == [0, 1, 2]


async def test_handled_updates_are_remembered_for_two_days_and_what_they_said_is_not(database: Database) -> None:
    await store(database, (7, 5), (8, 5), (9, 5))
    await finish(database, 7)
    async with database.transaction() as connection:
        await inbox.mark_handled(connection, 8, NOW + timedelta(days=1))
        assert await inbox.forget_handled(connection, NOW + timedelta(days=2, hours=1)) == 1
        assert await inbox.forget_handled(connection, NOW + timedelta(days=4)) == 1
    assert await take(database, 5) == 9


async def test_what_was_said_is_dropped_though_its_process_was_killed_before_the_answer(database: Database) -> None:
    await store(database, (7, 5), (8, 6))
    async with database.transaction() as connection:
        await inbox.mark_handled(connection, 7, NOW)
        await inbox.forget_handled(connection, NOW + timedelta(minutes=9))
        bodies = select(received_update.c.update_id).where(received_update.c.body.is_not(None))
        assert set((await connection.execute(bodies)).scalars()) == {7, 8}
        await inbox.forget_handled(connection, NOW + timedelta(minutes=11))
        assert set((await connection.execute(bodies)).scalars()) == {8}
