"""One 429 deadline for all who send with a token: other workers obey it, and so does the next start.

A pause by the operators is read with it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import literal_column, select, true

from storage import AsyncConnection
from storage.database import as_utc, database_clock, database_now, upsert
from storage.schema import pause, throttle

_ONLY = 1


async def note(connection: AsyncConnection, seconds: float) -> None:
    """Note that Telegram wants nothing for so long from now on."""
    now = await database_now(connection)
    statement = upsert(connection, throttle).values(id=_ONLY, since=now, until=now + timedelta(seconds=seconds))
    new = {"since": statement.excluded.since, "until": statement.excluded.until}
    later = throttle.c.until < statement.excluded.until
    # A clock that was set back would let an old one hold for as long.
    is_void = throttle.c.since > statement.excluded.since
    await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=new, where=later | is_void))


async def clock(connection: AsyncConnection) -> tuple[datetime, float, bool]:
    """Return the time by the database's clock, for how many more seconds Telegram wants nothing, mostly 0.

    And whether the operators have paused delivery.
    """
    row = (await connection.execute(_reading(connection.dialect.name))).one()
    now, is_paused = as_utc(row.now), row.paused is not None
    if row.since is None or row.since > now:
        return now, 0.0, is_paused
    return now, max((row.until - now).total_seconds(), 0.0), is_paused


@cache
def _reading(dialect: str) -> Any:
    # Made once: it is read with every claim.
    one_row = select(literal_column("1")).subquery()
    columns = (database_clock(dialect).label("now"), throttle.c.since, throttle.c.until, pause.c.since.label("paused"))
    return select(*columns).select_from(one_row.outerjoin(throttle, true()).outerjoin(pause, true()))
