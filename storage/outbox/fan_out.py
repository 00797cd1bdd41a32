"""From an alert to a delivery for each of its chats, in slices: whom it supersedes, and whom quiet hours hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, bindparam, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import lock
from storage.ledger import Audience
from storage.outbox.enqueueing import SUPERSEDING, enqueueing, quiet_now
from storage.outbox.recipients import IS_SUBSCRIBED
from storage.outbox.states import State, is_in
from storage.outbox.supersession import superseded_by
from storage.schema import alert, chat, delivery

# Whoever writes waits for one slice, some ten milliseconds; smaller ones cost more than they spare.
SLICE = 3_000
_LONGEST_HOLD = timedelta(hours=49)
_BEFORE_ALL = -(2**63)


async def fan_out(connection: AsyncConnection, now: datetime, size: int = SLICE, operators: Sequence[int] = ()) -> bool:
    """Enqueue the next slice of recipients of the oldest alert that still has some. Returns whether it found work.

    An alert for the operators goes to the ``operators``, subscribed or not.

    Run it in a transaction of its own, again and again: the cursor is stored with the slice, so an interrupted
    fan-out goes on where it stopped, and a repeated slice adds nothing.
    """
    # Alerts are fanned out one after the other, by however many workers: a newer one supersedes older ones.
    await lock(connection, "fan out")
    alert_row = (await connection.execute(_NEXT_ALERT)).one_or_none()
    if alert_row is None:
        return False
    if alert_row.audience == Audience.OPERATORS:
        await _enqueue_for_operators(connection, alert_row, operators, now)
        last = None
    else:
        last = await _enqueue_slice(connection, alert_row, now, size)
    # Once it is done, the id of the last chat is nobody's business.
    progress = {"fanned_out_at": now, "fan_out_cursor": None} if last is None else {"fan_out_cursor": last}
    await connection.execute(update(alert).where(alert.c.id == alert_row.id).values(progress))
    return True


async def release(connection: AsyncConnection, now: datetime, size: int = SLICE) -> int:
    """Queue held deliveries whose time has come, at most ``size`` of them. Returns how many."""
    # Quiet hours hold nothing for longer: a later time was written while the clock was wrong.
    is_over = or_(delivery.c.not_before <= now, delivery.c.not_before > now + _LONGEST_HOLD)
    due = (is_in(State.HELD), is_over)
    ids = select(delivery.c.id).where(*due).order_by(delivery.c.not_before).limit(size)
    chosen = ids.with_for_update(skip_locked=True).cte("due")
    statement = update(delivery).where(delivery.c.id.in_(select(chosen.c.id))).values(state=State.QUEUED)
    return len((await connection.execute(statement.returning(delivery.c.id))).all())


async def _enqueue_for_operators(
    connection: AsyncConnection, alert_row: Any, operators: Sequence[int], now: datetime
) -> None:
    figures = {"alert_id": alert_row.id, "urgent": alert_row.urgent, "state": State.QUEUED, "not_before": now}
    rows = [figures | {"chat_id": chat_id, "attempts": 0, "unknowns": 0} for chat_id in sorted(set(operators))]
    if rows:
        await connection.execute(insert(delivery), rows)


async def _enqueue_slice(connection: AsyncConnection, alert_row: Any, now: datetime, size: int) -> int | None:
    """Enqueue an alert for the next chats; return the last one's id, ``None`` when there are no more."""
    after = _BEFORE_ALL if alert_row.fan_out_cursor is None else alert_row.fan_out_cursor
    last: int | None = (await connection.execute(_LAST_OF_SLICE, {"after": after, "size": size})).scalar_one()
    if last is None:
        return None
    older = await superseded_by(connection, alert_row.id)
    where = {"after": after, "last": last, "now": now}
    quiet = await quiet_now(connection, where)
    values = where | quiet.values | {"kinds": alert_row.kinds, "alert": alert_row.id, "urgent": alert_row.urgent}
    if older:
        # In this order: who was to get an urgent older one gets this one as urgently.
        await connection.execute(enqueueing(connection.dialect.name, True, quiet.size), values | {"older": older})
        await connection.execute(SUPERSEDING, where | {"older": older, "newer": alert_row.id})
    else:
        await connection.execute(enqueueing(connection.dialect.name, False, quiet.size), values)
    return last


# Made once: making one costs as much as running it.
_NEXT_ALERT = (
    select(alert).where(alert.c.fanned_out_at.is_(None), alert.c.stopped_reason.is_(None)).order_by(alert.c.id).limit(1)
)
_LAST_OF_SLICE = select(
    func.max(
        select(chat.c.id)
        .where(*IS_SUBSCRIBED, chat.c.id > bindparam("after", type_=BigInteger()))
        .order_by(chat.c.id)
        .limit(bindparam("size", type_=BigInteger()))
        .subquery()
        .c.id
    )
)
