"""Whether delivery is paused: stored, so that it is after a restart and for every worker."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select

from storage import AsyncConnection
from storage.database import upsert
from storage.schema import pause

_ONLY = 1


async def begin(connection: AsyncConnection, now: datetime) -> bool:
    """Let nothing be claimed any more; what is on its way arrives. Returns False when delivery was paused already."""
    statement = upsert(connection, pause).values(id=_ONLY, since=now)
    return (await connection.execute(statement.on_conflict_do_nothing())).rowcount == 1


async def end(connection: AsyncConnection) -> bool:
    """Let what waits be claimed again. Returns False when delivery was not paused."""
    return (await connection.execute(delete(pause))).rowcount == 1


async def since(connection: AsyncConnection) -> datetime | None:
    """Return since when delivery is paused, ``None`` while it is not."""
    found: datetime | None = (await connection.execute(select(pause.c.since))).scalar_one_or_none()
    return found
