"""Who may not get a claimed delivery after all: the queue may be hours long, and people change their minds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.outbox.queue import Claimed, State, requeue_superseded
from storage.outbox.quiet_hours import QuietHours
from storage.schema import alert, chat, delivery


async def admit(connection: AsyncConnection, claims: Sequence[Claimed], now: datetime) -> list[Claimed]:
    """Return the claims that may leave, and account for the others.

    An alert that was stopped, or a chat that has unsubscribed or is gone, gets nothing. In its quiet hours a chat's
    delivery is held. Mostly that is known before anything is queued; here is what changed since, or at the same time.
    """
    doubted = [claimed.id for claimed in claims if claimed.needs_recheck]
    if not doubted:
        return list(claims)
    columns = (
        *(delivery.c.id, delivery.c.alert_id, delivery.c.urgent),
        *(chat.c.timezone, chat.c.quiet_from, chat.c.quiet_until, chat.c.urgent_through),
        (chat.c.subscribed_at.is_not(None) & chat.c.gone_at.is_(None)).label("wanted"),
        alert.c.stopped_reason.is_not(None).label("stopped"),
    )
    query = (
        select(*columns)
        .join(alert, alert.c.id == delivery.c.alert_id)
        .outerjoin(chat, chat.c.id == delivery.c.chat_id)
        .where(delivery.c.id.in_(doubted))
    )
    rows = (await connection.execute(query)).all()
    kept = {row.id: values for row in rows if (values := _instead(row, now))}
    for delivery_id, values in kept.items():
        statement = update(delivery).where(delivery.c.id == delivery_id)
        await connection.execute(statement.values(lease_until=None, **values))
    await requeue_superseded(connection, {row.alert_id for row in rows if row.stopped})
    return [claimed for claimed in claims if claimed.id not in kept]


def _instead(row: Any, now: datetime) -> dict[str, Any]:
    """Return what becomes of a doubtful delivery, nothing when it may leave."""
    if row.stopped:
        return {"state": State.STOPPED, "finished_at": now}
    if not row.wanted:
        return {"state": State.GONE, "finished_at": now, "error": "unsubscribed or gone before it was sent"}
    if row.urgent and row.urgent_through:
        return {}
    until = QuietHours(row.timezone, row.quiet_from, row.quiet_until).held_until(now)
    return {"state": State.HELD, "not_before": until} if until else {}
