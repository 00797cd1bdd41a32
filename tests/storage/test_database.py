"""One connection, one writer at a time, explicit transactions; each test proves one rule of them."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import threading
import warnings
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from storage.database import (
    Database,
    DatabaseInUseError,
    DatabaseURLError,
    parse_url,
    read_only,
)
from storage.migrate import migrate, newest_revision
from storage.schema import chat, metadata
from storage.unavailable import DatabaseUnavailableError


async def chats(database: Database) -> int:
    async with database.transaction() as connection:
        return int((await connection.execute(select(func.count()).select_from(chat))).scalar_one())


@pytest.fixture
async def sqlite(database_url: str) -> AsyncIterator[Database]:
    """An empty SQLite database, for the rules that only it has."""
    async with Database(database_url) as database:
        yield database


class TestTransactions:
    async def test_what_is_committed_is_seen_by_another_connection(self, database: Database) -> None:
        async with database.transaction() as connection:
            await connection.execute(insert(chat).values(id=1, type="private"))
        async with read_only(database.url.render_as_string(hide_password=False)) as reader:
            assert (await reader.execute(select(chat.c.id))).scalars().all() == [1]

    async def test_an_exception_rolls_everything_back(self, database: Database) -> None:
        with pytest.raises(RuntimeError, match="half way"):
            async with database.transaction() as connection:
                await connection.execute(insert(chat).values(id=1, type="private"))
                raise RuntimeError("half way")
        assert await chats(database) == 0

    async def test_a_failing_statement_rolls_everything_back(self, database: Database) -> None:
        with pytest.raises(IntegrityError):
            async with database.transaction() as connection:
                await connection.execute(insert(chat).values(id=1, type="private"))
                await connection.execute(insert(chat).values(id=1, type="private"))
        assert await chats(database) == 0

    async def test_a_cancelled_task_leaves_no_transaction_open(self, database: Database) -> None:
        began = asyncio.Event()

        async def never_ends() -> None:
            async with database.transaction() as connection:
                await connection.execute(insert(chat).values(id=1, type="private"))
                began.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(never_ends())
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await chats(database) == 0

    @pytest.mark.parametrize("steps", range(0, 60, 3))
    async def test_a_task_cancelled_in_the_middle_of_a_statement_leaves_no_transaction_open(
        self, sqlite: Database, steps: int
    ) -> None:
        async def write() -> None:
            for number in range(100):
                async with sqlite.transaction() as connection:
                    await connection.execute(insert(chat).values(id=2 * number, type="private"))
                    await connection.execute(insert(chat).values(id=2 * number + 1, type="private"))

        task = asyncio.create_task(write())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # Both of a transaction or none, the lock is free, and the connection is still the same.
        other = sqlite3.connect(str(sqlite.url.database), timeout=0, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert other.execute("SELECT count(*) FROM chat").fetchone()[0] % 2 == 0
        other.close()
        assert await chats(sqlite) % 2 == 0

    async def test_a_time_limit_around_a_transaction_is_still_a_time_limit(self, sqlite: Database) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                while True:
                    await chats(sqlite)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    async def test_two_tasks_never_share_one(self, database: Database) -> None:
        async def write(chat_id: int, fail: bool) -> None:
            async with database.transaction() as connection:
                await connection.execute(insert(chat).values(id=chat_id, type="private"))
                await asyncio.sleep(0)
                if fail:
                    raise RuntimeError

        await asyncio.gather(*(write(i, i % 2 == 0) for i in range(10)), return_exceptions=True)
        assert await chats(database) == 5

    async def test_who_does_not_give_way_waits_for_one_of_those_that_do(self, sqlite: Database) -> None:
        ended = []

        async def write(name: str, gives_way: bool) -> None:
            async with sqlite.transaction(gives_way=gives_way) as connection:
                await connection.execute(select(chat.c.id))
            ended.append(name)

        async with sqlite.transaction():
            giving_way = [asyncio.create_task(write(f"way {number}", True)) for number in range(3)]
            await asyncio.sleep(0)
            other = asyncio.create_task(write("other", False))
            await asyncio.sleep(0)
        await asyncio.gather(*giving_way, other)
        assert ended == ["way 0", "other", "way 1", "way 2"]

    async def test_its_first_statement_takes_the_write_lock_though_it_only_reads(self, sqlite: Database) -> None:
        other = sqlite3.connect(str(sqlite.url.database), timeout=0, isolation_level=None)
        async with sqlite.transaction() as connection:
            await connection.execute(select(chat.c.id))
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
        other.close()

    async def test_one_that_begins_with_many_rows_is_rolled_back_with_all_of_them(self, database: Database) -> None:
        with pytest.raises(RuntimeError):
            async with database.transaction() as connection:
                await connection.execute(insert(chat), [{"id": number, "type": "private"} for number in (1, 2)])
                raise RuntimeError
        assert await chats(database) == 0

    async def test_one_that_cannot_be_begun_stores_nothing_whatever_is_made_of_the_error(
        self, sqlite: Database
    ) -> None:
        async with sqlite.transaction() as connection:
            await connection.execute(text("PRAGMA busy_timeout = 0"))
        other = sqlite3.connect(str(sqlite.url.database), timeout=0, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(RuntimeError):
            async with sqlite.transaction() as connection:
                with suppress(DBAPIError):
                    await connection.execute(insert(chat).values(id=1, type="private"))
                other.execute("ROLLBACK")
                await connection.execute(insert(chat).values(id=2, type="private"))
                raise RuntimeError
        other.close()
        assert await chats(sqlite) == 0

    @pytest.mark.parametrize("fails", [False, True])
    async def test_one_without_statements_leaves_nothing_to_the_next(self, database: Database, fails: bool) -> None:
        with suppress(RuntimeError):
            async with database.transaction():
                if fails:
                    raise RuntimeError
        async with database.reading() as reader:
            assert (await reader.execute(select(chat.c.id))).scalars().all() == []
        async with database.transaction() as connection:
            await connection.execute(insert(chat).values(id=1, type="private"))
        assert await chats(database) == 1

    async def test_the_pragmas_of_the_design_are_set(self, sqlite: Database) -> None:
        async with sqlite.transaction() as connection:
            found = {
                name: (await connection.execute(text(f"PRAGMA {name}"))).scalar_one()
                for name in (
                    "journal_mode",
                    "synchronous",
                    "wal_autocheckpoint",
                    "foreign_keys",
                    "busy_timeout",
                    "auto_vacuum",
                )
            }
        assert found == {
            "journal_mode": "wal",
            "synchronous": 2,
            "wal_autocheckpoint": 200,
            "foreign_keys": 1,
            "busy_timeout": 10000,
            "auto_vacuum": 2,
        }

    async def test_a_closed_database_says_so(self, database_url: str) -> None:
        closed = Database(database_url)
        with pytest.raises(RuntimeError, match="not open"):
            async with closed.transaction():
                pass


class TestReading:
    async def test_a_reader_does_not_wait_for_a_writer_and_sees_what_was_committed(self, database: Database) -> None:
        async with database.transaction() as connection:
            await connection.execute(insert(chat).values(id=1, type="private"))
        async with database.transaction() as connection:
            await connection.execute(insert(chat).values(id=2, type="private"))
            async with asyncio.timeout(5), database.reading() as reader:
                assert (await reader.execute(select(chat.c.id))).scalars().all() == [1]

    async def test_a_reader_that_begins_after_a_commit_sees_it(self, database: Database) -> None:
        for number in range(1, 20):
            async with database.transaction() as connection:
                await connection.execute(insert(chat).values(id=number, type="private"))
            async with database.reading() as reader:
                assert (await reader.execute(select(func.count()).select_from(chat))).scalar_one() == number

    async def test_a_reader_cannot_write(self, database: Database) -> None:
        with pytest.raises(DBAPIError, match=r"read.?only"):
            async with database.reading() as reader:
                await reader.execute(insert(chat).values(id=1, type="private"))
        assert await chats(database) == 0

    async def test_a_writer_can_write_after_a_reader(self, database: Database) -> None:
        async with database.reading() as reader:
            await reader.execute(select(chat.c.id))
        async with database.transaction() as connection:
            await connection.execute(insert(chat).values(id=1, type="private"))
        assert await chats(database) == 1

    async def test_statements_of_one_reader_see_one_state(self, sqlite: Database) -> None:
        async with sqlite.reading() as reader:
            assert (await reader.execute(select(chat.c.id))).scalars().all() == []
            async with sqlite.transaction() as connection:
                await connection.execute(insert(chat).values(id=1, type="private"))
            assert (await reader.execute(select(chat.c.id))).scalars().all() == []

    @pytest.mark.parametrize("steps", range(0, 24, 3))
    async def test_a_cancelled_reader_leaves_the_others_reading(self, sqlite: Database, steps: int) -> None:
        async def read() -> None:
            while True:
                async with sqlite.reading() as reader:
                    await reader.execute(select(chat.c.id))

        task = asyncio.create_task(read())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with sqlite.transaction() as connection:
            await connection.execute(insert(chat).values(id=1, type="private"))
        async with sqlite.reading() as reader:
            assert (await reader.execute(select(chat.c.id))).scalars().all() == [1]

    async def test_a_folder_with_signs_that_mean_something_in_an_address_can_be_read(self, tmp_path: Path) -> None:
        async with Database(f"sqlite+aiosqlite:///{tmp_path}/what? 100%25 #1/cascade.db") as database:
            await migrate(database)
            async with database.reading() as reader:
                assert (await reader.execute(select(chat.c.id))).scalars().all() == []


class TestOpening:
    @pytest.mark.parametrize("opens", [True, False])
    async def test_cancelled_it_ends_before_who_asked_for_it(
        self, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, opens: bool
    ) -> None:
        """Its thread would report to a loop that is closed by then, and what it opened would belong to nobody."""
        going, begun, connect = threading.Event(), threading.Event(), sqlite3.connect

        def slow(*args: Any, **kwargs: Any) -> sqlite3.Connection:
            begun.set()
            going.wait(10)
            return connect(*args, **kwargs) if opens else connect("/nowhere/at/all.db")

        monkeypatch.setattr(sqlite3, "connect", slow)
        before = set(threading.enumerate())
        opening = asyncio.create_task(Database(sqlite_url).__aenter__())
        while not begun.is_set():
            await asyncio.sleep(0)
        opening.cancel()
        for _ in range(5):
            await asyncio.sleep(0)
        assert not opening.done()
        going.set()
        with pytest.raises((asyncio.CancelledError, DatabaseUnavailableError)):
            await opening
        # It has reported, and ends a moment later.
        for thread in {*threading.enumerate()} - before:
            thread.join(10)
            assert not thread.is_alive()


class TestOneProcess:
    async def test_a_second_one_on_the_same_file_is_refused(self, sqlite: Database, database_url: str) -> None:
        with pytest.raises(DatabaseInUseError, match="in use by another Cascade process"):
            async with Database(database_url):
                pass

    async def test_after_the_first_is_closed_it_may(self, database_url: str) -> None:
        for _ in range(2):
            async with Database(database_url) as database:
                await migrate(database)

    async def test_the_child_reads_while_the_parent_writes(self, database: Database) -> None:
        async with database.transaction() as connection:
            await connection.execute(insert(chat).values(id=1, type="private"))
            async with read_only(database.url.render_as_string(hide_password=False)) as reader:
                assert (await reader.execute(select(func.count()).select_from(chat))).scalar_one() == 0

    async def test_the_child_cannot_write(self, database: Database) -> None:
        async with read_only(database.url.render_as_string(hide_password=False)) as reader:
            with pytest.raises(DBAPIError, match=r"read.?only"):
                await reader.execute(insert(chat).values(id=1, type="private"))

    async def test_the_folder_of_a_new_database_is_made(self, tmp_path: Path) -> None:
        async with Database(f"sqlite+aiosqlite:///{tmp_path}/deep/er/cascade.db") as database:
            await migrate(database)
        assert (tmp_path / "deep" / "er" / "cascade.db").exists()


async def test_nobody_else_may_read_the_database_whatever_the_mask_of_its_user(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        async with Database(f"sqlite+aiosqlite:///{tmp_path}/data/cascade.db") as database:
            await migrate(database)
            found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    finally:
        os.umask(before)
    files = [f"cascade.db{suffix}" for suffix in ("", "-wal", "-shm", ".lock")]
    assert found == {"data": 0o700} | dict.fromkeys(files, 0o600)


async def test_a_lock_file_that_has_something_in_it_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "cascade.db.lock").write_text("of somebody else")
    async with Database(f"sqlite+aiosqlite:///{tmp_path}/cascade.db"):
        pass
    assert (tmp_path / "cascade.db.lock").read_text() == "of somebody else"


class TestURL:
    @pytest.mark.parametrize(
        ("url", "sentence"),
        [
            ("nonsense", "cannot be read as a database URL"),
            ("mysql://host/db", "has the driver 'mysql', expected 'sqlite\\+aiosqlite' or 'postgresql\\+asyncpg'"),
            ("postgresql+asyncpg://somebody:secret@host", "names no database"),
            ("sqlite+aiosqlite:///:memory:", "names no file"),
            ("sqlite+aiosqlite://", "names no file"),
        ],
    )
    def test_one_it_cannot_use_is_named_with_an_example(self, url: str, sentence: str) -> None:
        with pytest.raises(DatabaseURLError, match=sentence + ".*for example sqlite"):
            parse_url(url)


class TestMigrations:
    async def test_they_make_the_tables_of_the_schema(self, database: Database) -> None:
        def differences(connection: Connection) -> list[object]:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            found = list(compare_metadata(context, metadata))
            # Comments are for the reader of the schema; no migration stores them.
            return [one for one in found if not (isinstance(one, list) and one[0][0] == "modify_comment")]

        async with database.transaction() as connection:
            with warnings.catch_warnings():
                # SQLite's reflection cannot see the expression index; the next test looks at it.
                warnings.filterwarnings("ignore", message=".*expression-based index")
                assert await connection.run_sync(differences) == []

    async def test_the_index_of_the_queue_is_there_and_used(self, sqlite: Database) -> None:
        claim = (
            "EXPLAIN QUERY PLAN SELECT id FROM delivery WHERE state = 'queued' "
            "ORDER BY urgent DESC, (chat_id > 0), alert_id, id LIMIT 1"
        )
        async with sqlite.transaction() as connection:
            plan = " ".join(str(row[-1]) for row in await connection.execute(text(claim)))
        assert "ix_delivery_queue" in plan
        assert "TEMP B-TREE" not in plan

    @pytest.mark.parametrize("wanted", ["shows IS NULL", "shows < '2020-11-13'"])
    async def test_so_is_that_of_the_boards(self, sqlite: Database, wanted: str) -> None:
        claim = (
            f"EXPLAIN QUERY PLAN SELECT id FROM board WHERE state = 'queued' AND {wanted} "
            "ORDER BY shows, (chat_id > 0), id LIMIT 1"
        )
        async with sqlite.transaction() as connection:
            plan = " ".join(str(row[-1]) for row in await connection.execute(text(claim)))
        assert "ix_board_queue" in plan
        assert "TEMP B-TREE" not in plan

    async def test_running_them_again_changes_nothing(self, database: Database) -> None:
        await migrate(database)
        await migrate(database)
        async with database.transaction() as connection:
            version = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalars().all()
        assert len(version) == 1

    async def test_the_newest_revision_is_the_one_alembic_calls_head(self, database: Database) -> None:
        config = Config()
        config.set_main_option("script_location", "storage/migrations")
        assert newest_revision() == ScriptDirectory.from_config(config).get_current_head()

    async def test_one_that_fails_leaves_the_database_as_it_was(self, tmp_path: Path) -> None:
        async with Database(f"sqlite+aiosqlite:///{tmp_path}/fresh.db") as database:
            async with database.transaction() as connection:
                await connection.execute(text("CREATE TABLE transition (in_the_way INTEGER)"))
            with pytest.raises(
                DatabaseUnavailableError, match=r"cannot be used \(.* already exists\): check DATABASE_URL"
            ):
                await migrate(database)
            async with database.transaction() as connection:
                tables = await connection.run_sync(lambda c: inspect(c).get_table_names())
        assert tables == ["transition"]
