"""One main process on a PostgreSQL, workers that are counted, and connections that are lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from storage import process_roles
from storage.database import Database, DatabaseInUseError
from storage.process_roles import Role

MAIN, WORKER = "main process", "delivery worker"


@pytest.fixture
async def one(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """One process's way to the database; a role is looked after all the time."""
    monkeypatch.setattr(process_roles, "_PROBE", 0.01)
    async with Database(postgresql_url) as database:
        yield database


@pytest.fixture
async def two(one: Database) -> AsyncIterator[Database]:
    """Another one's."""
    async with Database(one.url.render_as_string(hide_password=False)) as database:
        yield database


async def cut_holders(database: Database) -> None:
    """End the sessions that hold a role, as a restart of the server or of a router between would."""
    holders = "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND granted"
    async with database.transaction() as connection:
        await connection.execute(text(holders))


async def held_by(database: Database) -> set[int]:
    """Return the sessions that hold a role."""
    async with database.transaction() as connection:
        query = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
        return set((await connection.execute(text(query))).scalars())


async def until_held_anew(database: Database, before: set[int]) -> None:
    async with asyncio.timeout(10):
        while len(now := await held_by(database)) != len(before) or now & before:
            await asyncio.sleep(0.01)


async def until_in_line(database: Database) -> None:
    """Wait until somebody waits for a role."""
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    async with asyncio.timeout(10):
        while True:
            async with database.transaction() as connection:
                if (await connection.execute(text(waiting))).scalar_one():
                    return


async def is_free(database: Database, name: str) -> bool:
    try:
        async with Role(database, name, alone=True):
            return True
    except DatabaseInUseError:
        return False


async def test_a_role_for_one_is_refused_to_a_second_and_free_after_the_first(one: Database, two: Database) -> None:
    for name in (MAIN, "another"):
        async with Role(one, name, alone=True):
            with pytest.raises(DatabaseInUseError, match=f"another Cascade process is the {name}"):
                async with Role(two, name, alone=True):
                    pass
        async with Role(two, name, alone=True):
            pass


async def test_who_shares_a_role_is_counted(one: Database, two: Database) -> None:
    async with Role(one, WORKER) as mine:
        assert await mine.members() == 1
        async with Role(two, WORKER), Role(two, "other") as other:
            assert (await mine.members(), await other.members()) == (2, 1)
        async with asyncio.timeout(10):
            while await mine.members() != 1:
                await asyncio.sleep(0.01)


async def test_a_role_whose_connection_was_lost_is_taken_again(one: Database, two: Database) -> None:
    async with Role(one, MAIN, alone=True) as role:
        before, keeping = await held_by(two), asyncio.create_task(role.keep())
        await cut_holders(two)
        await until_held_anew(two, before)
        assert not await is_free(two, MAIN)
        assert not keeping.done()
        keeping.cancel()


async def test_a_worker_that_was_lost_is_counted_again(one: Database, two: Database) -> None:
    async with Role(one, WORKER) as mine, Role(two, WORKER) as other:
        before = await held_by(two)
        await cut_holders(two)
        keeping = [asyncio.create_task(role.keep()) for role in (mine, other)]
        await until_held_anew(two, before)
        assert await mine.members() == 2
        for task in keeping:
            task.cancel()


async def test_whoever_lost_it_ends_when_another_has_it_meanwhile(one: Database, two: Database) -> None:
    async with Role(one, MAIN, alone=True) as role:
        await cut_holders(two)
        async with Role(two, MAIN, alone=True):
            with pytest.raises(DatabaseInUseError, match="another Cascade process is the main process"):
                async with asyncio.timeout(10):
                    await role.keep()


async def test_a_session_of_its_own_that_the_server_believes_alive_is_in_nobody_s_way(
    one: Database, two: Database
) -> None:
    async with Role(one, MAIN, alone=True) as role:
        # The network lost it: we know, and the server does not.
        before, believed_alive, role._connection = await held_by(two), role._connection, None
        keeping = asyncio.create_task(role.keep())
        await until_held_anew(two, before)
        assert not keeping.done()
        keeping.cancel()
        assert believed_alive is not None
        await believed_alive.invalidate()
        await believed_alive.close()


async def test_while_the_database_is_away_it_is_waited_for(
    one: Database, two: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, failures = one.connect, [ConnectionRefusedError(), TimeoutError()]

    async def away() -> object:
        if failures:
            raise failures.pop()
        return await connect()

    async with Role(one, MAIN, alone=True) as role:
        monkeypatch.setattr(one, "connect", away)
        before, keeping = await held_by(two), asyncio.create_task(role.keep())
        await cut_holders(two)
        await until_held_anew(two, before)
        assert not failures
        keeping.cancel()


async def test_on_sqlite_there_is_only_this_one(tmp_path: Path) -> None:
    async with (
        Database(f"sqlite+aiosqlite:///{tmp_path}/one.db") as sqlite,
        Role(sqlite, MAIN, alone=True),
        Role(sqlite, WORKER) as role,
    ):
        assert await role.members() == 1
