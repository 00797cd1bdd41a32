"""From an alert to a delivery for each of its chats, in slices: whom it supersedes, and whom quiet hours hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    bindparam,
    exists,
    false,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    update,
)

from storage import AsyncConnection
from storage.database import lock, upsert
from storage.ledger import Audience
from storage.outbox.quiet_hours import QuietHours
from storage.outbox.recipients import IS_SUBSCRIBED, is_recipient
from storage.outbox.states import State, is_in
from storage.outbox.supersession import is_supersedable, superseded_by
from storage.schema import alert, chat, delivery

# Whoever writes waits for one slice, some milliseconds; smaller ones cost more than they spare.
SLICE = 1_500
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
    asked = {"after": after, "last": last, "kinds": alert_row.kinds, "now": now}
    values = asked | {"alert": alert_row.id, "urgent": alert_row.urgent}
    if older:
        # In this order: who was to get an urgent older one gets this one as urgently.
        await connection.execute(_enqueueing(connection, _URGENT_TOO), values | {"older": older})
        replaced = {"after": after, "last": last, "now": now, "older": older, "b_alert": alert_row.id}
        await connection.execute(_SUPERSEDE, replaced)
    else:
        await connection.execute(_enqueueing(connection, _URGENT), values)
    await _hold_for_quiet_hours(connection, alert_row.id, asked)
    return last


async def _hold_for_quiet_hours(connection: AsyncConnection, alert_id: int, asked: dict[str, Any]) -> None:
    quiet, now = (await connection.execute(_QUIET, asked)).all(), asked["now"]
    # There are few different hours and many chats: each is worked out once, and held by one statement.
    until = cache(lambda *hours: QuietHours(*hours).held_until(now))
    held: dict[tuple[datetime, bool], list[int]] = {}
    for chat_id, is_through, *hours in quiet:
        if end := until(*hours):
            held.setdefault((end, is_through), []).append(chat_id)
    for (end, is_through), chats in held.items():
        values = {"b_alert": alert_id, "b_chats": chats, "b_through": is_through, "b_until": end}
        await connection.execute(_HOLD, values)


def _in_slice(column: Any) -> Any:
    return (column > bindparam("after", type_=BigInteger())) & (column <= bindparam("last", type_=BigInteger()))


def _enqueueing(connection: AsyncConnection, urgent: Any) -> Any:
    figures: tuple[Any, ...] = (
        literal_column("'queued'"),
        bindparam("now", type_=delivery.c.not_before.type),
        literal(0),
        literal(0),
    )
    rows = (
        select(bindparam("alert", type_=BigInteger()), chat.c.id, urgent, *figures)
        .where(*is_recipient(), _in_slice(chat.c.id))
        .order_by(chat.c.id)
    )
    columns = ["alert_id", "chat_id", "urgent", "state", "not_before", "attempts", "unknowns"]
    statement = upsert(connection, delivery).from_select(columns, rows, include_defaults=False)
    return statement.on_conflict_do_nothing(index_elements=["alert_id", "chat_id"])


def _had_urgent_one() -> Any:
    earlier = delivery.alias("earlier")
    return exists().where(
        earlier.c.alert_id.in_(_OLDER), earlier.c.chat_id == chat.c.id, earlier.c.urgent, is_supersedable(earlier)
    )


# Made once: making one costs as much as running it.
_OLDER: Any = bindparam("older", expanding=True)
_URGENT = bindparam("urgent", type_=Boolean())
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
_URGENT_TOO = or_(_URGENT, _had_urgent_one())
_newer = delivery.alias("newer")
# Where a chat wants the older alert and not the newer, the older still goes out.
_GETS_NEWER = exists().where(_newer.c.alert_id == bindparam("b_alert"), _newer.c.chat_id == delivery.c.chat_id)
_SUPERSEDE = (
    update(delivery)
    .where(delivery.c.alert_id.in_(_OLDER), _in_slice(delivery.c.chat_id), is_supersedable(delivery), _GETS_NEWER)
    .values(state=State.SUPERSEDED, finished_at=bindparam("now", type_=delivery.c.finished_at.type))
)
_QUIET = select(chat.c.id, chat.c.urgent_through, chat.c.timezone, chat.c.quiet_from, chat.c.quiet_until).where(
    *is_recipient(), _in_slice(chat.c.id), chat.c.quiet_from.is_not(None)
)
_HOLD = (
    update(delivery)
    .where(
        delivery.c.alert_id == bindparam("b_alert"),
        delivery.c.chat_id.in_(bindparam("b_chats", expanding=True)),
        is_in(State.QUEUED),
        or_(delivery.c.urgent == false(), bindparam("b_through", type_=Boolean()) == false()),
    )
    .values(state=State.HELD, not_before=bindparam("b_until", type_=delivery.c.not_before.type))
)
