"""The queue of deliveries: fan out, claim, finish, recover. The database is the queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, func, insert, literal, select, true, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.ledger import Audience
from storage.schema import alert, chat, delivery


class State(StrEnum):
    """Where a delivery stands. The last four are final, except that an unknown urgent one is queued once more."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    GONE = "gone"
    UNKNOWN = "unknown"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that may be on its way from now on. ``unknowns`` counts earlier copies nobody can vouch for."""

    id: int
    alert_id: int
    chat_id: int
    unknowns: int


async def fan_out(
    connection: AsyncConnection, now: datetime, size: int = 20_000, operators: Sequence[int] = ()
) -> bool:
    """Enqueue the next slice of recipients of the oldest alert that still has some. Returns whether it found work.

    An alert for the operators goes to the ``operators``, subscribed or not.

    Run it in a transaction of its own, again and again: the cursor is stored with the slice, so an interrupted
    fan-out goes on where it stopped, and a repeated slice adds nothing.
    """
    pending = select(alert).where(alert.c.fanned_out_at.is_(None)).order_by(alert.c.id).limit(1)
    owed = (await connection.execute(pending)).one_or_none()
    if owed is None:
        return False
    if owed.audience == Audience.OPERATORS:
        await _enqueue(connection, owed, operators, now)
        return True
    bound = _slice(owed.fan_out_cursor, size).subquery()
    end = (await connection.execute(select(func.max(bound.c.id)))).scalar_one()
    instant = delivery.c.not_before.type
    figures = (literal(owed.urgent), literal(State.QUEUED.value), literal(now, instant), literal(0), literal(0))
    # Without a WHERE, SQLite takes the ON of ON CONFLICT for a join's.
    rows = select(literal(owed.id), bound.c.id, *figures).where(true())
    columns = ["alert_id", "chat_id", "urgent", "state", "not_before", "attempts", "unknowns"]
    statement = upsert(delivery).from_select(columns, rows, include_defaults=False)
    await connection.execute(statement.on_conflict_do_nothing(index_elements=["alert_id", "chat_id"]))
    done = {"fanned_out_at": now} if end is None else {"fan_out_cursor": end}
    await connection.execute(update(alert).where(alert.c.id == owed.id).values(done))
    return True


async def _enqueue(connection: AsyncConnection, owed: Any, chats: Sequence[int], now: datetime) -> None:
    figures = {"alert_id": owed.id, "urgent": owed.urgent, "state": State.QUEUED, "not_before": now}
    rows = [figures | {"chat_id": chat_id, "attempts": 0, "unknowns": 0} for chat_id in sorted(set(chats))]
    if rows:
        await connection.execute(insert(delivery), rows)
    await connection.execute(update(alert).where(alert.c.id == owed.id).values(fanned_out_at=now))


def _slice(cursor: int | None, size: int) -> Select[tuple[int]]:
    after = [chat.c.id > cursor] if cursor is not None else []
    reachable = (chat.c.subscribed_at.is_not(None), chat.c.gone_at.is_(None))
    return select(chat.c.id).where(*reachable, *after).order_by(chat.c.id).limit(size)


async def claim(connection: AsyncConnection, now: datetime, limit: int, lease: timedelta) -> list[Claimed]:
    """Take the next deliveries that are due: urgent ones first, then groups and channels, then the oldest."""
    due = (
        select(delivery.c.id)
        .where(delivery.c.state == State.QUEUED, delivery.c.not_before <= now)
        .order_by(delivery.c.urgent.desc(), delivery.c.chat_id > 0, delivery.c.alert_id, delivery.c.id)
        .limit(limit)
    )
    statement = (
        update(delivery)
        .where(delivery.c.id.in_(due))
        .values(state=State.SENDING, lease_until=now + lease, attempts=delivery.c.attempts + 1)
        .returning(delivery.c.id, delivery.c.alert_id, delivery.c.chat_id, delivery.c.unknowns)
    )
    rows = (await connection.execute(statement)).all()
    # RETURNING keeps no order; an alert has the id of its age.
    return sorted((Claimed(*row) for row in rows), key=lambda row: (row.alert_id, row.chat_id > 0, row.id))


async def finish(
    connection: AsyncConnection,
    delivery_id: int,
    state: State,
    at: datetime,
    *,
    message_id: int | None = None,
    error: str | None = None,
) -> None:
    """Store the final state of a delivery."""
    values = {
        "state": state,
        "finished_at": at,
        "lease_until": None,
        "message_id": message_id,
        "error": error,
    }
    await connection.execute(update(delivery).where(delivery.c.id == delivery_id).values(values))


async def put_back(connection: AsyncConnection, delivery_id: int, not_before: datetime, error: str) -> None:
    """Queue a delivery again that surely was not sent, unless its alert or its chat was given up meanwhile."""
    values = {"state": State.QUEUED, "not_before": not_before, "lease_until": None, "error": error}
    still_out = (delivery.c.id == delivery_id, delivery.c.state == State.SENDING)
    await connection.execute(update(delivery).where(*still_out).values(values))


async def mark_unknown(connection: AsyncConnection, ids: Sequence[int], at: datetime, error: str) -> None:
    """Note that nobody can know whether these arrived; an urgent one is queued once more, the others are final."""
    rows = delivery.c.id.in_(ids)
    final = {"state": State.UNKNOWN, "finished_at": at, "lease_until": None, "error": error}
    counted = {"unknowns": delivery.c.unknowns + 1}
    await connection.execute(update(delivery).where(rows).values(final | counted))
    once_more = {"state": State.QUEUED, "not_before": at, "finished_at": None}
    repeatable = (delivery.c.urgent, delivery.c.unknowns == 1, delivery.c.state == State.UNKNOWN)
    await connection.execute(update(delivery).where(rows, *repeatable).values(once_more))


async def recover(connection: AsyncConnection, now: datetime) -> int:
    """Make every delivery unknown that a dead process left on its way. Returns how many there were.

    Called at start, when the database lock proves that no other process is sending.
    """
    query = select(delivery.c.id).where(delivery.c.state == State.SENDING)
    ids = list((await connection.execute(query)).scalars())
    await mark_unknown(connection, ids, now, "the process ended while it was on its way")
    return len(ids)


async def stop_alert(connection: AsyncConnection, alert_id: int, reason: str, at: datetime) -> None:
    """Stop an alert that Telegram cannot take as we wrote it: nothing more of it is sent, no chat is touched."""
    await connection.execute(
        update(alert).where(alert.c.id == alert_id).values(stopped_reason=reason[:500], fanned_out_at=at)
    )
    waiting = (delivery.c.alert_id == alert_id, delivery.c.state.in_((State.QUEUED, State.SENDING)))
    await connection.execute(update(delivery).where(*waiting).values(state=State.STOPPED, finished_at=at))


async def next_due(connection: AsyncConnection) -> datetime | None:
    """Return when the next queued delivery may leave, ``None`` when nothing is queued."""
    query = select(func.min(delivery.c.not_before)).where(delivery.c.state == State.QUEUED)
    due: datetime | None = (await connection.execute(query)).scalar_one()
    return due


async def counts(connection: AsyncConnection) -> dict[State, int]:
    """Return how many deliveries are in each state."""
    query = select(delivery.c.state, func.count()).group_by(delivery.c.state)
    return {State(state): count for state, count in await connection.execute(query)}
