"""Every release's database is brought to the newest schema with all that is in it, an interrupted one as well."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, inspect, select, text

from storage import migrate as migrating
from storage.chain.verify import verify
from storage.database import Database, run_until_complete
from storage.keeping.move import move
from storage.migrate import migrate, newest_revision
from storage.schema import metadata
from storage.unavailable import DatabaseUnavailableError
from tests.postgresql import Server
from tests.storage.chain.evenings import ROWS
from tests.storage.releases.make import FOLDER, version

RELEASES = sorted(FOLDER.glob("*.sql"))
NEXT = '''"""Made up: the revision after the newest one."""

import os
import signal

import sqlalchemy as sa
from alembic import op

revision, down_revision = "{next}", "{newest}"


def upgrade() -> None:
    op.add_column("chat", sa.Column("made_up", sa.Integer(), nullable=True))
    op.execute("UPDATE chat SET made_up = 7")
    if os.environ.get("INTERRUPTED") == "raise":
        raise RuntimeError("interrupted")
    if os.environ.get("INTERRUPTED") == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    op.create_table("made_up", sa.Column("id", sa.Integer(), primary_key=True))
'''


@pytest.fixture(params=RELEASES, ids=[path.stem for path in RELEASES])
def released(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database that a release wrote."""
    path = tmp_path / "released.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(request.param.read_text())
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
def following(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The revision of a version that comes after this one, in whose place this program runs."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrating._FOLDER, folder)
    newest = newest_revision()
    following = f"{int(newest) + 1:04}"
    (folder / "versions" / f"{following}_made_up.py").write_text(NEXT.format(next=following, newest=newest))
    monkeypatch.setattr(migrating, "_FOLDER", folder)
    return following


async def upgraded(url: str) -> None:
    async with Database(url) as database:
        await migrate(database)


async def state(url: str) -> tuple[str, int, bool]:
    """Return the revision of a database, the rows of its chain, which fits, and whether it has what was made up."""
    async with Database(url) as database, database.transaction() as connection:
        revision = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar_one()
        columns = await connection.run_sync(lambda sync: [one["name"] for one in inspect(sync).get_columns("chat")])
        return str(revision), len(await verify(connection)), "made_up" in columns


def test_this_version_is_kept() -> None:
    kept = FOLDER / f"{version()}.sql"
    assert kept.exists(), "make release keeps the database of this version"


async def test_it_opens_with_every_row_and_its_chain_fits(released: str) -> None:
    async with Database(released) as database:
        await migrate(database)
        async with database.transaction() as connection:
            counts = {
                table.name: (await connection.execute(select(func.count()).select_from(table))).scalar_one()
                for table in metadata.sorted_tables
            }
            assert len(await verify(connection)) == ROWS
    assert min(counts.values()) >= 1, counts


async def test_its_schema_becomes_that_of_a_new_database(released: str, migrated: Path) -> None:
    await upgraded(released)
    new = f"sqlite+aiosqlite:///{migrated}"
    assert await tables(released) == await tables(new), "make release, if the first schema changed before its release"


async def tables(url: str) -> dict[str, str]:
    """Return the definition of each table and index."""
    async with Database(url) as database, database.reading() as connection:
        rows = await connection.execute(text("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"))
        return {name: " ".join(str(sql).split()) for name, sql in rows}


async def test_the_next_version_upgrades_it(released: str, following: str) -> None:
    await upgraded(released)
    assert await state(released) == (following, ROWS, True)


async def test_an_upgrade_that_fails_half_way_changes_nothing_and_can_be_run_again(
    released: str, following: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await state(released)
    monkeypatch.setenv("INTERRUPTED", "raise")
    with pytest.raises(DatabaseUnavailableError, match="interrupted"):
        await upgraded(released)
    assert await state(released) == before
    monkeypatch.delenv("INTERRUPTED")
    await upgraded(released)
    assert await state(released) == (following, ROWS, True)


async def test_on_postgresql_it_changes_nothing_either(
    released: str, following: str, postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as now:
        now.setattr(migrating, "_FOLDER", FOLDER.parents[2] / "storage" / "migrations")
        moved = await postgresql.make("released")
        async with Database(released) as source, Database(moved) as target:
            await migrate(source)
            await move(source, target)
    before = await state(moved)
    monkeypatch.setenv("INTERRUPTED", "raise")
    with pytest.raises(DatabaseUnavailableError, match="interrupted"):
        await upgraded(moved)
    assert await state(moved) == before
    monkeypatch.delenv("INTERRUPTED")
    await upgraded(moved)
    assert await state(moved) == (following, ROWS, True)


def test_an_upgrade_that_is_killed_half_way_changes_nothing_and_can_be_run_again(
    released: str, following: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = run_until_complete(state(released))
    monkeypatch.setenv("INTERRUPTED", "kill")
    child = os.fork()
    if child == 0:
        run_until_complete(upgraded(released))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert run_until_complete(state(released)) == before
    monkeypatch.delenv("INTERRUPTED")
    run_until_complete(upgraded(released))
    assert run_until_complete(state(released)) == (following, ROWS, True)


async def test_the_version_before_refuses_what_the_next_one_upgraded(
    released: str, following: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await upgraded(released)
    monkeypatch.undo()
    with pytest.raises(DatabaseUnavailableError) as caught:
        await upgraded(released)
    assert f"has the schema {following}, and this version of the program knows none after" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
