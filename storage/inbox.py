"""The inbox: Telegram's updates as they arrived, each kept until it is handled; the mirror of the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, exists, select, update

from storage import AsyncConnection
from storage.database import database_now, lock, upsert
from storage.schema import received_update

# Telegram keeps an update for a day; one that comes again within that time must still be known.
_KEPT = timedelta(days=2)
# Nobody answers for longer.
_ANSWERED_WITHIN = timedelta(minutes=10)
_ROW = received_update.c
NOBODY = 0
"""The chat of an update that belongs to none, or to none any more."""
_DROPPED = {"body": None, "lease_until": None, "chat_id": NOBODY}
_IS_OPEN = _ROW.body.is_not(None)
_IS_WAITING = (_IS_OPEN, _ROW.handled_at.is_(None))

# What every update needs, made once: making it costs more than running it.
_AT = bindparam("at", type_=_ROW.handled_at.type)
_IS_IT = _ROW.update_id == bindparam("of", type_=_ROW.update_id.type)
_OLDEST = (
    select(_ROW.update_id, _ROW.chat_id, _ROW.body)
    .where(_ROW.chat_id == bindparam("of", type_=_ROW.chat_id.type), *_IS_WAITING)
    .order_by(_ROW.update_id)
    .limit(1)
)
_MARK_HANDLED = update(received_update).where(_IS_IT, _ROW.handled_at.is_(None)).values(handled_at=_AT)
_FINISH = update(received_update).where(_IS_IT).values(_DROPPED | {"handled_at": _AT})


@dataclass(frozen=True, slots=True)
class Received:
    """An update as it arrived. ``chat_id`` is ``NOBODY`` when it belongs to no chat; ``body`` is Telegram's JSON."""

    update_id: int
    chat_id: int
    body: bytes


async def store(connection: AsyncConnection, received: Sequence[Received]) -> None:
    """Store updates; one that is known already is ignored, handled or not."""
    rows = [{"update_id": one.update_id, "chat_id": one.chat_id, "body": one.body} for one in received]
    if rows:
        await connection.execute(upsert(connection, received_update).on_conflict_do_nothing(), rows)


async def waiting_chats(connection: AsyncConnection) -> Sequence[int]:
    """Return the ids of the chats that have an update which is not handled."""
    return (await connection.execute(select(_ROW.chat_id).where(*_IS_WAITING).distinct())).scalars().all()


async def take(connection: AsyncConnection, chat_id: int, lease: timedelta | None = None) -> Received | None:
    """Return the oldest update of a chat that is not handled, ``None`` when there is none.

    Where several processes handle updates each takes with a lease: until that is over, by the database's clock, or
    the update is finished, nobody else takes any update of the chat.
    """
    until = None
    if lease is not None:
        # Nobody else may take or finish in between, or both could see nothing to do.
        await lock(connection, f"updates of chat {chat_id}")
        now = await database_now(connection)
        is_taken = select(exists().where(_ROW.chat_id == chat_id, _IS_OPEN, _ROW.lease_until > now))
        if (await connection.execute(is_taken)).scalar_one():
            return None
        until = now + lease
    row = (await connection.execute(_OLDEST, {"of": chat_id})).one_or_none()
    if row is None:
        return None
    if until is not None:
        taken = update(received_update).where(_ROW.update_id == row.update_id)
        await connection.execute(taken.values(lease_until=until))
    return Received(*row)


async def mark_handled(connection: AsyncConnection, update_id: int, at: datetime) -> bool:
    """Note, in the transaction of its effect, that an update is handled. Returns False when it was before.

    Its chat stays taken until ``finish``: the answer is still to be given.
    """
    return (await connection.execute(_MARK_HANDLED, {"of": update_id, "at": at})).rowcount == 1


async def finish(connection: AsyncConnection, update_id: int, at: datetime) -> None:
    """Note that an update is handled and answered: the next one of its chat may be taken.

    What it said is dropped, and whose it was.
    """
    await connection.execute(_FINISH, {"of": update_id, "at": at})


async def forget_handled(connection: AsyncConnection, now: datetime) -> int:
    """Delete the updates that were handled two days ago or earlier and cannot come again. Returns how many.

    Of those that were never answered, because their process was killed in between, what they said is dropped.
    """
    unanswered = update(received_update).where(_IS_OPEN, _ROW.handled_at < now - _ANSWERED_WITHIN)
    await connection.execute(unanswered.values(_DROPPED))
    return (await connection.execute(delete(received_update).where(_ROW.handled_at < now - _KEPT))).rowcount
