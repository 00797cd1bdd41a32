"""From an alert to a delivery for each of its chats, in slices: whom it replaces, and whom quiet hours hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    and_,
    bindparam,
    exists,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import lock
from storage.ledger import Audience
from storage.outbox.queue import WAITING, State, apply_missed_changes, is_in
from storage.outbox.quiet_hours import QuietHours
from storage.schema import alert, chat, delivery, supersession, transition

SLICE = 20_000
# Whatever still waits after so long is a month's news: it goes out on its own.
_REPLACEABLE = timedelta(days=30)
_LONGEST_HOLD = timedelta(hours=25)


async def fan_out(connection: AsyncConnection, now: datetime, size: int = SLICE, operators: Sequence[int] = ()) -> bool:
    """Enqueue the next slice of recipients of the oldest alert that still has some. Returns whether it found work.

    An alert for the operators goes to the ``operators``, subscribed or not.

    Run it in a transaction of its own, again and again: the cursor is stored with the slice, so an interrupted
    fan-out goes on where it stopped, and a repeated slice adds nothing.
    """
    # Alerts are fanned out one after the other, by however many workers: a newer one replaces older ones.
    await lock(connection, "fan out")
    unfinished = (alert.c.fanned_out_at.is_(None), alert.c.stopped_reason.is_(None))
    alert_row = (await connection.execute(select(alert).where(*unfinished).order_by(alert.c.id).limit(1))).one_or_none()
    if alert_row is None:
        return False
    if alert_row.audience == Audience.OPERATORS:
        await _enqueue(connection, alert_row, operators, now)
        return True
    if alert_row.fan_out_cursor is None:
        await _note_replaced(connection, alert_row)
    last = await _last_of_slice(connection, alert_row.fan_out_cursor, size)
    if last is None:
        await connection.execute(update(alert).where(alert.c.id == alert_row.id).values(fanned_out_at=now))
        return True
    among = _between(alert_row.fan_out_cursor, last)
    older = select(supersession.c.older_id).where(supersession.c.newer_id == alert_row.id)
    replaces = (await connection.execute(older.limit(1))).first() is not None
    await _insert(connection, alert_row, among, now, _replaced(older.scalar_subquery()) if replaces else None)
    if replaces:
        waiting = (delivery.c.alert_id.in_(older), among(delivery.c.chat_id), _replaceable(delivery))
        superseded = {"state": State.SUPERSEDED, "finished_at": now}
        await connection.execute(update(delivery).where(*waiting).values(superseded))
    newer = select(supersession.c.newer_id).where(supersession.c.older_id == alert_row.id).limit(1)
    if (await connection.execute(newer)).first() is not None:
        # It goes on after it was stopped: newer news may have been sent already.
        await apply_missed_changes(
            connection, and_(delivery.c.alert_id == alert_row.id, among(delivery.c.chat_id)), now
        )
    await _hold_for_quiet_hours(connection, alert_row.id, among, now)
    await connection.execute(update(alert).where(alert.c.id == alert_row.id).values(fan_out_cursor=last))
    return True


async def release(connection: AsyncConnection, now: datetime, size: int = SLICE) -> int:
    """Queue held deliveries whose time has come, at most ``size`` of them. Returns how many."""
    # Nothing is held for longer than a day: a later time was written while the clock was wrong.
    is_over = or_(delivery.c.not_before <= now, delivery.c.not_before > now + _LONGEST_HOLD)
    due = (is_in(State.HELD), is_over)
    ids = select(delivery.c.id).where(*due).order_by(delivery.c.not_before).limit(size)
    chosen = ids.with_for_update(skip_locked=True).cte("due")
    statement = update(delivery).where(delivery.c.id.in_(select(chosen.c.id))).values(state=State.QUEUED)
    return len((await connection.execute(statement.returning(delivery.c.id))).all())


class _Between:
    """The condition that a chat id belongs to the slice."""

    def __init__(self, after: int | None, last: int) -> None:
        self._after, self._last = after, last

    def __call__(self, column: Any) -> ColumnElement[bool]:
        upto: ColumnElement[bool] = column <= self._last
        return upto if self._after is None else and_(column > self._after, upto)


def _between(after: int | None, last: int) -> _Between:
    return _Between(after, last)


async def _last_of_slice(connection: AsyncConnection, after: int | None, size: int) -> int | None:
    reachable: list[ColumnElement[bool]] = [chat.c.subscribed_at.is_not(None), chat.c.gone_at.is_(None)]
    if after is not None:
        reachable.append(chat.c.id > after)
    ids = select(chat.c.id).where(*reachable).order_by(chat.c.id).limit(size).subquery()
    last: int | None = (await connection.execute(select(func.max(ids.c.id)))).scalar_one()
    return last


async def _insert(
    connection: AsyncConnection, alert_row: Any, among: _Between, now: datetime, replaced: ColumnElement[bool] | None
) -> None:
    # Whoever was alert_row an urgent one that this one replaces is alert_row this one as urgently.
    urgent = literal(alert_row.urgent) if replaced is None else or_(literal(alert_row.urgent), replaced)
    figures = (urgent, literal(State.QUEUED.value), literal(now, delivery.c.not_before.type), literal(0), literal(0))
    recipients = (chat.c.subscribed_at.is_not(None), chat.c.gone_at.is_(None), among(chat.c.id))
    rows = select(literal(alert_row.id), chat.c.id, *figures).where(*recipients).order_by(chat.c.id)
    columns = ["alert_id", "chat_id", "urgent", "state", "not_before", "attempts", "unknowns"]
    statement = upsert(delivery).from_select(columns, rows, include_defaults=False)
    await connection.execute(statement.on_conflict_do_nothing(index_elements=["alert_id", "chat_id"]))


def _replaceable(row: Any) -> ColumnElement[bool]:
    # One whose first copy may have arrived is on its second: it is not taken back.
    return and_(row.c.state.in_(WAITING), row.c.unknowns == 0)


def _replaced(older: Any) -> ColumnElement[bool]:
    earlier = delivery.alias("earlier")
    return exists().where(
        earlier.c.alert_id.in_(older), earlier.c.chat_id == chat.c.id, earlier.c.urgent, _replaceable(earlier)
    )


async def _note_replaced(connection: AsyncConnection, alert_row: Any) -> None:
    """Note which older alerts this one replaces where they wait: those of one change in an episode it tells of too."""
    older = (
        alert.c.id < alert_row.id,
        alert.c.audience == alert_row.audience,
        alert.c.created_at > alert_row.created_at - _REPLACEABLE,
    )
    alerts = (await connection.execute(select(alert.c.id, alert.c.transitions).where(*older))).all()
    subjects = await _subjects(connection, [alert_row.transitions, *(row.transitions for row in alerts)])
    mine = {subjects[number] for number in alert_row.transitions}
    # A summary of several is left as it is.
    replaced = [row.id for row in alerts if len(row.transitions) == 1 and subjects[row.transitions[0]] in mine]
    if replaced:
        rows = [{"newer_id": alert_row.id, "older_id": older_id} for older_id in replaced]
        await connection.execute(upsert(supersession).on_conflict_do_nothing(), rows)


async def _subjects(connection: AsyncConnection, lists: Sequence[Sequence[int]]) -> dict[int, str]:
    ids = {number for numbers in lists for number in numbers}
    query = select(transition.c.id, transition.c.subject).where(transition.c.id.in_(ids))
    return {row.id: row.subject for row in await connection.execute(query)}


async def _hold_for_quiet_hours(connection: AsyncConnection, alert_id: int, among: _Between, now: datetime) -> None:
    columns = (chat.c.id, chat.c.urgent_through, chat.c.timezone, chat.c.quiet_from, chat.c.quiet_until)
    quiet = select(*columns).where(among(chat.c.id), chat.c.timezone.is_not(None))
    # There are few different hours and many chats: each is worked out once, each row found by its unique index.
    until = cache(lambda *hours: QuietHours(*hours).held_until(now))
    found = [(row, until(*row[2:])) for row in (await connection.execute(quiet)).all()]
    held = [{"b_chat": row.id, "b_through": row.urgent_through, "b_until": end} for row, end in found if end]
    if held:
        rows = (
            delivery.c.alert_id == alert_id,
            delivery.c.chat_id == bindparam("b_chat"),
            is_in(State.QUEUED),
            or_(delivery.c.urgent == false(), bindparam("b_through", type_=Boolean()) == false()),
        )
        values = {"state": State.HELD, "not_before": bindparam("b_until", type_=delivery.c.not_before.type)}
        await connection.execute(update(delivery).where(*rows).values(values), held)


async def _enqueue(connection: AsyncConnection, alert_row: Any, chats: Sequence[int], now: datetime) -> None:
    figures = {"alert_id": alert_row.id, "urgent": alert_row.urgent, "state": State.QUEUED, "not_before": now}
    rows = [figures | {"chat_id": chat_id, "attempts": 0, "unknowns": 0} for chat_id in sorted(set(chats))]
    if rows:
        await connection.execute(insert(delivery), rows)
    await connection.execute(update(alert).where(alert.c.id == alert_row.id).values(fanned_out_at=now))
