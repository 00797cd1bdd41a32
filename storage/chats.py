"""Who talks to the bot and who gets its alerts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.schema import chat, delivery


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat the bot has seen."""

    id: int
    type: str
    subscribed_at: datetime | None
    gone_at: datetime | None


async def subscribe(connection: AsyncConnection, chat_id: int, chat_type: str, at: datetime) -> bool:
    """Subscribe a chat. Returns False when it was subscribed already."""
    await welcome(connection, chat_id, chat_type)
    statement = update(chat).where(chat.c.id == chat_id, chat.c.subscribed_at.is_(None))
    return (await connection.execute(statement.values(subscribed_at=at))).rowcount == 1


async def unsubscribe(connection: AsyncConnection, chat_id: int) -> bool:
    """Unsubscribe a chat and drop what is still queued for it. Returns False when it was not subscribed."""
    statement = update(chat).where(chat.c.id == chat_id, chat.c.subscribed_at.is_not(None))
    changed = (await connection.execute(statement.values(subscribed_at=None))).rowcount == 1
    await _drop_queued(connection, chat_id, "unsubscribed")
    return changed


async def welcome(connection: AsyncConnection, chat_id: int, chat_type: str) -> None:
    """Note that a chat can be reached, whatever was believed before."""
    statement = upsert(chat).values(id=chat_id, type=chat_type)
    reachable = {"type": chat_type, "gone_at": None, "gone_reason": None}
    await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=reachable))


async def mark_gone(connection: AsyncConnection, chat_id: int, reason: str, at: datetime) -> None:
    """Note that a chat cannot be reached; its subscription stays, for the day it comes back."""
    await connection.execute(update(chat).where(chat.c.id == chat_id).values(gone_at=at, gone_reason=reason[:200]))
    await _drop_queued(connection, chat_id, reason)


async def move(connection: AsyncConnection, old: int, new: int, chat_type: str = "supergroup") -> None:
    """Give a chat its new id (a group became a supergroup), with its subscription and what is queued for it."""
    subscribed = (await connection.execute(select(chat.c.subscribed_at).where(chat.c.id == old))).scalar_one_or_none()
    statement = upsert(chat).values(id=new, type=chat_type, subscribed_at=subscribed)
    # The new id may have spoken already; what the old one had subscribed to still holds.
    kept = func.coalesce(chat.c.subscribed_at, statement.excluded.subscribed_at)
    await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_={"subscribed_at": kept}))
    await connection.execute(update(chat).where(chat.c.id == old).values(subscribed_at=None))
    already = select(delivery.c.alert_id).where(delivery.c.chat_id == new)
    waiting = delivery.c.state.in_(("queued", "sending"))
    await connection.execute(
        update(delivery)
        .where(delivery.c.chat_id == old, waiting, delivery.c.alert_id.not_in(already))
        .values(chat_id=new)
    )
    # What is left is queued for the new id already.
    await connection.execute(
        update(delivery).where(delivery.c.chat_id == old, waiting).values(state="gone", error="the chat has moved")
    )


async def find(connection: AsyncConnection, chat_id: int) -> Chat | None:
    """Return one chat, ``None`` if it was never seen."""
    columns = (chat.c.id, chat.c.type, chat.c.subscribed_at, chat.c.gone_at)
    row = (await connection.execute(select(*columns).where(chat.c.id == chat_id))).one_or_none()
    return None if row is None else Chat(*row)


async def subscribers(connection: AsyncConnection) -> Sequence[int]:
    """Return the ids of every chat that gets alerts."""
    query = select(chat.c.id).where(chat.c.subscribed_at.is_not(None), chat.c.gone_at.is_(None)).order_by(chat.c.id)
    return (await connection.execute(query)).scalars().all()


async def _drop_queued(connection: AsyncConnection, chat_id: int, reason: str) -> None:
    queued = (delivery.c.chat_id == chat_id, delivery.c.state == "queued")
    await connection.execute(update(delivery).where(*queued).values(state="gone", error=reason[:500]))
