"""An SQLite connection on which a statement costs one turn of its thread and BEGIN none; what is begun there ends.

This uses names that aiosqlite keeps to itself; ``requirements.in`` therefore names the version.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import aiosqlite

_ROWS_AT_ONCE = 64
_T = TypeVar("_T")


class UninterruptedConnection(aiosqlite.Connection):
    """Delays a cancellation until what its thread does is over: opening, a statement, closing.

    Without this the thread would report to a loop that may be closed by then. And SQLAlchemy, cancelled in the middle
    of a statement, would give the connection up and open another one, while the first still holds the write lock with
    a transaction that nobody ends any more.

    A transaction begins with its first statement. What is run on the connection itself, as ``Database._outside`` does,
    is in none.
    """

    is_read_only = False
    # Said, and not yet run: it runs together with the transaction's first statement.
    _begin = ""

    def begin(self, statement: str) -> None:
        """Begin a transaction, by such a BEGIN, at the next statement."""
        self._begin = statement

    def run(self, statement: Callable[[], _T]) -> _T:
        """Run the next statement in the thread of this connection, and before it the BEGIN that is still due."""
        if self._begin:
            self._conn.execute(self._begin)
            # Only now: nothing is run outside of the transaction because it could not be begun.
            self._begin = ""
        return statement()

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if not self._running or not self._connection:
            raise ValueError("Connection closed")
        statement = asyncio.get_running_loop().create_future()
        self._tx.put_nowait((statement, partial(fn, *args, **kwargs)))
        return await _to_its_end(statement)

    async def _connect(self) -> aiosqlite.Connection:
        opening = asyncio.get_running_loop().create_future()
        self._tx.put_nowait((opening, self._connector))
        try:
            self._connection = await _to_its_end(opening)
        except Exception:
            await self._end()
            raise
        return self

    async def close(self) -> None:
        """Close it and end its thread."""
        if self._connection is None:
            return
        try:
            await self._execute(self._conn.close)
        finally:
            self._connection = None
            await self._end()

    async def _end(self) -> None:
        if (end := self.stop()) is not None:
            await _to_its_end(end)

    async def commit(self) -> None:
        """Commit, where something was begun."""
        self._begin = ""
        if self._conn.in_transaction:
            await super().commit()

    async def rollback(self) -> None:
        """Roll back, where there is something to: SQLAlchemy asks for it after every commit, too."""
        self._begin = ""
        if self._conn.in_transaction and self.is_read_only:
            # Nothing is undone and no file touched: less than to ask the thread for it.
            self._conn.rollback()
        elif self._conn.in_transaction:
            await super().rollback()

    def cursor(self) -> Any:
        """Return a cursor for one statement."""
        return _Cursor(self, self._conn.cursor())


async def _to_its_end(work: asyncio.Future[_T]) -> _T:
    """Wait for something whatever cancels who waits."""
    is_cancelled = False
    while not work.done():
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            is_cancelled = True
        except Exception:  # the work's own; it is raised below
            break
    if is_cancelled and (task := asyncio.current_task()) is not None:
        # Cancelled as often as before, but from its next step on.
        task.uncancel()
        task.cancel()
    return work.result()


class _Cursor(aiosqlite.Cursor):
    """Fetches all rows as soon as a statement is executed.

    SQLAlchemy opens a cursor, executes, fetches and closes: four turns of the thread where one will do.
    """

    _rows: Any = ()

    async def execute(self, sql: str, parameters: Any = ()) -> aiosqlite.Cursor:
        self._rows = await self._run(lambda: self._cursor.execute(sql, parameters or ()).fetchall())
        return self

    async def executemany(self, sql: str, parameters: Any) -> aiosqlite.Cursor:
        await self._run(lambda: self._cursor.executemany(sql, parameters))
        return self

    async def _run(self, statement: Callable[[], Any]) -> Any:
        connection: Any = self._conn
        return await connection._execute(connection.run, statement)

    async def fetchall(self) -> Any:
        return self._rows

    async def close(self) -> None:
        """Do nothing: all rows are fetched, so the statement is over."""


def creator(database: str, *, is_read_only: bool = False) -> Callable[[], Awaitable[aiosqlite.Connection]]:
    """Return the function with which SQLAlchemy opens such a connection to a file."""
    address = f"file:{quote(str(Path(database).absolute()))}?mode={'ro' if is_read_only else 'rwc'}"

    async def open_one() -> aiosqlite.Connection:
        # Transactions are begun and ended by the statements that say so, and by nothing else.
        opened = partial(sqlite3.connect, address, isolation_level=None, check_same_thread=False, uri=True)
        connection = UninterruptedConnection(opened, _ROWS_AT_ONCE)
        connection.is_read_only = is_read_only
        # As SQLAlchemy does with its own: a thread that is still running must not keep the program from ending.
        connection._thread.daemon = True
        return await connection

    return open_one
