"""Who talks to the bot and who gets its alerts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, literal, select, update

from storage import AsyncConnection
from storage.database import upsert
from storage.ledger import Audience
from storage.outbox.enqueueing import UNTRIED, inserting
from storage.outbox.recipients import of_chat
from storage.outbox.states import WAITING, State
from storage.schema import alert, chat, delivery, post
from storage.settings import board, personal
from storage.watches import listed


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat the bot has seen."""

    id: int
    type: str
    subscribed_at: datetime | None
    gone_at: datetime | None


async def subscribe(
    connection: AsyncConnection, chat_id: int, chat_type: str, at: datetime, thread_id: int | None = None
) -> bool:
    """Subscribe a chat; alerts come to the forum topic ``thread_id``. Returns False when it was subscribed already."""
    await mark_reachable(connection, chat_id, chat_type)
    await connection.execute(update(chat).where(chat.c.id == chat_id).values(thread_id=thread_id, topic_gone_in=None))
    statement = update(chat).where(chat.c.id == chat_id, chat.c.subscribed_at.is_(None))
    return (await connection.execute(statement.values(subscribed_at=at))).rowcount == 1


async def unsubscribe(connection: AsyncConnection, chat_id: int, at: datetime) -> bool:
    """Unsubscribe a chat and drop what is still queued for it. Returns False when it was not subscribed."""
    statement = update(chat).where(chat.c.id == chat_id, chat.c.subscribed_at.is_not(None))
    changed = (await connection.execute(statement.values(subscribed_at=None))).rowcount == 1
    await _drop_queued(connection, chat_id, "unsubscribed", at)
    return changed


async def mark_reachable(connection: AsyncConnection, chat_id: int, chat_type: str) -> None:
    """Note that a chat can be reached, whatever was believed before."""
    statement = upsert(connection, chat).values(id=chat_id, type=chat_type)
    reachable = {"type": chat_type, "gone_at": None, "gone_reason": None}
    await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=reachable))
    await board.resume(connection, chat_id)


async def mark_gone(connection: AsyncConnection, chat_id: int, reason: str, at: datetime) -> None:
    """Note that a chat cannot be reached; its subscription stays, for the day it comes back."""
    await connection.execute(update(chat).where(chat.c.id == chat_id).values(gone_at=at, gone_reason=reason[:200]))
    await _drop_queued(connection, chat_id, reason, at)
    await board.suspend(connection, chat_id)


async def leave_topic(connection: AsyncConnection, chat_id: int, thread_id: int, delivery_id: int) -> None:
    """Let a chat's alerts come to General, as its topic is closed or deleted; the delivery that met that says so."""
    of_topic = (chat.c.id == chat_id, chat.c.thread_id == thread_id)
    await connection.execute(update(chat).where(*of_topic).values(thread_id=None, topic_gone_in=delivery_id))


async def move(connection: AsyncConnection, old: int, new: int, at: datetime, chat_type: str = "supergroup") -> None:
    """Give a chat its new id (a group became a supergroup), with all that is stored of it; the old id is forgotten.

    So a second word of the same move, which may come late, changes nothing.
    """
    own = (await connection.execute(select(*_SETTINGS).where(chat.c.id == old))).mappings().one_or_none()
    settings = dict(own) if own else {"subscribed_at": None}
    statement = upsert(connection, chat).values(id=new, type=chat_type, **settings)
    # The new id may have spoken already; what the old one had subscribed to still holds.
    kept = func.coalesce(chat.c.subscribed_at, statement.excluded.subscribed_at)
    reachable = {"gone_at": None, "gone_reason": None}
    changed = settings | reachable | {"subscribed_at": kept}
    await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changed))
    await _enqueue_missed_by_move(connection, old, new, at)
    already = select(delivery.c.alert_id).where(*of_chat(new))
    # Messages are numbered anew there. What is left behind is owed to the new id already.
    moved = update(delivery).where(*of_chat(old), delivery.c.alert_id.not_in(already))
    await connection.execute(moved.values(chat_id=new, message_id=None))
    await board.move(connection, old, new)
    await listed.move(connection, old, new)
    await personal.forget(connection, old)


_SETTINGS = (
    chat.c.subscribed_at, chat.c.language, chat.c.timezone, chat.c.quiet_from, chat.c.quiet_until,
    chat.c.urgent_through, chat.c.pictures, chat.c.muted_until, chat.c.loud_kinds, chat.c.silent_kinds, chat.c.digest,
    chat.c.digest_hour, chat.c.digest_skips, chat.c.digest_due_at, chat.c.digest_on, chat.c.digest_through,
)  # fmt: skip


async def _enqueue_missed_by_move(connection: AsyncConnection, old: int, new: int, at: datetime) -> None:
    """Enqueue the alerts whose fan-out has passed the new id already and would have come to the old one."""
    between = (alert.c.fan_out_cursor >= new, alert.c.fan_out_cursor < old)
    unfinished = (alert.c.fanned_out_at.is_(None), alert.c.stopped_reason.is_(None))
    original = delivery.alias("original")
    corrected = exists().where(
        post.c.alert_id == alert.c.id, original.c.alert_id == post.c.corrects, original.c.chat_id == old
    )
    is_for_them = (alert.c.audience == Audience.SUBSCRIBERS) | ((alert.c.audience == Audience.CORRECTED) & corrected)
    half_done = (*unfinished, is_for_them, *between)
    figures = (literal(State.QUEUED.value), literal(at, delivery.c.not_before.type), *UNTRIED)
    subscribed = exists().where(chat.c.id == new, chat.c.subscribed_at.is_not(None))
    rows = select(alert.c.id, literal(new), alert.c.urgent, *figures).where(*half_done, subscribed)
    await connection.execute(inserting(connection.dialect.name, rows))


async def find(connection: AsyncConnection, chat_id: int) -> Chat | None:
    """Return one chat, ``None`` if it was never seen."""
    columns = (chat.c.id, chat.c.type, chat.c.subscribed_at, chat.c.gone_at)
    row = (await connection.execute(select(*columns).where(chat.c.id == chat_id))).one_or_none()
    return None if row is None else Chat(*row)


async def subscribers(connection: AsyncConnection) -> Sequence[int]:
    """Return the ids of every chat that gets alerts."""
    query = select(chat.c.id).where(chat.c.subscribed_at.is_not(None), chat.c.gone_at.is_(None)).order_by(chat.c.id)
    return (await connection.execute(query)).scalars().all()


async def _drop_queued(connection: AsyncConnection, chat_id: int, reason: str, at: datetime) -> None:
    waiting = (*of_chat(chat_id), delivery.c.state.in_(WAITING))
    dropped = {"state": State.GONE, "finished_at": at, "error": reason[:500]}
    await connection.execute(update(delivery).where(*waiting).values(dropped))
