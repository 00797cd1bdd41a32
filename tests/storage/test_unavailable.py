"""Whatever keeps a database from being used is one line that says what it is and what to do."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from storage.database import Database
from storage.migrate import migrate
from storage.unavailable import DatabaseAwayError, DatabaseUnavailableError
from tests.postgresql import PASSWORD_USER, Server

FIRST_PAGES = 4 * 4_096


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch") / "cascade.db"


async def start(url: str) -> None:
    """Do with the database what the bot does first."""
    async with Database(url) as database:
        await database.check()
        await migrate(database)


async def refusal(url: str) -> str:
    """Return why the database cannot be used."""
    with pytest.raises(DatabaseUnavailableError) as caught:
        await start(url)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def started_or_refused(scratch: Path, content: bytes) -> None:
    """Start on a file with this content: it can be used, or one line says why not."""
    scratch.write_bytes(content)
    for beside in ("-wal", "-shm"):
        scratch.with_name(scratch.name + beside).unlink(missing_ok=True)
    said = ""
    try:
        asyncio.run(start(f"sqlite+aiosqlite:///{scratch}"))
    except DatabaseUnavailableError as error:
        said = str(error)
    assert not said or (len(said.splitlines()) == 1 and said.startswith("DATABASE_URL: "))


class TestDamage:
    @settings(max_examples=60, deadline=None)
    @given(position=st.integers(0, FIRST_PAGES - 1), flipped=st.integers(1, 255))
    def test_any_byte_of_the_first_pages(self, scratch: Path, migrated: Path, position: int, flipped: int) -> None:
        content = bytearray(migrated.read_bytes())
        content[position] ^= flipped
        started_or_refused(scratch, bytes(content))

    @settings(max_examples=60, deadline=None)
    @given(data=st.data())
    def test_any_length(self, scratch: Path, migrated: Path, data: st.DataObject) -> None:
        content = migrated.read_bytes()
        started_or_refused(scratch, content[: data.draw(st.integers(1, len(content) - 1))])

    @settings(max_examples=60, deadline=None)
    @given(data=st.data())
    def test_any_page_overwritten(self, scratch: Path, migrated: Path, data: st.DataObject) -> None:
        content = bytearray(migrated.read_bytes())
        page = 4_096 * data.draw(st.integers(0, len(content) // 4_096 - 1))
        content[page : page + 4_096] = data.draw(st.sampled_from((bytes(4_096), b"\xff" * 4_096)))
        started_or_refused(scratch, bytes(content))

    async def test_a_page_that_nothing_reads_at_the_start_is_found(self, sqlite_url: str) -> None:
        path = Path(sqlite_url.removeprefix("sqlite+aiosqlite:///"))
        content = path.read_bytes()
        path.write_bytes(content[:-4_096] + b"\xff" * 4_096)
        found = await refusal(sqlite_url)
        assert found.startswith(f"DATABASE_URL: {sqlite_url} is damaged (")
        assert found.endswith(": restore a backup with: python -m bot restore FILE")


class TestFiles:
    async def test_a_file_that_is_no_database(self, tmp_path: Path) -> None:
        path = tmp_path / "notes.txt"
        path.write_text("these are notes and no database, and there are enough of them to tell" * 20)
        url = f"sqlite+aiosqlite:///{path}"
        assert (await refusal(url)).startswith(f"DATABASE_URL: {url} is no SQLite database (file is not")

    async def test_a_folder_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        assert "file/x.db cannot be used (" in await refusal(f"sqlite+aiosqlite:///{tmp_path}/file/x.db")

    async def test_a_folder_that_cannot_be_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        # Root, who may run the tests, may write everywhere.
        def refused(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("os.open", refused)
        found = await refusal(f"sqlite+aiosqlite:///{tmp_path}/cascade.db")
        assert "cascade.db cannot be written ([Errno 13] Permission denied): " in found
        assert found.endswith("let the user who runs this write the file and its folder")

    async def test_a_lock_that_is_a_link_is_not_followed_and_what_it_leads_to_stays(self, tmp_path: Path) -> None:
        (tmp_path / "precious").write_text("of somebody else")
        (tmp_path / "cascade.db.lock").symlink_to(tmp_path / "precious")
        found = await refusal(f"sqlite+aiosqlite:///{tmp_path}/cascade.db")
        assert found.endswith("its .lock is a symbolic link: remove that")
        assert (tmp_path / "precious").read_text() == "of somebody else"

    async def test_a_disk_that_is_full(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        # SQLite meets this limit as it meets the end of a disk.
        monkeypatch.setattr("storage.database._PRAGMAS", ("PRAGMA max_page_count = 3",))
        found = await refusal(f"sqlite+aiosqlite:///{tmp_path}/cascade.db")
        assert found.endswith("cannot be written (database or disk is full): the disk is full: free some of it")

    async def test_a_file_that_may_only_be_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("storage.database._PRAGMAS", ("PRAGMA query_only = ON",))
        found = await refusal(f"sqlite+aiosqlite:///{tmp_path}/cascade.db")
        assert found.endswith("let the user who runs this write the file and its folder")

    async def test_what_could_not_be_opened_can_be_tried_again(self, tmp_path: Path) -> None:
        path = tmp_path / "cascade.db"
        path.write_text("not yet a database, and long enough to show it" * 20)
        database = Database(f"sqlite+aiosqlite:///{path}")
        with pytest.raises(DatabaseUnavailableError):
            await database.__aenter__()
        path.unlink()
        async with database:
            await migrate(database)


class TestNewerSchema:
    async def test_a_database_that_a_newer_version_wrote(self, either_url: str) -> None:
        async def set_revision(revision: str) -> str:
            async with Database(either_url) as database, database.transaction() as connection:
                before = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar_one()
                await connection.execute(text(f"UPDATE alembic_version SET version_num = '{revision}'"))
            return str(before)

        ours = await set_revision("9999")
        found = await refusal(either_url)
        assert await set_revision(ours) == "9999"
        assert f" has the schema 9999, and this version of the program knows none after {ours}: " in found
        assert "run the version that wrote it, or restore a backup with: python -m bot restore FILE" in found


class TestPostgreSQL:
    async def test_a_server_that_is_not_there(self, tmp_path: Path) -> None:
        url = f"postgresql+asyncpg://me:sesame@/cascade?host={tmp_path}"
        with pytest.raises(DatabaseAwayError, match=r"DATABASE_URL: .*me:\*\*\*@.* cannot be reached \(") as caught:
            await start(url)
        assert "sesame" not in str(caught.value)

    async def test_a_database_that_is_not_there(self, postgresql: Server) -> None:
        found = await refusal(postgresql.url("nowhere"))
        assert 'is not there (database "nowhere" does not exist): create it' in found

    @pytest.mark.parametrize("where", ["postgres:sesame@/postgres?", "postgres@/postgres?password=sesame&"])
    async def test_a_wrong_password_is_not_shown(self, postgresql: Server, where: str) -> None:
        connection = await asyncpg.connect(host=str(postgresql.folder), user="postgres", database="postgres")
        try:
            await connection.execute(f"DROP ROLE IF EXISTS {PASSWORD_USER}")
            await connection.execute(f"CREATE ROLE {PASSWORD_USER} LOGIN PASSWORD 'open'")
        finally:
            await connection.close()
        where = where.replace("postgres", PASSWORD_USER, 1)
        found = await refusal(f"postgresql+asyncpg://{where}host={postgresql.folder}")
        assert 'does not let this user in (password authentication failed for user "locked")' in found
        assert "sesame" not in found

    async def test_a_user_who_may_make_no_tables(self, postgresql: Server) -> None:
        connection = await asyncpg.connect(host=str(postgresql.folder), user="postgres", database="postgres")
        try:
            await connection.execute("DROP ROLE IF EXISTS reader")
            await connection.execute("CREATE ROLE reader LOGIN")
        finally:
            await connection.close()
        found = await refusal(postgresql.url("postgres").replace("postgres@", "reader@"))
        assert "does not let this user make its tables (" in found
