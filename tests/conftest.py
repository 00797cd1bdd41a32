"""Fixtures shared by all tests. Nothing here or below reaches the internet, sleeps for effect or reads a wall clock."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from storage.database import Database
from storage.migrate import migrate
from tests.compiled_once import share_compiled_statements
from tests.postgresql import NAME, Server, programs, serving
from tests.worlds import REAL_HISTORY

OTHERS = ("OPERATOR_DATA", "FALLBACKS", "FRED_API_KEY", "TIINGO_TOKEN", "OPERATOR_NOTE")


# What is imported and collected stays to the end: going through it at every collection of garbage costs the suite a tenth.
gc.disable()


share_compiled_statements()


def _keep_files_in_memory() -> None:
    """Let what the tests write stay in memory: each commit waits for the disk, which takes most of many a test."""
    memory = Path("/dev/shm")
    # What all workers have there at one time is some 500 MB; a container may have 64 MB of it.
    if "TMPDIR" not in os.environ and memory.is_dir() and shutil.disk_usage(memory).free > 2 << 30:
        os.environ["TMPDIR"] = str(memory)
        tempfile.tempdir = None


_keep_files_in_memory()


def pytest_collection_finish() -> None:
    """Leave what is there now to itself, and look after what the tests make."""
    gc.freeze()
    # What is young and dies young is looked for; what histories and caches hold is not gone through again and again.
    gc.set_threshold(50_000, 20, 1_000)
    gc.enable()


def found_or_skip(what: str, present: bool) -> None:
    """Skip a test whose outside help is missing; where CI=true that is a failure."""
    if present:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing, and CI must have it")
    pytest.skip(f"{what} is not on this machine")


@pytest.fixture(scope="session")
def real_history() -> Path:
    """The folder with real market history, which is not part of this repository."""
    found_or_skip(f"the market history in {REAL_HISTORY}", (REAL_HISTORY / "RUT.csv").exists())
    return REAL_HISTORY


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Debian's Chromium."""
    path = shutil.which("chromium")
    found_or_skip("chromium", path is not None)
    assert path is not None
    return path


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TELEGRAM_BOT_TOKEN", "TELEGRAM_API_URL", "DATABASE_URL", "OPERATOR_IDS", "MARKET_DATA", *OTHERS):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with the newest schema, made once; tests get copies of it."""
    file = tmp_path_factory.mktemp("migrated") / "cascade.db"

    async def make() -> None:
        async with Database(f"sqlite+aiosqlite:///{file}") as database:
            await migrate(database)

    asyncio.run(make())
    return file


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server of the tests' own, with an empty database."""
    folder = programs()
    found_or_skip("a PostgreSQL server", folder is not None)
    assert folder is not None
    with serving(folder) as server:
        asyncio.run(server.make(NAME))
        yield server


@pytest.fixture
def postgresql_url(postgresql: Server) -> str:
    """The address of an empty PostgreSQL database, the one that all tests of this process have in turn."""
    return postgresql.emptied()


@pytest.fixture
def sqlite_url(tmp_path: Path, migrated: Path) -> str:
    """The address of an empty SQLite database of this test's own."""
    shutil.copy(migrated, tmp_path / "cascade.db")
    return f"sqlite+aiosqlite:///{tmp_path}/cascade.db"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The address of an empty database of this test's own."""
    return sqlite_url


@pytest.fixture(params=["sqlite", "postgresql"])
def either_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty database, of SQLite and of PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The same, open."""
    async with Database(database_url) as database:
        yield database
