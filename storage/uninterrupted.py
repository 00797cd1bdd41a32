"""An SQLite connection on which a statement costs one turn of its thread, and, once begun, ends.

This uses names that aiosqlite keeps to itself; ``requirements.in`` therefore names the version.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import aiosqlite

_ROWS_AT_ONCE = 64
_T = TypeVar("_T")


class UninterruptedConnection(aiosqlite.Connection):
    """Delays a cancellation until what its thread does is over: opening, a statement, closing.

    Without this the thread would report to a loop that may be closed by then. And SQLAlchemy, cancelled in the middle
    of a statement, would give the connection up and open another one, while the first still holds the write lock with
    a transaction that nobody ends any more.
    """

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

    async def rollback(self) -> None:
        """Roll back, where there is something to: SQLAlchemy asks for it after every commit, too."""
        if self._conn.in_transaction:
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
        # aiosqlite does not annotate what it runs a statement with.
        run: Any = self._execute
        self._rows = await run(lambda: self._cursor.execute(sql, parameters or ()).fetchall())
        return self

    async def fetchall(self) -> Any:
        return self._rows

    async def close(self) -> None:
        """Do nothing: all rows are fetched, so the statement is over."""


def creator(database: str, **options: Any) -> Callable[[], Awaitable[aiosqlite.Connection]]:
    """Return the function with which SQLAlchemy opens such a connection."""

    async def open_one() -> aiosqlite.Connection:
        # Transactions are begun and ended by the statements that say so, and by nothing else.
        opened = partial(sqlite3.connect, database, isolation_level=None, check_same_thread=False, **options)
        connection = UninterruptedConnection(opened, _ROWS_AT_ONCE)
        # As SQLAlchemy does with its own: a thread that is still running must not keep the program from ending.
        connection._thread.daemon = True
        return await connection

    return open_one
