"""The choices of one chat, and how they are changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.outbox.quiet_hours import QuietHours
from storage.schema import chat
from storage.settings.kinds import BIG_ONES


class Way(StrEnum):
    """How a kind of alert comes to a chat."""

    ON = "on"
    SILENT = "silent"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a chat has chosen. ``muted_until`` may be over; the kinds are ``storage.settings.kinds.BITS``."""

    is_subscribed: bool = False
    muted_until: datetime | None = None
    loud_kinds: int = BIG_ONES
    silent_kinds: int = 0

    def is_muted(self, now: datetime) -> bool:
        """Return whether no alert comes now."""
        return self.muted_until is not None and self.muted_until > now

    def way_of(self, bit: int) -> Way:
        """Return how a kind comes."""
        if self.loud_kinds & bit:
            return Way.ON
        return Way.SILENT if self.silent_kinds & bit else Way.OFF


async def load(connection: AsyncConnection, chat_id: int) -> Chosen:
    """Return the choices of a chat; of one that was never seen, those everybody begins with."""
    columns = (chat.c.subscribed_at.is_not(None), chat.c.muted_until, chat.c.loud_kinds, chat.c.silent_kinds)
    row = (await connection.execute(select(*columns).where(chat.c.id == chat_id))).one_or_none()
    return Chosen() if row is None else Chosen(*row)


async def mute(connection: AsyncConnection, chat_id: int, until: datetime | None) -> None:
    """Let no alert come to a chat before ``until``, nor later what would have come by then; ``None`` ends that."""
    await _change(connection, chat_id, muted_until=until)


async def hear_only(connection: AsyncConnection, chat_id: int, loud: int) -> None:
    """Let these kinds come to a chat with a sound, and no others."""
    await _change(connection, chat_id, loud_kinds=loud, silent_kinds=0)


async def set_kind(connection: AsyncConnection, chat_id: int, bit: int, way: Way) -> None:
    """Let one kind come to a chat in this way; the others stay as they are."""
    loud, silent = (column.bitwise_and(~bit) for column in (chat.c.loud_kinds, chat.c.silent_kinds))
    if way is Way.ON:
        loud = loud.bitwise_or(bit)
    elif way is Way.SILENT:
        silent = silent.bitwise_or(bit)
    await _change(connection, chat_id, loud_kinds=loud, silent_kinds=silent)


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
