"""The queue of deliveries: claim, account for how it went, recover. The database is the queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    String,
    bindparam,
    func,
    literal_column,
    select,
    true,
    tuple_,
    update,
)

from storage import AsyncConnection
from storage.database import database_now
from storage.operator import pause
from storage.outbox.states import WAITING, Claimed, State, is_in
from storage.outbox.supersession import queue_superseded
from storage.schema import alert, delivery, delivery_count


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
            OR EXISTS (SELECT 1 FROM supersession WHERE supersession.older_id = alert.id)
            OR alert.audience <> 'operators' AND (
                chat.id IS NULL OR chat.subscribed_at IS NULL OR chat.gone_at IS NOT NULL OR chat.quiet_from IS NOT NULL
                OR chat.muted_until IS NOT NULL
                OR (alert.kinds <> -1 AND ((chat.loud_kinds | chat.silent_kinds) & alert.kinds) = 0)
            )
        )
    )""",
    Boolean(),
)


# Only groups have topics, and most chats are none.
_TOPIC = literal_column(
    "CASE WHEN delivery.chat_id < 0 THEN (SELECT chat.thread_id FROM chat WHERE chat.id = delivery.chat_id) END",
    BigInteger(),
)
_IS_TOPIC_GONE = literal_column(
    """delivery.chat_id < 0 AND EXISTS (
        SELECT 1 FROM chat WHERE chat.id = delivery.chat_id AND chat.topic_gone_in = delivery.id
    )""",
    Boolean(),
).label("topic_gone")

_IS_SILENT = literal_column(
    """EXISTS (
        SELECT 1 FROM alert JOIN chat ON chat.id = delivery.chat_id
        WHERE alert.id = delivery.alert_id AND alert.audience <> 'operators' AND alert.kinds <> 0
            AND (chat.loud_kinds & alert.kinds) = 0
    )""",
    Boolean(),
).label("silent")
_REPLIES_TO = literal_column(
    """(
        SELECT original.message_id FROM post JOIN delivery AS original ON original.alert_id = post.corrects
        WHERE post.alert_id = delivery.alert_id AND original.chat_id = delivery.chat_id
    )""",
    BigInteger(),
).label("replies_to")

_IS_PICTURED = literal_column(
    "EXISTS (SELECT 1 FROM chat WHERE chat.id = delivery.chat_id AND chat.pictures)", Boolean()
).label("pictured")
_LANGUAGE = literal_column("(SELECT chat.language FROM chat WHERE chat.id = delivery.chat_id)", String())
# As ``Claimed`` has them.
_OF_CHAT = (_TOPIC, _IS_TOPIC_GONE, _IS_SILENT, _REPLIES_TO, _LANGUAGE.label("language"), _IS_PICTURED)


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
        .returning(*columns, _NEEDS_RECHECK, *_OF_CHAT, delivery.c.urgent)
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
    connection: AsyncConnection, claims: Sequence[Claimed], error: str, not_before: datetime | None = None
) -> None:
    """Queue deliveries again that surely were not sent, or hold them until ``not_before``.

    What changed while they were claimed is found out when they are claimed again.
    """
    values: dict[str, Any] = {"state": State.QUEUED, "lease_until": None, "error": error[:500]}
    if not_before is not None:
        values |= {"state": State.HELD, "not_before": not_before}
    await connection.execute(update(delivery).where(*_is_our_claim(claims)).values(values))


async def mark_unknown(connection: AsyncConnection, claims: Sequence[Claimed], at: datetime, error: str) -> None:
    """Note that nobody can know whether these arrived; an urgent one is queued once more, the others are final."""
    await _unknown(connection, _is_our_claim(claims), at, error)


async def _unknown(connection: AsyncConnection, rows: Sequence[Any], at: datetime, error: str) -> Counter[int]:
    final = {"state": State.UNKNOWN, "finished_at": at, "lease_until": None, "error": error[:500]}
    counted = {"unknowns": delivery.c.unknowns + 1}
    statement = update(delivery).where(*rows).values(final | counted).returning(delivery.c.id, delivery.c.alert_id)
    found = (await connection.execute(statement)).all()
    repeatable = (delivery.c.id.in_([row.id for row in found]), delivery.c.urgent, delivery.c.unknowns == 1)
    once_more = {"state": State.QUEUED, "finished_at": None}
    await connection.execute(update(delivery).where(*repeatable).values(once_more))
    return Counter(row.alert_id for row in found)


async def recover(connection: AsyncConnection, now: datetime, *, everything: bool) -> Counter[int]:
    """Make every delivery unknown that a dead process left on its way. Returns how many there were of each alert.

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
    await queue_superseded(connection, [alert_id])


async def requeue(connection: AsyncConnection, alert_id: int) -> int | None:
    """Queue again whatever of an alert was stopped, and go on enqueueing it; older news is not sent after it.

    Returns how many deliveries were stopped; ``None`` when there is no such alert.
    """
    goes_on = update(alert).where(alert.c.id == alert_id).values(stopped_reason=None)
    if (await connection.execute(goes_on)).rowcount == 0:
        return None
    stopped = (delivery.c.alert_id == alert_id, is_in(State.STOPPED))
    again = {"state": State.QUEUED, "finished_at": None, "error": None}
    return (await connection.execute(update(delivery).where(*stopped).values(again))).rowcount


async def is_for(connection: AsyncConnection, alert_id: int, chat_id: int) -> bool:
    """Return whether a chat has a delivery of an alert that is stored still."""
    query = select(delivery.c.id).where(delivery.c.alert_id == alert_id, delivery.c.chat_id == chat_id)
    return (await connection.execute(query)).first() is not None


async def age(connection: AsyncConnection, alert_id: int, now: datetime) -> timedelta:
    """Return how long ago an alert was made."""
    made: datetime = (await connection.execute(select(alert.c.created_at).where(alert.c.id == alert_id))).scalar_one()
    return now - made


async def make_plain(connection: AsyncConnection, alert_id: int) -> None:
    """Note that Telegram cannot parse an alert's markup: what is still owed of it goes out as plain text."""
    await connection.execute(update(alert).where(alert.c.id == alert_id).values(plain=True))


async def next_due(connection: AsyncConnection, now: datetime) -> datetime | None:
    """Return when the next waiting delivery may leave (``now`` if one is queued).

    ``None`` when none waits, or while operators have paused delivery.
    """
    if await pause.since(connection) is not None:
        return None
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
