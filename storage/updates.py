"""Which of Telegram's updates are handled: one that comes again is not handled again."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.schema import handled_update


async def already_handled(connection: AsyncConnection, update_ids: Collection[int]) -> set[int]:
    """Return those of these updates that were handled before."""
    query = select(handled_update.c.update_id).where(handled_update.c.update_id.in_(update_ids))
    return set((await connection.execute(query)).scalars())


async def mark_handled(connection: AsyncConnection, update_ids: Iterable[int], at: datetime) -> None:
    """Note that these updates have had their effect."""
    rows = [{"update_id": update_id, "handled_at": at} for update_id in update_ids]
    if rows:
        await connection.execute(upsert(handled_update).on_conflict_do_nothing(), rows)
