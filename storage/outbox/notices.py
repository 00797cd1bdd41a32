"""What the operators are still to be told of something that was stored with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, insert, select

from storage import AsyncConnection
from storage.schema import notice


async def add(connection: AsyncConnection, sentence: str, now: datetime) -> None:
    """Store a sentence for the operators, in the transaction that stores what it tells."""
    await connection.execute(insert(notice).values(sentence=sentence, made_at=now))


async def pending(connection: AsyncConnection) -> Sequence[tuple[int, str]]:
    """Return the number and the sentence of each notice that is not told yet, oldest first."""
    query = select(notice.c.id, notice.c.sentence).order_by(notice.c.id)
    return [(row.id, row.sentence) for row in await connection.execute(query)]


async def remove(connection: AsyncConnection, number: int) -> None:
    """Remove a notice: it is told."""
    await connection.execute(delete(notice).where(notice.c.id == number))
