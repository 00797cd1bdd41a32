"""One 429 deadline for all who send with a token: other workers obey it, and so does the next start."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import database_now
from storage.schema import throttle

_ONLY = 1


async def note(connection: AsyncConnection, seconds: float) -> None:
    """Note that Telegram wants nothing for so long from now on."""
    now = await database_now(connection)
    statement = upsert(throttle).values(id=_ONLY, since=now, until=now + timedelta(seconds=seconds))
    new = {"since": statement.excluded.since, "until": statement.excluded.until}
    later = throttle.c.until < statement.excluded.until
    # A clock that was set back would let an old one hold for as long.
    is_void = throttle.c.since > statement.excluded.since
    await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=new, where=later | is_void))


async def remaining(connection: AsyncConnection) -> float:
    """Return for how many more seconds Telegram wants nothing; 0 when anything may leave."""
    row = (await connection.execute(select(throttle.c.since, throttle.c.until))).one_or_none()
    if row is None:
        return 0.0
    now = await database_now(connection)
    return max((row.until - now).total_seconds(), 0.0) if row.since <= now else 0.0
