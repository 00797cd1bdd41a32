"""Roles of the processes on one PostgreSQL: the main process is one alone, delivery workers are counted.

A role is a lock of the database, held by a connection of its own. SQLite has one process anyway.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from typing import Any, Self

from sqlalchemy import BigInteger, bindparam, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from storage import AsyncConnection
from storage.database import Database, DatabaseInUseError, lock_number

logger = logging.getLogger(__name__)

# So often a role is looked after. A network that is gone shows within a probe and its time-out.
_PROBE = 3.0
_TIMEOUT = 10.0
# Where the machine of a process is gone and not only the process, the server gives its roles up this soon.
_KEEPALIVE = """
SELECT set_config('tcp_keepalives_' || name, value, false)
FROM (VALUES ('idle', '10'), ('interval', '5'), ('count', '3')) AS keepalive (name, value)
"""
# How long the end of a session is waited for, in milliseconds.
_END = 5_000
_MINE = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
# A server that was started anew gives the same numbers to others.
_THIS = "AND pid = :session AND backend_start = :began"
_HOLDERS = """
FROM pg_locks JOIN pg_stat_activity USING (pid) JOIN pg_database ON pg_database.oid = pg_locks.database
WHERE pg_database.datname = current_database() AND locktype = 'advisory' AND granted AND classid = 0 AND objid = :number
"""


class Role:
    """A role, held for as long as the context lasts; ``alone`` when only one process may have it.

    Raises
    ------
    storage.database.DatabaseInUseError
        On entering, when another process has it alone.
    """

    def __init__(self, database: Database, name: str, *, alone: bool = False) -> None:
        self._database, self._name, self._alone = database, name, alone
        self._connection: AsyncConnection | None = None
        # Those of ours that may hold the role, whether we know of their end or not.
        self._sessions: list[tuple[int, datetime]] = []

    async def __aenter__(self) -> Self:
        if not self._database.is_exclusive:
            try:
                await self._take()
            except BaseException:
                await self._drop()
                raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._drop()

    async def keep(self) -> None:
        """Take the role again whenever its connection was lost, for ever.

        Raises
        ------
        storage.database.DatabaseInUseError
            When another process has taken it meanwhile.
        """
        while True:
            await asyncio.sleep(_PROBE)
            if self._database.is_exclusive or await self._is_held():
                continue
            logger.warning("the connection that holds the role of %s is lost", self._name)
            try:
                await self._drop()
                async with asyncio.timeout(_TIMEOUT):
                    await self._take()
            except (SQLAlchemyError, OSError) as error:
                logger.warning("the database is away: %s", type(error).__name__)

    async def members(self) -> int:
        """Return how many processes have this role now, at least one."""
        if self._database.is_exclusive:
            return 1
        async with self._database.reading() as connection:
            count = (await connection.execute(self._holders("SELECT count(*)"))).scalar_one()
        return max(1, int(count))

    async def _is_held(self) -> bool:
        if self._connection is None:
            return False
        try:
            async with asyncio.timeout(_TIMEOUT):
                await self._connection.execute(select(1))
                await self._connection.commit()
        except (SQLAlchemyError, OSError):
            return False
        return True

    async def _take(self) -> None:
        connection = self._connection = await self._database.connect()
        await connection.execute(text(_KEEPALIVE))
        for session, began in self._sessions:
            # The server may not have noticed yet that our own earlier connection is gone.
            ended = self._holders(f"SELECT pg_terminate_backend(pid, {_END})", _THIS)
            await connection.execute(ended.bindparams(session=session, began=began))
        session, began = (await connection.execute(text(_MINE))).one()
        self._sessions.append((session, began))
        await connection.commit()
        if not await self._locked(connection):
            await self._drop()
            raise DatabaseInUseError(
                f"another Cascade process is the {self._name} on this database: "
                "run only one, and further ones as workers"
            )
        await connection.commit()
        self._sessions = [(session, began)]

    async def _locked(self, connection: AsyncConnection) -> bool:
        number = lock_number(self._name)
        if not self._alone:
            await connection.execute(select(func.pg_advisory_lock_shared(number)))
            return True
        return bool((await connection.execute(select(func.pg_try_advisory_lock(number)))).scalar_one())

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # The lock belongs to this connection; given back to the pool it would be held on.
            await connection.invalidate()
            await connection.close()

    def _holders(self, what: str, more: str = "") -> Any:
        statement = text(f"{what} {_HOLDERS} {more}")
        return statement.bindparams(bindparam("number", lock_number(self._name).value, BigInteger()))
