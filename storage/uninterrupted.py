"""An SQLite connection on which a statement, once begun, ends: a cancelled task is cancelled after it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import aiosqlite

_ROWS_AT_ONCE = 64


class UninterruptedConnection(aiosqlite.Connection):
    """Delays a cancellation until the statement at hand is over.

    Without this SQLAlchemy, cancelled in the middle of a statement, would give the connection up and open another
    one, while the first still holds the write lock with a transaction that nobody ends any more.
    """

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        # aiosqlite does not annotate what it runs a statement with.
        run: Any = super()._execute
        statement = asyncio.ensure_future(run(fn, *args, **kwargs))
        is_cancelled = False
        while not statement.done():
            try:
                await asyncio.shield(statement)
            except asyncio.CancelledError:
                is_cancelled = True
            except Exception:  # the statement's own; it is raised below
                break
        if is_cancelled and (task := asyncio.current_task()) is not None:
            # Cancelled as often as before, but from its next step on.
            task.uncancel()
            task.cancel()
        return statement.result()


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
