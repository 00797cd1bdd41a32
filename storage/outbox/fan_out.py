"""From an alert to a delivery for each of its chats, in slices: whom it supersedes, and whom quiet hours hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, bindparam, exists, func, insert, literal, or_, select, update

from storage import AsyncConnection
from storage.database import lock
from storage.ledger import Audience
from storage.outbox.enqueueing import SUPERSEDING, enqueueing, quiet_now
from storage.outbox.recipients import IS_SUBSCRIBED
from storage.outbox.states import State, is_in
from storage.outbox.supersession import superseded_by
from storage.schema import alert, chart, chat, delivery, post, supersession

# Whoever writes waits for one slice, some seven milliseconds, and while there is somebody for a short one, some two.
# Short ones alone would take twice as long, without the pauses between them.
SLICE, SHORT_SLICE = 3_000, 500
# The charts of an evening take some five seconds after its alerts are stored, and longer on a busy machine.
DRAWN_WITHIN = timedelta(minutes=1)
_LONGEST_HOLD = timedelta(hours=49)
_BEFORE_ALL = -(2**63)


@dataclass(frozen=True, slots=True)
class Slice:
    """What was enqueued: some chats of an alert, or the last ones."""

    alert_id: int
    is_last: bool


async def fan_out(
    connection: AsyncConnection, now: datetime, size: int = SLICE, operators: Sequence[int] = ()
) -> Slice | None:
    """Enqueue the next slice of recipients of the oldest alert that still has some; ``None`` where none has.

    An alert for the operators goes to the ``operators``, subscribed or not.

    Run it in a transaction of its own, again and again: the cursor is stored with the slice, so an interrupted
    fan-out goes on where it stopped, and a repeated slice adds nothing.
    """
    # Alerts are fanned out one after the other, by however many workers: a newer one supersedes older ones.
    await lock(connection, "fan out")
    owed = (await connection.execute(_NEXT_SLICE, {"size": size})).one_or_none()
    if owed is None:
        return None
    last = None if owed.audience == Audience.OPERATORS else owed.last
    if owed.audience == Audience.OPERATORS:
        await _enqueue_for_operators(connection, owed, operators, now)
    elif last is not None:
        await _enqueue_slice(connection, owed, now)
    # Once it is done, the id of the last chat is nobody's business.
    progress = {"fanned_out_at": now, "fan_out_cursor": None} if last is None else {"fan_out_cursor": last}
    await connection.execute(update(alert).where(alert.c.id == owed.id).values(progress))
    return Slice(owed.id, is_last=last is None)


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
    connection: AsyncConnection, owed: Any, operators: Sequence[int], now: datetime
) -> None:
    figures = {"alert_id": owed.id, "urgent": owed.urgent, "state": State.QUEUED, "not_before": now}
    rows = [figures | {"chat_id": chat_id, "attempts": 0, "unknowns": 0} for chat_id in sorted(set(operators))]
    if rows:
        await connection.execute(insert(delivery), rows)


async def _enqueue_slice(connection: AsyncConnection, owed: Any, now: datetime) -> None:
    """Enqueue an alert for the chats from the one after ``owed.after`` to ``owed.last``."""
    where = {"after": owed.after, "last": owed.last, "now": now}
    quiet = await quiet_now(connection, where)
    dialect, drawn_by = connection.dialect.name, owed.created_at + DRAWN_WITHIN
    draws = owed.is_to_be_drawn and drawn_by > now
    values: dict[str, Any] = {"drawn_by": drawn_by} if draws else {}
    values |= where | quiet.values | {"kinds": owed.kinds, "alert": owed.id, "urgent": owed.urgent}
    if owed.supersedes:
        older = await superseded_by(connection, owed.id)
        # In this order: who was to get an urgent older one gets this one as urgently.
        corrects = owed.audience == Audience.CORRECTED
        statement = enqueueing(dialect, True, quiet.size, corrects, draws)
        values |= {"older": older} | ({"corrects": owed.corrects} if corrects else {})
        await connection.execute(statement, values)
        await connection.execute(SUPERSEDING, where | {"older": older, "newer": owed.id})
    else:
        await connection.execute(enqueueing(dialect, False, quiet.size, draws=draws), values)


def _next_slice() -> Any:
    """Return the query for the oldest alert that is still owed to chats, and for the next of these, in one."""
    after = func.coalesce(alert.c.fan_out_cursor, literal(_BEFORE_ALL, BigInteger()))
    following = select(chat.c.id).where(*IS_SUBSCRIBED, chat.c.id > after).order_by(chat.c.id)
    chats = following.limit(bindparam("size", type_=BigInteger())).correlate(alert).subquery()
    last = select(func.max(chats.c.id)).scalar_subquery()
    supersedes = exists().where(supersession.c.newer_id == alert.c.id)
    corrects = select(post.c.corrects).where(post.c.alert_id == alert.c.id).scalar_subquery().label("corrects")
    is_drawn = exists().where(chart.c.name == alert.c.chart, chart.c.through >= alert.c.session)
    is_to_be_drawn = (alert.c.chart.is_not(None) & ~is_drawn).label("is_to_be_drawn")
    columns = (alert.c.id, alert.c.urgent, alert.c.audience, alert.c.kinds, alert.c.created_at, corrects)
    more = (is_to_be_drawn, after.label("after"), last.label("last"), supersedes.label("supersedes"))
    query = select(*columns, *more)
    unfinished = (alert.c.fanned_out_at.is_(None), alert.c.stopped_reason.is_(None))
    return query.where(*unfinished).order_by(alert.c.id).limit(1)


# Made once: making it costs as much as running it.
_NEXT_SLICE = _next_slice()
