"""Which claimed deliveries may not be sent after all: the queue may be hours long, and much changes meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from storage import AsyncConnection
from storage.ledger import Audience
from storage.outbox.digests import DIGEST
from storage.outbox.quiet_hours import QuietHours
from storage.outbox.recipients import wants
from storage.outbox.states import Claimed, State
from storage.outbox.supersession import has_newer, queue_superseded
from storage.schema import alert, chat, delivery
from storage.settings.digest_times import Cadence, DigestTimes

# So long after its hour a digest still comes at it, whatever hours are quiet.
_ITS_HOUR = timedelta(hours=1)


async def admit(connection: AsyncConnection, claims: Sequence[Claimed], now: datetime) -> list[Claimed]:
    """Return the claims that may be sent, and store what becomes of the others.

    Nothing is sent of an alert that was stopped, of one that a newer alert supersedes in its chat, or to a chat that
    has unsubscribed, is muted, wants no such kind or is gone. In its quiet hours a chat's delivery is held, but for a
    digest in the hour that the chat has chosen for it. Mostly all that is known before anything is queued; this finds
    what changed since then, or at the same time.
    """
    doubted = [claimed.id for claimed in claims if claimed.needs_recheck]
    if not doubted:
        return list(claims)
    columns = (
        *(delivery.c.id, delivery.c.alert_id, delivery.c.urgent),
        wants(alert.c.kinds).label("chosen"),
        (alert.c.audience == Audience.CORRECTED).label("corrects"),
        *(alert.c.kind, chat.c.digest, chat.c.digest_hour),
        *(chat.c.muted_until, chat.c.timezone, chat.c.quiet_from, chat.c.quiet_until, chat.c.urgent_through),
        alert.c.stopped_reason.is_not(None).label("stopped"),
        has_newer().label("superseded"),
        (chat.c.subscribed_at.is_not(None) & chat.c.gone_at.is_(None)).label("wanted"),
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
    await queue_superseded(connection, {row.alert_id for row in rows if row.stopped})
    return [claimed for claimed in claims if claimed.id not in kept]


def _instead(row: Any, now: datetime) -> dict[str, Any]:
    """Return what is stored of a delivery that may not be sent, nothing when it may."""
    if row.stopped:
        return {"state": State.STOPPED, "finished_at": now}
    if row.superseded:
        return {"state": State.SUPERSEDED, "finished_at": now}
    if not row.wanted:
        return {"state": State.GONE, "finished_at": now, "error": "unsubscribed or gone before it was sent"}
    is_muted = row.muted_until is not None and row.muted_until > now
    is_chosen = row.digest is not None if row.kind == DIGEST else row.chosen
    # Whoever was told what is wrong is told what is right.
    if not is_chosen or (is_muted and not row.corrects):
        return {"state": State.GONE, "finished_at": now, "error": "muted or not wanted any more before it was sent"}
    if row.quiet_from is None or (row.urgent and row.urgent_through):
        return {}
    if row.kind == DIGEST and _is_its_hour(DigestTimes(row.timezone, row.digest_hour, Cadence(row.digest)), now):
        return {}
    until = QuietHours(row.timezone, row.quiet_from, row.quiet_until).held_until(now)
    return {"state": State.HELD, "not_before": until} if until else {}


def _is_its_hour(times: DigestTimes, now: datetime) -> bool:
    return now - times.due_at(times.last(now)) < _ITS_HOUR
