"""The queue of deliveries: claim, account for how it went, recover. The database is the queue."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import database_now
from storage.ledger import Audience
from storage.schema import alert, chat, delivery, delivery_count, supersession


class State(StrEnum):
    """Where a delivery stands. Queued ones may leave now, held ones later, sending ones may be on their way.

    The others are final, except that an urgent unknown one is queued once more.
    """

    QUEUED = "queued"
    HELD = "held"
    SENDING = "sending"
    SENT = "sent"
    GONE = "gone"
    UNKNOWN = "unknown"
    STOPPED = "stopped"
    SUPERSEDED = "superseded"


WAITING = (State.QUEUED, State.HELD)
UNFINISHED = (*WAITING, State.SENDING)


def is_in(state: State) -> ColumnElement[bool]:
    """Return the condition that a delivery is in a state, written out: only then are the indexes of states used."""
    return delivery.c.state == literal_column(f"'{state}'")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that may be on its way from now on. ``unknowns`` counts earlier copies nobody can vouch for.

    ``attempt`` makes a result the result of this claim and of no other. ``needs_recheck``
    when its chat may not get it after all, or not now.
    """

    id: int
    alert_id: int
    chat_id: int
    attempt: int
    unknowns: int
    needs_recheck: bool = False


async def claim(
    connection: AsyncConnection, limit: int, lease: timedelta, now: datetime | None = None
) -> list[Claimed]:
    """Take the next deliveries of the queue: urgent ones first, then groups and channels, then the oldest.

    Several workers on one database never take the same one. The lease is measured by the database's clock, which
    may have been read a moment ``now`` before.
    """
    until = (now or await database_now(connection)) + lease
    rows = (await connection.execute(_CLAIM, {"most": limit, "until": until})).all()
    # RETURNING keeps no order; an alert has the id of its age.
    ordered = sorted(rows, key=lambda row: (not row.urgent, row.chat_id > 0, row.alert_id, row.id))
    return [Claimed(*row[:-1]) for row in ordered]


# As text: of a column of another table, SQLAlchemy would leave the table's name out here.
_NEEDS_RECHECK = literal_column(
    """EXISTS (
        SELECT 1 FROM alert LEFT JOIN chat ON chat.id = delivery.chat_id
        WHERE alert.id = delivery.alert_id AND (
            alert.stopped_reason IS NOT NULL
            OR alert.audience = 'subscribers' AND (
                chat.id IS NULL OR chat.subscribed_at IS NULL OR chat.gone_at IS NOT NULL OR chat.timezone IS NOT NULL
            )
        )
    )""",
    Boolean(),
)


def _claiming() -> Any:
    # As the index of the queue has it, to the letter.
    is_private = delivery.c.chat_id > literal_column("0")
    order = (delivery.c.urgent.desc(), is_private, delivery.c.alert_id, delivery.c.id)
    most = bindparam("most", type_=BigInteger())
    queued = select(delivery.c.id).where(is_in(State.QUEUED)).order_by(*order).limit(most)
    # As a table of its own it is evaluated once; inside the IN, PostgreSQL might do so again and again.
    due = queued.with_for_update(skip_locked=True).cte("due")
    columns = (delivery.c.id, delivery.c.alert_id, delivery.c.chat_id, delivery.c.attempts, delivery.c.unknowns)
    taken = {"state": State.SENDING, "lease_until": bindparam("until", type_=delivery.c.lease_until.type)}
    return (
        update(delivery)
        .where(delivery.c.id.in_(select(due.c.id)))
        .values(taken | {"attempts": delivery.c.attempts + 1})
        .returning(*columns, _NEEDS_RECHECK, delivery.c.urgent)
    )


# Made once: making it costs more than running it.
_CLAIM = _claiming()


async def mark_sent(connection: AsyncConnection, copies: Sequence[tuple[Claimed, int]], at: datetime) -> None:
    """Store that these arrived, with the ids of their messages, whatever was believed of them meanwhile."""
    rows = [{"b_id": c.id, "b_attempt": c.attempt, "b_message": message_id, "b_at": at} for c, message_id in copies]
    if rows:
        await connection.execute(_SENT, rows)


_SENT = (
    update(delivery)
    .where(delivery.c.id == bindparam("b_id"), delivery.c.attempts == bindparam("b_attempt"))
    .values(
        state=State.SENT,
        finished_at=bindparam("b_at", type_=delivery.c.finished_at.type),
        lease_until=None,
        error=None,
        message_id=bindparam("b_message"),
    )
)


async def finish(connection: AsyncConnection, claimed: Claimed, state: State, at: datetime, error: str) -> None:
    """Store the final state of a delivery that was not sent."""
    values = {"state": state, "finished_at": at, "lease_until": None, "error": error[:500]}
    await connection.execute(update(delivery).where(*_is_our_claim([claimed])).values(values))


async def put_back(
    connection: AsyncConnection,
    claims: Sequence[Claimed],
    at: datetime,
    error: str,
    not_before: datetime | None = None,
) -> None:
    """Queue deliveries again that surely were not sent, or hold them until ``not_before``.

    One whose alert or chat was given up meanwhile stays given up; one that a newer alert replaces is superseded.
    """
    values: dict[str, Any] = {"state": State.QUEUED, "lease_until": None, "error": error[:500]}
    if not_before is not None:
        values |= {"state": State.HELD, "not_before": not_before}
    await connection.execute(update(delivery).where(*_is_our_claim(claims)).values(values))
    await apply_missed_changes(connection, delivery.c.id.in_([c.id for c in claims]), at)


async def apply_missed_changes(connection: AsyncConnection, which: ColumnElement[bool], at: datetime) -> None:
    """Apply to what waits again what happened while it did not wait: nothing of that reached it there."""
    newer = delivery.alias("newer")
    replaced = exists().where(
        supersession.c.older_id == delivery.c.alert_id,
        newer.c.alert_id == supersession.c.newer_id,
        newer.c.chat_id == delivery.c.chat_id,
        newer.c.state.in_((*UNFINISHED, State.SENT)),
    )
    given_up = exists().where(
        alert.c.id == delivery.c.alert_id,
        alert.c.audience == Audience.SUBSCRIBERS,
        chat.c.id == delivery.c.chat_id,
        or_(chat.c.subscribed_at.is_(None), chat.c.gone_at.is_not(None)),
    )
    waiting = (which, delivery.c.state.in_(WAITING))
    superseded = {"state": State.SUPERSEDED, "finished_at": at}
    await connection.execute(update(delivery).where(*waiting, delivery.c.unknowns == 0, replaced).values(superseded))
    is_stopped = exists().where(alert.c.id == delivery.c.alert_id, alert.c.stopped_reason.is_not(None))
    stopped = update(delivery).where(*waiting, is_stopped).values(state=State.STOPPED, finished_at=at)
    alerts = set((await connection.execute(stopped.returning(delivery.c.alert_id))).scalars())
    await requeue_superseded(connection, alerts)
    gone = {"state": State.GONE, "finished_at": at, "error": "unsubscribed or gone while it was on its way"}
    await connection.execute(update(delivery).where(*waiting, given_up).values(gone))


async def mark_unknown(connection: AsyncConnection, claims: Sequence[Claimed], at: datetime, error: str) -> None:
    """Note that nobody can know whether these arrived; an urgent one is queued once more, the others are final."""
    await _unknown(connection, _is_our_claim(claims), at, error)


async def _unknown(connection: AsyncConnection, rows: Sequence[Any], at: datetime, error: str) -> int:
    final = {"state": State.UNKNOWN, "finished_at": at, "lease_until": None, "error": error[:500]}
    counted = {"unknowns": delivery.c.unknowns + 1}
    statement = update(delivery).where(*rows).values(final | counted).returning(delivery.c.id)
    ids = list((await connection.execute(statement)).scalars())
    repeatable = (delivery.c.id.in_(ids), delivery.c.urgent, delivery.c.unknowns == 1)
    once_more = {"state": State.QUEUED, "finished_at": None}
    await connection.execute(update(delivery).where(*repeatable).values(once_more))
    await apply_missed_changes(connection, delivery.c.id.in_(ids), at)
    return len(ids)


async def recover(connection: AsyncConnection, now: datetime, *, everything: bool) -> int:
    """Make every delivery unknown that a dead process left on its way. Returns how many there were.

    With ``everything`` that is each one on its way: no other process can be sending. Otherwise it is each one whose
    lease is over by the database's clock.
    """
    over = true() if everything else delivery.c.lease_until <= await database_now(connection)
    rows = (is_in(State.SENDING), over)
    return await _unknown(connection, rows, now, "the process ended while it was on its way")


async def stop_alert(connection: AsyncConnection, alert_id: int, reason: str, at: datetime) -> None:
    """Stop an alert that Telegram cannot take as we wrote it: nothing more of it is sent, no chat is touched."""
    await connection.execute(update(alert).where(alert.c.id == alert_id).values(stopped_reason=reason[:500]))
    # What is on its way is accounted for when it comes back.
    waiting = (delivery.c.alert_id == alert_id, delivery.c.state.in_(WAITING))
    await connection.execute(update(delivery).where(*waiting).values(state=State.STOPPED, finished_at=at))
    await requeue_superseded(connection, [alert_id])


async def requeue_superseded(connection: AsyncConnection, alert_ids: Collection[int]) -> None:
    """Queue what stopped alerts had replaced, in the chats that did not get them: else they would hear of neither."""
    if not alert_ids:
        return
    mine, stopped = delivery.alias("mine"), alert.alias("stopped")
    replaced = exists().where(
        supersession.c.newer_id.in_(alert_ids),
        supersession.c.older_id == delivery.c.alert_id,
        mine.c.alert_id == supersession.c.newer_id,
        mine.c.chat_id == delivery.c.chat_id,
        mine.c.state == State.STOPPED,
    )
    is_stopped = exists().where(stopped.c.id == delivery.c.alert_id, stopped.c.stopped_reason.is_not(None))
    rows = (is_in(State.SUPERSEDED), replaced, ~is_stopped)
    await connection.execute(update(delivery).where(*rows).values(state=State.QUEUED, finished_at=None))


async def requeue(connection: AsyncConnection, alert_id: int, at: datetime) -> int | None:
    """Owe again whatever of an alert was stopped, and go on owing it; older news it replaces is not sent after it.

    Returns how many deliveries were stopped; ``None`` when there is no such alert.
    """
    goes_on = update(alert).where(alert.c.id == alert_id).values(stopped_reason=None)
    if (await connection.execute(goes_on)).rowcount == 0:
        return None
    stopped = (delivery.c.alert_id == alert_id, is_in(State.STOPPED))
    again = {"state": State.QUEUED, "finished_at": None, "error": None}
    count = (await connection.execute(update(delivery).where(*stopped).values(again))).rowcount
    older = select(supersession.c.older_id).where(supersession.c.newer_id == alert_id)
    for which in (delivery.c.alert_id == alert_id, delivery.c.alert_id.in_(older)):
        await apply_missed_changes(connection, which, at)
    return count


async def age(connection: AsyncConnection, alert_id: int, now: datetime) -> timedelta:
    """Return how long ago an alert was made."""
    made: datetime = (await connection.execute(select(alert.c.created_at).where(alert.c.id == alert_id))).scalar_one()
    return now - made


async def make_plain(connection: AsyncConnection, alert_id: int) -> None:
    """Note that Telegram cannot parse an alert's markup: what is still owed of it goes out as plain text."""
    await connection.execute(update(alert).where(alert.c.id == alert_id).values(plain=True))


async def replaces(connection: AsyncConnection, alert_id: int) -> bool:
    """Return whether an alert replaces older ones where they wait. Known as soon as it is owed to anybody."""
    older = select(supersession.c.older_id).where(supersession.c.newer_id == alert_id).limit(1)
    return (await connection.execute(older)).first() is not None


async def skipped(connection: AsyncConnection, claims: Sequence[Claimed]) -> dict[int, tuple[int, ...]]:
    """Return, by delivery, the ids of the older alerts that these replace in their chats, oldest first."""
    older = delivery.alias("older")
    replaced = (
        select(delivery.c.id, older.c.alert_id)
        .join(supersession, supersession.c.newer_id == delivery.c.alert_id)
        .join(older, (older.c.alert_id == supersession.c.older_id) & (older.c.chat_id == delivery.c.chat_id))
        .where(delivery.c.id.in_([c.id for c in claims]), older.c.state == State.SUPERSEDED)
        .order_by(delivery.c.id, older.c.alert_id)
    )
    found: dict[int, tuple[int, ...]] = {}
    for delivery_id, alert_id in await connection.execute(replaced):
        found[delivery_id] = (*found.get(delivery_id, ()), alert_id)
    return found


async def next_due(connection: AsyncConnection, now: datetime) -> datetime | None:
    """Return when the next waiting delivery may leave (``now`` if one is queued), ``None`` when none waits."""
    queued = select(delivery.c.id).where(is_in(State.QUEUED)).limit(1)
    if (await connection.execute(queued)).first() is not None:
        return now
    return await next_release(connection)


async def next_release(connection: AsyncConnection) -> datetime | None:
    """Return when the next held delivery is due, ``None`` when none is held."""
    query = select(func.min(delivery.c.not_before)).where(is_in(State.HELD))
    due: datetime | None = (await connection.execute(query)).scalar_one()
    return due


async def counts(connection: AsyncConnection) -> dict[State, int]:
    """Return how many deliveries there are or ever were in each state, purged ones included."""
    found: dict[State, int] = {}
    for column, table in ((func.count(), delivery), (func.sum(delivery_count.c.count), delivery_count)):
        for state, count in await connection.execute(select(table.c.state, column).group_by(table.c.state)):
            found[State(state)] = found.get(State(state), 0) + int(count)
    return found


def _is_our_claim(claims: Sequence[Claimed]) -> tuple[Any, ...]:
    mine = tuple_(delivery.c.id, delivery.c.attempts).in_([(c.id, c.attempt) for c in claims])
    return (mine, is_in(State.SENDING))
