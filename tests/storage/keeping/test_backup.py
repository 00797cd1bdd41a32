"""A backup is whole, and a restore leaves the old or the new: whatever lies beside, whenever it is killed."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, text
from sqlalchemy.engine import URL

from storage.chain.verify import verify
from storage.database import Database, DatabaseInUseError, parse_url, read_only, run_until_complete
from storage.keeping.backup import BackupError, back_up, restore
from storage.schema import chat
from storage.unavailable import DatabaseUnavailableError
from tests.storage.chain.evenings import live_evenings
from tests.storage.keeping.restoring_killed import chats

ROOT = Path(__file__).parents[3]


def url_of(path: Path) -> URL:
    return parse_url(f"sqlite+aiosqlite:///{path}")


async def add_chats(database: Database, *numbers: int) -> None:
    async with database.transaction() as connection:
        for number in numbers:
            await connection.execute(insert(chat).values(id=number, type="private"))


@pytest.fixture
def path(tmp_path: Path, migrated: Path) -> Path:
    """A database in a folder of its own."""
    path = tmp_path / "data" / "cascade.db"
    path.parent.mkdir()
    shutil.copy(migrated, path)
    return path


@pytest.fixture
def copy(tmp_path: Path, migrated: Path) -> Path:
    """A backup with the one chat 3."""
    path = tmp_path / "copy.db"
    shutil.copy(migrated, path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO chat (id, type) VALUES (3, 'private')")
        connection.commit()
    return path


@pytest.fixture
def killed(path: Path) -> Path:
    """A database whose chats 1 and 2 are only in the ``-wal`` beside it, as after a kill."""
    folder = path.parent.with_name("killed")

    async def write() -> None:
        async with Database(str(url_of(path))) as database:
            await add_chats(database, 1, 2)
            shutil.copytree(path.parent, folder)

    asyncio.run(write())
    assert (folder / "cascade.db-wal").stat().st_size > 0
    return folder / "cascade.db"


def names(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir())


class TestBackup:
    async def test_it_has_what_was_committed_while_the_bot_runs_and_is_one_file(self, path: Path) -> None:
        to = path.parent.with_name("backups") / "new.db"
        to.parent.mkdir()
        async with Database(str(url_of(path))) as database:
            await add_chats(database, 1)
            async with database.transaction() as connection:
                await connection.execute(insert(chat).values(id=2, type="private"))
                # Neither waits for the other, and what is not committed is not in it.
                made = await asyncio.to_thread(back_up, database.url, to)
        assert (made.path, made.newest_session, made.misfit) == (to, None, None)
        assert names(to) == ["new.db"]
        assert chats(to) == [1]
        assert names(to) == ["new.db"]

    def test_it_says_which_session_was_the_last(self, path: Path, tmp_path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(
                "INSERT INTO verdict (session, decided_at, backfilled, method_version, body) "
                "VALUES ('2020-11-13', '2020-11-13 22:30:00', 1, '3', x'00')"
            )
            connection.commit()
        assert back_up(url_of(path), tmp_path / "new.db").newest_session == "2020-11-13"
        assert restore(url_of(path), tmp_path / "new.db") == "2020-11-13"

    def test_no_file_is_written_over(self, path: Path) -> None:
        before = path.read_bytes()
        with pytest.raises(BackupError, match="there is such a file already: name a new one"):
            back_up(url_of(path), path)
        assert path.read_bytes() == before

    def test_a_database_with_any_page_damaged_gives_no_backup(self, path: Path, tmp_path: Path) -> None:
        whole = path.read_bytes()
        for begin in range(0, len(whole), 4_096):
            path.write_bytes(whole[:begin] + b"\xff" * 4_096 + whole[begin + 4_096 :])
            with pytest.raises(BackupError, match=r"cascade\.db (is damaged|cannot be copied to .*) \("):
                back_up(url_of(path), tmp_path / "new.db")
            assert [file.name for file in tmp_path.iterdir()] == ["data"]

    def test_without_a_database_or_a_folder_there_is_none(self, path: Path, tmp_path: Path) -> None:
        with pytest.raises(BackupError, match=r"there is no database .*nothing\.db to copy"):
            back_up(url_of(tmp_path / "nothing.db"), tmp_path / "new.db")
        with pytest.raises(BackupError, match=r"there is no folder .*nowhere"):
            back_up(url_of(path), tmp_path / "nowhere" / "new.db")

    def test_postgresql_has_programs_of_its_own(self, copy: Path) -> None:
        for command in (back_up, restore):
            with pytest.raises(BackupError, match="pg_dump and pg_restore"):
                command(parse_url("postgresql+asyncpg://me:sesame@host/cascade"), copy)


class TestTheLiveRecord:
    def verified(self, path: Path) -> Sequence[Any]:
        async def read() -> Sequence[Any]:
            async with read_only(url_of(path)) as connection:
                return await verify(connection)

        return run_until_complete(read())

    @pytest.fixture
    def live(self, path: Path) -> Path:
        """The database, with two live evenings in it."""

        async def write() -> None:
            async with Database(str(url_of(path))) as database:
                await live_evenings(database)

        run_until_complete(write())
        return path

    def test_its_chain_survives_a_backup_and_a_restore(self, live: Path, tmp_path: Path) -> None:
        before = self.verified(live)
        back_up(url_of(live), tmp_path / "new.db")
        live.unlink()
        restore(url_of(live), tmp_path / "new.db")
        assert self.verified(live) == before

    def test_one_that_somebody_changed_is_copied_and_said_and_not_restored(self, live: Path, tmp_path: Path) -> None:
        with closing(sqlite3.connect(live)) as connection:
            connection.execute("DELETE FROM outcome WHERE id = 2")
            connection.commit()
        made = back_up(url_of(live), tmp_path / "new.db")
        assert made.misfit is not None
        assert made.misfit.startswith("row 6 of the chain, outcome 2, was deleted")
        with pytest.raises(BackupError, match=r"new\.db holds a live record that somebody changed: row 6 of the chain"):
            restore(url_of(tmp_path / "data" / "cascade.db"), tmp_path / "new.db")


class TestWhoMayRead:
    def test_a_backup_and_what_is_restored_is_for_whom_the_database_was(self, path: Path, tmp_path: Path) -> None:
        path.chmod(0o640)
        back_up(url_of(path), tmp_path / "new.db")
        assert (tmp_path / "new.db").stat().st_mode & 0o777 == 0o640
        # A backup that nobody may write, too, becomes a database that the bot can.
        (tmp_path / "new.db").chmod(0o444)
        restore(url_of(path), tmp_path / "new.db")
        assert path.stat().st_mode & 0o777 == 0o640

    def test_a_database_made_of_a_backup_is_for_its_owner(self, copy: Path, tmp_path: Path) -> None:
        restore(url_of(tmp_path / "cascade.db"), copy)
        assert (tmp_path / "cascade.db").stat().st_mode & 0o777 == 0o600


class TestRestore:
    def test_nothing_that_lies_beside_the_old_database_gets_into_the_new(self, killed: Path, copy: Path) -> None:
        restore(url_of(killed), copy)
        assert chats(killed) == [3]
        assert names(killed) == ["cascade.db", "cascade.db.lock"]

    def test_where_a_link_leads_to_the_database_the_link_stays(self, killed: Path, copy: Path, tmp_path: Path) -> None:
        link = tmp_path / "link.db"
        link.symlink_to(killed)
        restore(url_of(link), copy)
        assert link.is_symlink()
        assert chats(link) == chats(killed) == [3]

    def test_a_copy_over_the_database_was_not_used(self, killed: Path, copy: Path) -> None:
        # What SQLite does with a file that somebody copied there by hand: it takes the old -wal for a part of it.
        shutil.copy(copy, killed)
        with closing(sqlite3.connect(killed)) as connection:
            assert connection.execute("SELECT id FROM chat").fetchall() != [(3,)]
        restore(url_of(killed), copy)
        assert chats(killed) == [3]

    @pytest.mark.parametrize("damaged", [False, True])
    def test_killed_at_any_line_it_leaves_the_old_or_the_new(self, killed: Path, copy: Path, damaged: bool) -> None:
        beside = ["cascade.db.lock"]
        if damaged:
            killed.write_bytes(b"no database any more" * 999)
            beside = ["cascade.db.damaged", "cascade.db.damaged-shm", "cascade.db.damaged-wal", *beside]
        command = [sys.executable, "-m", "tests.storage.keeping.restoring_killed", str(killed.parent), str(copy)]
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
        held, restored, files = zip(*(line.split("; ") for line in ran.stdout.splitlines()), strict=True)
        # The old until it is the new, and then never the old again.
        assert [state for state, _ in groupby(held)] == ["damaged" if damaged else "[1, 2]", "[3]"]
        assert set(restored) == {"[3]"}
        assert set(files) == {str(["cascade.db", *beside])}

    def test_a_backup_with_a_wal_of_its_own_is_read_with_it(self, killed: Path, path: Path) -> None:
        restore(url_of(path), killed)
        assert chats(path) == [1, 2]

    async def test_beside_a_running_bot_it_is_refused(self, path: Path, copy: Path) -> None:
        async with Database(str(url_of(path))) as database:
            with pytest.raises(DatabaseInUseError, match="stop that one first"):
                restore(url_of(path), copy)
            await add_chats(database, 1)
        assert chats(path) == [1]

    def test_beside_another_program_that_reads_it_is_refused(
        self, path: Path, copy: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("storage.keeping.backup._PATIENCE", 0.0)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN")
            other.execute("SELECT * FROM chat").fetchall()
            with pytest.raises(DatabaseUnavailableError, match=r"is locked .* end the other program"):
                restore(url_of(path), copy)
        assert chats(path) == []

    def test_a_new_database_is_made_of_it_where_there_is_none(self, tmp_path: Path, copy: Path) -> None:
        new = tmp_path / "new" / "cascade.db"
        new.parent.mkdir()
        new.with_name("cascade.db-wal").write_bytes(b"of one that was deleted")
        restore(url_of(new), copy)
        assert chats(new) == [3]

    @settings(max_examples=60, deadline=None)
    @given(position=st.integers(0, 99), flipped=st.integers(1, 255))
    def test_whatever_is_in_the_place_of_the_database_it_is_replaced(
        self, tmp_path_factory: pytest.TempPathFactory, migrated: Path, position: int, flipped: int
    ) -> None:
        path = tmp_path_factory.mktemp("damaged") / "cascade.db"
        content = bytearray(migrated.read_bytes())
        content[position] ^= flipped
        path.write_bytes(content)
        restore(url_of(path), migrated)
        assert chats(path) == []

    def test_a_database_that_cannot_be_read_is_kept(self, killed: Path, copy: Path) -> None:
        killed.write_bytes(b"no database any more, but perhaps somebody can read something out of it" * 99)
        before = {suffix: Path(f"{killed}{suffix}").read_bytes() for suffix in ("", "-wal")}
        restore(url_of(killed), copy)
        assert chats(killed) == [3]
        assert {suffix: Path(f"{killed}.damaged{suffix}").read_bytes() for suffix in before} == before


class TestWhatIsNoBackup:
    def refused(self, path: Path, file: Path) -> str:
        before = path.read_bytes()
        with pytest.raises(BackupError) as caught:
            restore(url_of(path), file)
        assert path.read_bytes() == before
        assert names(path) in (["cascade.db"], ["cascade.db", "cascade.db.lock"])
        assert len(str(caught.value).splitlines()) == 1
        return str(caught.value)

    def test_a_file_that_is_not_there(self, path: Path, tmp_path: Path) -> None:
        assert self.refused(path, tmp_path / "no.db") == f"FILE is {tmp_path}/no.db, and there is no such file"

    def test_the_database_itself(self, path: Path) -> None:
        assert self.refused(path, path) == f"FILE is {path}, which is the database itself"

    def test_another_kind_of_file(self, path: Path, tmp_path: Path) -> None:
        (tmp_path / "notes").write_text("these are notes" * 99)
        assert "(file is not a database)" in self.refused(path, tmp_path / "notes")

    def test_the_database_of_another_program(self, path: Path, tmp_path: Path) -> None:
        with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
            connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        assert self.refused(path, tmp_path / "other.db") == f"{tmp_path}/other.db is not a database of Cascade"

    async def test_one_that_a_newer_version_wrote(self, path: Path, copy: Path) -> None:
        async with Database(str(url_of(copy))) as database, database.transaction() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        assert "has the schema 9999, and this version of the program knows none after" in self.refused(path, copy)

    @settings(max_examples=60, deadline=None)
    @given(data=st.data())
    def test_one_that_was_cut_off(
        self, tmp_path_factory: pytest.TempPathFactory, migrated: Path, data: st.DataObject
    ) -> None:
        folder = tmp_path_factory.mktemp("cut")
        shutil.copy(migrated, folder / "cascade.db")
        content = migrated.read_bytes()
        cut = folder.with_name(f"{folder.name}.db")
        # SQLite reads what is missing of a page as zeros: a cut within those at the end of the last page cuts nothing.
        cut.write_bytes(content[: data.draw(st.integers(0, len(content.rstrip(b"\0")) - 1))])
        self.refused(folder / "cascade.db", cut)
