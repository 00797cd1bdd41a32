"""The digests that are due: enqueued in slices for all chats that get the same one, in the statement that says so."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, update

from storage import AsyncConnection, ledger, market
from storage.database import lock
from storage.outbox.enqueueing import inserting, queued
from storage.outbox.recipients import IS_SUBSCRIBED
from storage.schema import chat
from storage.settings.digest_times import Cadence, DigestTimes

DIGEST = "digest"
"""The kind of a digest; the facts of one are sessions: ``after``, ``through`` and, if there is one, ``undecided``."""
SLICE = 3_000
_LONGEST_AHEAD = timedelta(days=9)
_SAME = (
    chat.c.digest_due_at, chat.c.timezone, chat.c.digest, chat.c.digest_hour, chat.c.digest_skips,
    chat.c.digest_through,
)  # fmt: skip
"""What the chats have in common that get the same digest at the same time."""


async def enqueue(connection: AsyncConnection, now: datetime, size: int = SLICE) -> bool:
    """Enqueue the next slice of digests that are due. Returns whether it found work.

    Run it in a transaction of its own, again and again: with the deliveries of a slice is stored when its chats are
    due next, so an interrupted run goes on where it stopped, and after any time without one each chat gets one.
    """
    await lock(connection, "digests")
    first = await _first(connection, chat.c.digest_due_at <= now)
    # None is due later than so: what is was written while the clock was wrong.
    first = first or await _first(connection, chat.c.digest_due_at > now + _LONGEST_AHEAD)
    if first is None:
        return False
    # ``IS NULL`` where it is: no index serves a comparison that could be either.
    same = ((column, first._mapping[column.name]) for column in _SAME)
    group = tuple(column.is_(None) if value is None else column == value for column, value in same)
    ids = select(chat.c.id).where(*group).order_by(chat.c.id).limit(size).subquery()
    last = (await connection.execute(select(func.max(ids.c.id)))).scalar_one()
    of_slice = (*group, chat.c.id <= last)
    times = DigestTimes(first.timezone, first.digest_hour, Cadence(first.digest))
    day, through = times.last(now), await ledger.newest_session(connection)
    if through is not None:
        after = first.digest_through or through
        if not first.digest_skips or await ledger.changes_between(connection, after, through):
            alert_id = await _edition(connection, day, after, through, now)
            await _insert(connection, alert_id, of_slice, now)
    done = {"digest_on": day, "digest_through": through, "digest_due_at": times.due_at(times.following(now, day))}
    await connection.execute(update(chat).where(*of_slice).values(done))
    return True


async def _first(connection: AsyncConnection, due: ColumnElement[bool]) -> Any:
    query = select(chat.c.id, *_SAME).where(due).order_by(chat.c.digest_due_at, chat.c.id).limit(1)
    return (await connection.execute(query)).one_or_none()


async def next_due(connection: AsyncConnection) -> datetime | None:
    """Return when the next digest of any chat is due."""
    query = select(func.min(chat.c.digest_due_at)).where(chat.c.digest_due_at.is_not(None))
    due: datetime | None = (await connection.execute(query)).scalar_one()
    return due


async def _edition(connection: AsyncConnection, day: date, after: date, through: date, now: datetime) -> int:
    """Return the id of the alert that is the digest of a day of what changed between two sessions."""
    facts = {"after": after.isoformat(), "through": through.isoformat()}
    agenda = (found := await market.load_market(connection)) and found.agenda
    if agenda and agenda.next_decision_at < now:
        facts["undecided"] = agenda.next_session.isoformat()
    values: dict[str, Any] = {"key": f"{DIGEST}:{day}:{after}:{through}", "kind": DIGEST, "urgent": False}
    # No kind that a chat can choose; nor is it fanned out to all who want one.
    values |= {"session": through, "transitions": [], "facts": facts, "kinds": 0}
    values |= {"created_at": now, "fanned_out_at": now}
    return await ledger.record_once(connection, values)


async def _insert(connection: AsyncConnection, alert_id: int, of_slice: tuple[Any, ...], now: datetime) -> None:
    awake = or_(chat.c.muted_until.is_(None), chat.c.muted_until <= now)
    # Locked, so that whoever chooses another hour meanwhile gets this one or that.
    columns = queued(alert_id, chat.c.id, now)
    rows = select(*columns).where(*of_slice, *IS_SUBSCRIBED, awake).with_for_update()
    await connection.execute(inserting(connection.dialect.name, rows))
