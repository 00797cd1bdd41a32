"""Which newer alert stands in for which older one: where the older still waits, only the newer is sent."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, insert, select, update

from storage import AsyncConnection
from storage.outbox.states import UNFINISHED, WAITING, Claimed, State, is_in
from storage.schema import alert, delivery, supersession, transition

# Whatever still waits after so long is a month's news: it goes out on its own.
_WITHIN = timedelta(days=30)


async def record_superseded(connection: AsyncConnection, alert_id: int) -> None:
    """Store which older alerts a new one supersedes: those of one change in an episode it tells of, too.

    Call it once, in the transaction that stores the alert.
    """
    newer = (await connection.execute(select(alert).where(alert.c.id == alert_id))).one()
    since = newer.created_at - _WITHIN
    older = (alert.c.id < alert_id, alert.c.audience == newer.audience, alert.c.created_at > since)
    rows = (await connection.execute(select(alert.c.id, alert.c.transitions).where(*older))).all()
    told = {number for row in (newer, *rows) for number in row.transitions}
    query = select(transition.c.id, transition.c.subject).where(transition.c.id.in_(told))
    subjects = {row.id: row.subject for row in await connection.execute(query)}
    mine = {subjects[number] for number in newer.transitions}
    # One that tells of something else as well is not superseded: the newer alert tells only a part of it.
    theirs = {row.id: {subjects[number] for number in row.transitions} for row in rows}
    superseded = [number for number, about in theirs.items() if about and about <= mine]
    if superseded:
        pairs = [{"newer_id": alert_id, "older_id": older_id} for older_id in superseded]
        await connection.execute(insert(supersession), pairs)


async def superseded_by(connection: AsyncConnection, alert_id: int) -> Sequence[int]:
    """Return the ids of the older alerts that an alert supersedes."""
    query = select(supersession.c.older_id).where(supersession.c.newer_id == alert_id)
    return (await connection.execute(query)).scalars().all()


def is_supersedable(row: Any) -> ColumnElement[bool]:
    """Return the condition that a delivery waits and may be superseded.

    One whose first copy may have arrived is on its second: it is not taken back.
    """
    return and_(row.c.state.in_(WAITING), row.c.unknowns == 0)


def has_newer() -> ColumnElement[bool]:
    """Return the condition that a newer alert, sent to the same chat or still to be sent, supersedes a delivery."""
    newer = delivery.alias("newer")
    return exists().where(
        supersession.c.older_id == delivery.c.alert_id,
        newer.c.alert_id == supersession.c.newer_id,
        newer.c.chat_id == delivery.c.chat_id,
        newer.c.state.in_((*UNFINISHED, State.SENT, State.UNKNOWN)),
        delivery.c.unknowns == 0,
    )


async def queue_superseded(connection: AsyncConnection, stopped: Collection[int]) -> None:
    """Queue what these stopped alerts had superseded, in the chats that did not get them: else they hear of neither.

    Where a third alert supersedes it, that is found out when it is claimed.
    """
    newer = delivery.alias("newer")
    uncovered = exists().where(
        supersession.c.newer_id.in_(stopped),
        supersession.c.older_id == delivery.c.alert_id,
        newer.c.alert_id == supersession.c.newer_id,
        newer.c.chat_id == delivery.c.chat_id,
        newer.c.state == State.STOPPED,
    )
    again = update(delivery).where(is_in(State.SUPERSEDED), uncovered).values(state=State.QUEUED, finished_at=None)
    if stopped:
        await connection.execute(again)


async def skipped(connection: AsyncConnection, claims: Sequence[Claimed]) -> dict[int, tuple[int, ...]]:
    """Return, by delivery, the ids of the older alerts that its chat will not get because of it, oldest first."""
    older = delivery.alias("older")
    query = (
        select(delivery.c.id, older.c.alert_id)
        .join(supersession, supersession.c.newer_id == delivery.c.alert_id)
        .join(older, (older.c.alert_id == supersession.c.older_id) & (older.c.chat_id == delivery.c.chat_id))
        .where(delivery.c.id.in_([c.id for c in claims]))
        .where((older.c.state == State.SUPERSEDED) | is_supersedable(older))
        .order_by(delivery.c.id, older.c.alert_id)
    )
    found: dict[int, tuple[int, ...]] = {}
    for delivery_id, alert_id in await connection.execute(query):
        found[delivery_id] = (*found.get(delivery_id, ()), alert_id)
    return found
