"""When each process last did well, by the machine it runs on: what a health check in that machine reads."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select

from storage import AsyncConnection
from storage.database import upsert
from storage.schema import heartbeat

FORGOTTEN = timedelta(days=1)
"""After which a machine that says nothing is one that is gone: containers have a new name each time."""


async def beat(connection: AsyncConnection, machine: str, role: str, at: datetime) -> None:
    """Say that a process did well at an instant; forget machines that are gone."""
    statement = upsert(connection, heartbeat).values(machine=machine, role=role, at=at)
    keys = [heartbeat.c.machine, heartbeat.c.role]
    await connection.execute(statement.on_conflict_do_update(index_elements=keys, set_={"at": at}))
    await connection.execute(delete(heartbeat).where(heartbeat.c.at < at - FORGOTTEN))


async def of(connection: AsyncConnection, machine: str) -> dict[str, datetime]:
    """Return when each process of a machine last did well, by its role."""
    found = await connection.execute(
        select(heartbeat.c.role, heartbeat.c.at).where(heartbeat.c.machine == machine).order_by(heartbeat.c.role)
    )
    return {row.role: row.at for row in found}
