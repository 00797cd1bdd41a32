"""Old deliveries become counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, func, select

from storage import AsyncConnection
from storage.database import upsert
from storage.outbox.states import UNFINISHED
from storage.schema import alert, delivery, delivery_count

# A correction replies to the original within this time and stands alone after it.
KEPT = timedelta(days=30)
SLICE = 20_000


async def purge(connection: AsyncConnection, now: datetime, size: int = SLICE) -> int:
    """Fold at most ``size`` deliveries of one alert, finished 30 days ago or earlier, into its counts.

    Returns how many. Run it in a transaction of its own, again and again until it returns 0.
    """
    before = now - KEPT
    old = (delivery.c.state.not_in(UNFINISHED), delivery.c.finished_at <= before)
    has_some = exists().where(delivery.c.alert_id == alert.c.id, *old)
    query = select(alert.c.id).where(alert.c.created_at <= before, has_some).order_by(alert.c.id).limit(1)
    alert_id = (await connection.execute(query)).scalar_one_or_none()
    if alert_id is None:
        return 0
    ids = select(delivery.c.id).where(delivery.c.alert_id == alert_id, *old).limit(size)
    # FOR UPDATE: two workers never count the same one twice.
    chosen = ids.with_for_update(skip_locked=True).cte("old")
    gone = delete(delivery).where(delivery.c.id.in_(select(chosen.c.id))).returning(delivery.c.state)
    folded: dict[str, int] = {}
    for state in (await connection.execute(gone)).scalars():
        folded[state] = folded.get(state, 0) + 1
    await count(connection, alert_id, folded)
    return sum(folded.values())


async def count(connection: AsyncConnection, alert_id: int, folded: Mapping[str, int]) -> None:
    """Add to an alert's counts the deliveries in each state that are not stored one by one any more."""
    for state, number in folded.items():
        statement = upsert(connection, delivery_count).values(alert_id=alert_id, state=state, count=number)
        added = {"count": delivery_count.c.count + statement.excluded.count}
        await connection.execute(statement.on_conflict_do_update(index_elements=["alert_id", "state"], set_=added))


async def stored(connection: AsyncConnection) -> int:
    """Return how many deliveries are stored one by one."""
    return int((await connection.execute(select(func.count()).select_from(delivery))).scalar_one())
