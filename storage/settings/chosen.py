"""The choices of one chat, and how they are changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.outbox.quiet_hours import QuietHours
from storage.schema import chat


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a chat has chosen. ``muted_until`` may be over."""

    is_subscribed: bool = False
    muted_until: datetime | None = None

    def is_muted(self, now: datetime) -> bool:
        """Return whether no alert comes now."""
        return self.muted_until is not None and self.muted_until > now


async def load(connection: AsyncConnection, chat_id: int) -> Chosen:
    """Return the choices of a chat; of one that was never seen, those everybody begins with."""
    columns = (chat.c.subscribed_at.is_not(None), chat.c.muted_until)
    row = (await connection.execute(select(*columns).where(chat.c.id == chat_id))).one_or_none()
    return Chosen() if row is None else Chosen(*row)


async def mute(connection: AsyncConnection, chat_id: int, until: datetime | None) -> None:
    """Let no alert come to a chat before ``until``, nor later what would have come by then; ``None`` ends that."""
    await _change(connection, chat_id, muted_until=until)


async def set_quiet_hours(
    connection: AsyncConnection, chat_id: int, hours: QuietHours | None, *, urgent_through: bool = False
) -> None:
    """Hold what is owed to a chat during some hours of its day, urgent kinds too unless they may come through."""
    values: dict[str, Any] = {"timezone": None, "quiet_from": None, "quiet_until": None}
    if hours is not None:
        values = {"timezone": hours.timezone, "quiet_from": hours.begin, "quiet_until": hours.end}
    await _change(connection, chat_id, urgent_through=urgent_through, **values)


async def _change(connection: AsyncConnection, chat_id: int, **values: Any) -> None:
    await connection.execute(update(chat).where(chat.c.id == chat_id).values(values))
