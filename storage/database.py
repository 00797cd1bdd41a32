"""Where everything is kept: one SQLite file with one writing connection, or PostgreSQL with many processes."""

from __future__ import annotations

import asyncio
import fcntl
import os
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, closing, nullcontext, suppress
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Self, TypeVar

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Dialect,
    Function,
    Table,
    event,
    func,
    insert,
    literal,
    make_url,
    select,
)
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool, StaticPool

from storage import AsyncConnection, AsyncEngine, create_async_engine
from storage.unavailable import RESTORE, explained, unavailable
from storage.uninterrupted import UninterruptedConnection, creator

_T = TypeVar("_T")
SQLITE, POSTGRESQL = "sqlite+aiosqlite", "postgresql+asyncpg"
_PRAGMAS = (
    # Takes effect in a database without tables.
    "PRAGMA auto_vacuum = INCREMENTAL",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    # Some commit has to move what others wrote into the file: the usual thousand pages take it ten milliseconds.
    "PRAGMA wal_autocheckpoint = 200",
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 10000",
)
_PAGES_AT_ONCE = 2_000


class DatabaseURLError(ValueError):
    """The database URL is not one this program can use."""


class DatabaseInUseError(RuntimeError):
    """Another process of this program holds the database."""


class Database:
    """The way to the database: ``transaction`` to write, ``reading`` to read without waiting for those who write.

    On SQLite there is one writing connection and one transaction at a time on it: a second writing connection could
    lose commits (the WAL-reset defect before 3.51.3), and statements of two tasks on one connection would end up in
    one transaction. A second connection, which cannot write, serves the readers in the same way.
    """

    def __init__(self, url: str) -> None:
        self.url = parse_url(url)
        self._lock, self._giving_way, self._reading = asyncio.Lock(), asyncio.Lock(), asyncio.Lock()
        self._engine: AsyncEngine | None = None
        self._readers: AsyncEngine | None = None
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
        if self.is_exclusive:
            self._file_lock = hold(self.url)
        with explained(self.url):
            if self.is_exclusive:
                _make_private(Path(str(self.url.database)))
            self._engine = self._made()
            self._readers = _read_only_engine(self.url) if self.is_exclusive else self._engine
            # Whatever is wrong with the address shows now.
            async with self._engine.connect():
                pass

    def _made(self) -> AsyncEngine:
        if not self.is_exclusive:
            return create_async_engine(self.url, pool_pre_ping=True)
        opening = creator(str(self.url.database))
        engine = create_async_engine(self.url, poolclass=StaticPool, async_creator=opening)
        event.listen(engine.sync_engine, "connect", _set_pragmas)
        event.listen(engine.sync_engine, "begin", _begin_immediate)
        return engine

    async def __aexit__(self, *_: object) -> None:
        # The reader first: the last connection that is closed tidies the file up, and only a writer can.
        for engine in (self._readers, self._engine):
            if engine is not None:
                await engine.dispose()
        if self._file_lock is not None:
            self._file_lock.close()

    @asynccontextmanager
    async def transaction(self, *, gives_way: bool = False) -> AsyncIterator[AsyncConnection]:
        """Run statements in one transaction: committed at the end, rolled back on any exception.

        Those that give way are many, of delivery: on SQLite all others wait for one of them at most.
        """
        engine = self._opened(self._engine)
        if not self.is_exclusive:
            async with engine.begin() as connection:
                yield connection
            return
        # One of those that give way stands in the queue, and the others of them wait for it.
        turn = self._giving_way if gives_way else nullcontext()
        async with turn, self._lock, engine.connect() as connection, connection.begin():
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Run statements that only read, in one transaction; they see every commit made before the first of them.

        On SQLite they wait for other readers and never for a writer.
        """
        readers = self._opened(self._readers)
        if not self.is_exclusive:
            async with readers.connect() as connection:
                yield await connection.execution_options(postgresql_readonly=True)
            return
        async with self._reading, readers.connect() as connection:
            yield connection

    async def check(self) -> None:
        """Read every page of an SQLite file, 100 MB in some 0.2 seconds. PostgreSQL looks after its own.

        Raises
        ------
        storage.unavailable.DatabaseUnavailableError
            When one is damaged.
        """
        with explained(self.url):
            found = (await self._outside("PRAGMA quick_check(1)"))[0][0] if self.is_exclusive else "ok"
        if found != "ok":
            raise unavailable(self.url, f"is damaged ({str(found).splitlines()[-1]})", RESTORE)

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
        async with self._lock, self._opened(self._engine).connect() as connection:
            raw = await connection.get_raw_connection()
            assert raw.driver_connection is not None
            run = raw.driver_connection.executescript if is_script else raw.driver_connection.execute
            async with run(statement) as cursor:
                return list(await cursor.fetchall())

    async def connect(self) -> AsyncConnection:
        """Open a connection outside of ``transaction``, for what a PostgreSQL session holds; the caller closes it."""
        return await self._opened(self._engine).connect()

    @staticmethod
    def _opened(engine: AsyncEngine | None) -> AsyncEngine:
        if engine is None:
            raise RuntimeError("the database is not open")
        return engine


def run_until_complete(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Run what asks a database in an event loop of its own and return its result.

    ``asyncio.run`` handles Ctrl-C, for which Python 3.11 writes the result out as text, twice and for nobody: a tenth
    of a second and more where it is an archive.
    """
    with closing(asyncio.new_event_loop()) as loop:
        return loop.run_until_complete(coroutine)


def upsert(connection: AsyncConnection, table: Table) -> Any:
    """Return an INSERT of the connection's own dialect, which can say what happens on a conflict."""
    return insert_in(connection.dialect.name, table)


def insert_in(dialect: str, table: Table) -> Any:
    """Return that INSERT for a dialect by its name."""
    # Only that one: loading PostgreSQL's beside SQLite takes 2 MB.
    return import_module(f"sqlalchemy.dialects.{dialect}").insert(table)


async def insert_rows(connection: AsyncConnection, table: Table, rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows that are given in the order of the table's columns.

    SQLAlchemy prepares rows one by one, which costs more than SQLite's own work. Here each value of a column is
    prepared once.
    """
    sql, prepared_by = _insertion(table, connection.dialect)
    columns = []
    for by, column in zip(prepared_by, zip(*rows, strict=True), strict=True):
        prepared = {value: by(value) for value in set(column)} if by else {}
        columns.append([prepared[value] for value in column] if by else column)
    await connection.exec_driver_sql(sql, [*zip(*columns, strict=True)])


@cache
def _insertion(table: Table, dialect: Dialect) -> tuple[str, list[Callable[[Any], Any] | None]]:
    """Return the INSERT of a whole row in a dialect, and what turns each column's values into the driver's."""
    statement = insert(table).compile(dialect=dialect)
    return str(statement), [column.type.dialect_impl(dialect).bind_processor(dialect) for column in table.columns]


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
async def read_only(url: str | URL) -> AsyncIterator[AsyncConnection]:
    """Open a second connection that cannot write, for the child process and the command line.

    Its statements see the state at the first of them, as long as they are in one transaction.

    Raises
    ------
    storage.unavailable.DatabaseUnavailableError
        When the database cannot be read, now or while the connection is open.
    """
    parsed = parse_url(url)
    if parsed.drivername == POSTGRESQL:
        # All statements see the same state here, too.
        options = {"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"}
        engine = create_async_engine(parsed, poolclass=NullPool, execution_options=options)
    else:
        engine = _read_only_engine(parsed)
    try:
        with explained(parsed, (DBAPIError, OSError)):
            async with engine.connect() as connection:
                yield connection
    finally:
        await engine.dispose()


def parse_url(url: str | URL) -> URL:
    """Check a database URL.

    Raises
    ------
    DatabaseURLError
        When it is neither an SQLite file through aiosqlite nor a PostgreSQL database through asyncpg.
    """
    example = f"for example {SQLITE}:///data/cascade.db or {POSTGRESQL}://cascade:secret@host/cascade"
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


def _read_only_engine(url: URL) -> AsyncEngine:
    """Return an engine with one SQLite connection that cannot write, opened when it is first used."""
    opening = creator(str(url.database), is_read_only=True)
    engine = create_async_engine(url, poolclass=StaticPool, async_creator=opening)
    event.listen(engine.sync_engine, "begin", _begin_deferred)
    return engine


def hold(url: URL) -> IO[str]:
    """Take the file lock that keeps a second process out, until it is closed; the system frees it when this one dies.

    Raises
    ------
    DatabaseInUseError
        When another process has it.
    storage.unavailable.DatabaseUnavailableError
        When it cannot be made.
    """
    path = Path(str(url.database))
    with explained(url):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A link is not followed and nothing is emptied: who may write the folder could name any file of its owner's.
        descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        handle = os.fdopen(descriptor, "r+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        raise DatabaseInUseError(f"{path} is in use by another Cascade process; stop that one first") from None
    return handle


def _make_private(path: Path) -> None:
    """Make the file, empty, so that nobody else may read what SQLite writes into it, nor what it puts beside it."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _set_pragmas(connection: Any, _record: object) -> None:
    connection.run_async(lambda opened: opened.executescript(";".join(_PRAGMAS)))


def _begin_deferred(connection: Connection) -> None:
    # All statements of one reading see the same state: that of its first.
    _opened_by(connection).begin("BEGIN")


def _begin_immediate(connection: Connection) -> None:
    # A deferred transaction that reads first fails at once when somebody else wrote meanwhile.
    _opened_by(connection).begin("BEGIN IMMEDIATE")


def _opened_by(connection: Connection) -> UninterruptedConnection:
    opened = connection.connection.driver_connection
    assert isinstance(opened, UninterruptedConnection)
    return opened
