"""One connection, one writer at a time, explicit transactions."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any, Self

from sqlalchemy import event, make_url
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 10000",
)


class DatabaseURLError(ValueError):
    """The database URL is not one this program can use."""


class DatabaseInUseError(RuntimeError):
    """Another process of this program holds the database file."""


class Database:
    """The one connection to the database.

    All work goes through ``transaction``: on SQLite a second writing connection could lose commits (the WAL-reset
    defect before 3.51.3), and statements of two tasks on one connection would end up in one transaction.
    """

    def __init__(self, url: str) -> None:
        self.url = parse_url(url)
        self._lock = asyncio.Lock()
        self._engine: AsyncEngine | None = None
        self._file_lock: IO[str] | None = None

    async def __aenter__(self) -> Self:
        self._file_lock = _hold(self.url)
        self._engine = create_async_engine(self.url, poolclass=StaticPool, connect_args={"isolation_level": None})
        event.listen(self._engine.sync_engine, "connect", _set_pragmas)
        event.listen(self._engine.sync_engine, "begin", _begin_immediate)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._engine is not None:
            await self._engine.dispose()
        if self._file_lock is not None:
            self._file_lock.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Run statements in one transaction: committed at the end, rolled back on any exception."""
        if self._engine is None:
            raise RuntimeError("the database is not open")
        async with self._lock, self._engine.connect() as connection, connection.begin():
            yield connection


@asynccontextmanager
async def read_only(url: str) -> AsyncIterator[AsyncConnection]:
    """Open a second connection that cannot write, for the child process."""
    engine = create_async_engine(
        _read_only_url(parse_url(url)), poolclass=StaticPool, connect_args={"isolation_level": None}
    )
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


def parse_url(url: str) -> URL:
    """Check a database URL.

    Raises
    ------
    DatabaseURLError
        When it is not an SQLite file through aiosqlite.
    """
    example = "for example sqlite+aiosqlite:///data/cascade.db"
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseURLError(f"cannot be read as a database URL; {example}") from None
    if parsed.drivername != "sqlite+aiosqlite":
        raise DatabaseURLError(f"has the driver {parsed.drivername!r}, expected 'sqlite+aiosqlite'; {example}")
    if not parsed.database or parsed.database == ":memory:":
        raise DatabaseURLError(f"names no file, and the state has to survive a restart; {example}")
    return parsed


def _read_only_url(url: URL) -> URL:
    path = Path(str(url.database)).absolute()
    return url.set(database=f"file:{path}", query={"mode": "ro", "uri": "true"})


def _hold(url: URL) -> IO[str]:
    """Take the file lock that keeps a second process out; the system frees it when this one dies."""
    path = Path(str(url.database))
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = path.with_name(path.name + ".lock").open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        raise DatabaseInUseError(f"{path} is in use by another Cascade process; stop that one first") from None
    return handle


def _set_pragmas(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    # A deferred transaction that reads first fails at once when somebody else wrote meanwhile.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
