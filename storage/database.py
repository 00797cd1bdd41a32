"""Where everything is kept: one SQLite file with one connection, or PostgreSQL with as many processes as one likes."""

from __future__ import annotations

import asyncio
import fcntl
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Self

from sqlalchemy import BigInteger, BindParameter, Function, event, func, literal, make_url, select
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool, StaticPool

from storage.uninterrupted import creator

SQLITE, POSTGRESQL = "sqlite+aiosqlite", "postgresql+asyncpg"
_EXAMPLE = f"{SQLITE}:///data/cascade.db or {POSTGRESQL}://cascade:secret@host/cascade"
_PRAGMAS = (
    # Takes effect in a database without tables, and in any other one with its next VACUUM.
    "PRAGMA auto_vacuum = INCREMENTAL",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 10000",
)
_INCREMENTAL = 2
_PAGES_AT_ONCE = 2_000


class DatabaseURLError(ValueError):
    """The database URL is not one this program can use."""


class DatabaseUnavailableError(RuntimeError):
    """The database cannot be opened; the message says which and why."""


class DatabaseInUseError(RuntimeError):
    """Another process of this program holds the database."""


class Database:
    """The way to the database; all work goes through ``transaction``.

    On SQLite there is one connection and one transaction at a time: a second writing connection could lose commits
    (the WAL-reset defect before 3.51.3), and statements of two tasks on one connection would end up in one transaction.
    """

    def __init__(self, url: str) -> None:
        self.url = parse_url(url)
        self._lock = asyncio.Lock()
        self._engine: AsyncEngine | None = None
        self._file_lock: IO[str] | None = None

    @property
    def is_exclusive(self) -> bool:
        """Whether this process is the only one that can write: SQLite, whose file is locked."""
        return self.url.drivername == SQLITE

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def _open(self) -> None:
        try:
            if self.is_exclusive:
                self._file_lock = _hold(self.url)
            self._engine = self._made()
            # Whatever is wrong with the address shows now, in one sentence.
            async with self._engine.connect():
                pass
        except DatabaseInUseError:
            raise
        except Exception as error:  # the driver's, SQLAlchemy's or the system's: there is no common one
            reason = f"{type(error).__name__}: {getattr(error, 'orig', None) or error}".splitlines()[0]
            raise DatabaseUnavailableError(
                f"DATABASE_URL: {self.url.render_as_string()} cannot be opened ({reason}); for example {_EXAMPLE}"
            ) from error

    def _made(self) -> AsyncEngine:
        if not self.is_exclusive:
            return create_async_engine(self.url, pool_pre_ping=True)
        opening = creator(str(self.url.database), isolation_level=None, check_same_thread=False)
        engine = create_async_engine(self.url, poolclass=StaticPool, async_creator=opening)
        event.listen(engine.sync_engine, "connect", _set_pragmas)
        event.listen(engine.sync_engine, "begin", _begin_immediate)
        return engine

    async def __aexit__(self, *_: object) -> None:
        if self._engine is not None:
            await self._engine.dispose()
        if self._file_lock is not None:
            self._file_lock.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Run statements in one transaction: committed at the end, rolled back on any exception."""
        engine = self._opened()
        if not self.is_exclusive:
            async with engine.begin() as connection:
                yield connection
            return
        async with self._lock, engine.connect() as connection, connection.begin():
            yield connection

    async def make_reclaimable(self) -> None:
        """Let an SQLite file from before give back what is deleted; it is written anew once for that."""
        if self.is_exclusive and await self._pragma("auto_vacuum") != _INCREMENTAL:
            await self._outside("PRAGMA auto_vacuum = INCREMENTAL")
            await self._outside("VACUUM")

    async def reclaim(self) -> None:
        """Give the pages of deleted rows back to the file system, in short steps. PostgreSQL does so by itself."""
        while self.is_exclusive and await self._pragma("freelist_count"):
            await self._outside(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})", is_script=True)
            await asyncio.sleep(0)

    async def _pragma(self, name: str) -> int:
        return int((await self._outside(f"PRAGMA {name}"))[0][0])

    async def _outside(self, statement: str, *, is_script: bool = False) -> list[Any]:
        """Run one SQLite statement that cannot be, or need not be, in a transaction.

        As a script it is run to its end: ``execute`` would free one page and stop.
        """
        async with self._lock, self._opened().connect() as connection:
            raw = await connection.get_raw_connection()
            assert raw.driver_connection is not None
            run = raw.driver_connection.executescript if is_script else raw.driver_connection.execute
            async with run(statement) as cursor:
                return list(await cursor.fetchall())

    async def connect(self) -> AsyncConnection:
        """Open a connection outside of ``transaction``, for what a PostgreSQL session holds; the caller closes it."""
        return await self._opened().connect()

    def _opened(self) -> AsyncEngine:
        if self._engine is None:
            raise RuntimeError("the database is not open")
        return self._engine


async def database_now(connection: AsyncConnection) -> datetime:
    """Return the time by the clock that all workers of one database share, in UTC."""
    now: datetime = (await connection.execute(select(database_clock(connection.dialect.name)))).scalar_one()
    return as_utc(now)


def database_clock(dialect: str) -> Function[Any]:
    """Return the function that reads that clock; PostgreSQL's usual one says when the transaction began."""
    return func.clock_timestamp() if dialect == "postgresql" else func.current_timestamp()


def as_utc(now: datetime) -> datetime:
    """Return what that function read, in UTC: SQLite's has no zone, PostgreSQL's that of its session."""
    return now.replace(tzinfo=UTC) if now.tzinfo is None else now.astimezone(UTC)


async def lock(connection: AsyncConnection, what: str) -> None:
    """Let one process at a time do something, until its transaction ends. On SQLite every transaction is alone."""
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(lock_number(what))))


@asynccontextmanager
async def read_only(url: str) -> AsyncIterator[AsyncConnection]:
    """Open a second connection that cannot write, for the child process."""
    parsed = parse_url(url)
    if parsed.drivername == POSTGRESQL:
        engine = create_async_engine(parsed, poolclass=NullPool, execution_options={"postgresql_readonly": True})
    else:
        engine = create_async_engine(
            _read_only_url(parsed), poolclass=StaticPool, connect_args={"isolation_level": None}
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
        When it is neither an SQLite file through aiosqlite nor a PostgreSQL database through asyncpg.
    """
    example = f"for example {_EXAMPLE}"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise DatabaseURLError(f"cannot be read as a database URL; {example}") from None
    if parsed.drivername not in (SQLITE, POSTGRESQL):
        raise DatabaseURLError(
            f"has the driver {parsed.drivername!r}, expected {SQLITE!r} or {POSTGRESQL!r}; {example}"
        )
    if not parsed.database or parsed.database == ":memory:":
        what = "no file, and the state has to survive a restart" if parsed.drivername == SQLITE else "no database"
        raise DatabaseURLError(f"names {what}; {example}")
    return parsed


def lock_number(name: str) -> BindParameter[int]:
    """Return the number by which PostgreSQL knows an advisory lock."""
    return literal(zlib.crc32(f"cascade {name}".encode()), BigInteger())


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
