"""What is wrong now, by name: kept with what the operators are told of it, so that a restart tells nothing twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select

from storage import AsyncConnection
from storage.database import upsert
from storage.outbox import notices
from storage.schema import fault


@dataclass(frozen=True, slots=True)
class OpenFault:
    """A fault that is not over: its name, what the operators are told of it, and since when it is there."""

    name: str
    sentence: str
    since: datetime


async def begin(connection: AsyncConnection, begun: OpenFault) -> None:
    """Store a fault and that the operators are to be told; one that is stored already is told no second time."""
    values = {"name": begun.name, "sentence": begun.sentence, "since": begun.since}
    statement = upsert(connection, fault).values(values).on_conflict_do_nothing()
    if (await connection.execute(statement)).rowcount == 1:
        await notices.add(connection, begun.sentence, begun.since)


async def end(connection: AsyncConnection, name: str, sentence: str, now: datetime) -> bool:
    """Remove a fault, and store what the operators are to be told of that. Returns whether it was stored."""
    is_stored = (await connection.execute(delete(fault).where(fault.c.name == name))).rowcount == 1
    if is_stored:
        await notices.add(connection, sentence, now)
    return is_stored


async def open_faults(connection: AsyncConnection) -> list[OpenFault]:
    """Return the faults that are not over, the oldest first."""
    rows = await connection.execute(select(fault.c.name, fault.c.sentence, fault.c.since).order_by(fault.c.since))
    return [OpenFault(*row) for row in rows]
