"""The queue of status boards: claim the next request that each needs, account for how it went, recover.

What is owed is not enqueued: a board is due as long as it shows an older session than the newest verdict, so that is
committed with the verdict itself, and a newer one replaces whatever was not shown yet. A claim is for one request. All
but the first message of a board that is made again can be repeated without harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    String,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    true,
    update,
)

from storage import AsyncConnection
from storage.database import database_now
from storage.operator import pause
from storage.outbox.states import State
from storage.schema import board, verdict


class Step(StrEnum):
    """The next request that a board needs.

    A message is written, or sent where it has to be made again; then it is pinned; then it is edited whenever there
    is a newer verdict. One that is retired is unpinned and says so; then it is forgotten.
    """

    SEND = "send"
    WRITE = "write"
    PIN = "pin"
    EDIT = "edit"
    UNPIN = "unpin"
    FAREWELL = "farewell"


RETIRED = (Step.UNPIN, Step.FAREWELL)
_AFTER = {Step.SEND: Step.PIN, Step.WRITE: Step.PIN, Step.PIN: Step.EDIT, Step.UNPIN: Step.FAREWELL}
_LONGEST_HOLD = timedelta(days=2)
_NOTHING_YET = date.min
"""What a board shows before the first verdict."""


@dataclass(frozen=True, slots=True)
class ClaimedBoard:
    """A request that may be on its way from now on: the ``step`` of a board, to show a ``session``.

    ``decided_at`` is when that was decided, ``None`` where no session is yet. ``attempt`` makes a result the result
    of this claim and of no other. ``language`` is the chat's.
    """

    id: int
    chat_id: int
    message_id: int | None
    thread_id: int | None
    step: Step
    attempt: int
    session: date
    decided_at: datetime | None
    language: str | None = None


async def claim(
    connection: AsyncConnection, limit: int, lease: timedelta, now: datetime, *, asked_only: bool = False
) -> list[ClaimedBoard]:
    """Take the next requests: what somebody waits for first, then, unless ``asked_only``, what shows an older session.

    Several workers on one database never take the same one. ``now`` is the time by the database's clock.
    """
    # Mostly there is none, and one statement says so.
    found = (await connection.execute(_WANTED)).one()
    session, decided_at = found.session or _NOTHING_YET, found.decided_at
    values = {"until": now + lease, "newest": session}
    rows: list[Any] = []
    if found.is_asked:
        rows += (await connection.execute(_CLAIM_ASKED, values | {"most": limit})).all()
    if found.is_due and not asked_only and len(rows) < limit:
        rows += (await connection.execute(_CLAIM_DUE, values | {"most": limit - len(rows)})).all()
    return [
        ClaimedBoard(number, chat_id, message_id, thread_id, Step(step), attempt, session, decided_at, language)
        for number, chat_id, message_id, thread_id, step, attempt, language in rows
    ]


# Written out, as the index of the queue has it: only then is it used.
_IS_QUEUED = board.c.state == literal_column(f"'{State.QUEUED}'")
_IS_ASKED = board.c.shows.is_(None)
_IS_DUE = board.c.shows < bindparam("newest", type_=board.c.shows.type)


def _what_is_wanted() -> Any:
    newest = select(verdict.c.session, verdict.c.decided_at).order_by(verdict.c.session.desc()).limit(1).subquery()
    is_asked = exists().where(_IS_QUEUED, _IS_ASKED).label("is_asked")
    is_due = exists().where(_IS_QUEUED, board.c.shows < newest.c.session).correlate(newest).label("is_due")
    one_row = select(literal_column("1")).subquery()
    return select(*newest.c, is_asked, is_due).select_from(one_row.outerjoin(newest, true()))


_WANTED = _what_is_wanted()
# As text: of a column of another table, SQLAlchemy would leave the table's name out here.
_LANGUAGE = literal_column("(SELECT chat.language FROM chat WHERE chat.id = board.chat_id)", String())


def _claiming(is_wanted: ColumnElement[bool]) -> Any:
    order = (board.c.shows, board.c.chat_id > literal_column("0"), board.c.id)
    most = bindparam("most", type_=BigInteger())
    wanted = select(board.c.id).where(_IS_QUEUED, is_wanted).order_by(*order).limit(most)
    due = wanted.with_for_update(skip_locked=True).cte("due")
    taken = {"state": State.SENDING, "lease_until": bindparam("until", type_=board.c.lease_until.type)}
    statement = update(board).where(board.c.id.in_(select(due.c.id)))
    columns = (board.c.id, board.c.chat_id, board.c.message_id, board.c.thread_id, board.c.step, board.c.attempts)
    return statement.values(taken | {"attempts": board.c.attempts + 1}).returning(*columns, _LANGUAGE)


# Made once: making it costs more than running it.
_CLAIM_ASKED, _CLAIM_DUE = _claiming(_IS_ASKED), _claiming(_IS_DUE)


async def done(connection: AsyncConnection, claimed: ClaimedBoard, message_id: int) -> None:
    """Store that a request other than an edit was carried out, and what comes next; ``message_id`` is the board's."""
    if claimed.step is Step.SEND:
        # Whatever was believed or decided of it meanwhile: from now on it is known which one it is.
        known = {"message_id": message_id, "state": State.QUEUED, "lease_until": None}
        await connection.execute(update(board).where(*_of_attempt(claimed)).values(known))
    await _advance(connection, claimed, _AFTER.get(claimed.step, Step.EDIT))


async def mark_shown(connection: AsyncConnection, claims: Sequence[ClaimedBoard]) -> None:
    """Store that boards were edited: most of a million requests of an evening, so all of a group at once."""
    rows = [{"b_id": c.id, "b_attempt": c.attempt, "b_session": c.session} for c in claims]
    if rows:
        await connection.execute(_SHOWN, rows)


# One that was retired meanwhile has something else to be done, now.
_SHOWN = (
    update(board)
    .where(board.c.id == bindparam("b_id"), board.c.attempts == bindparam("b_attempt"), board.c.state == State.SENDING)
    .values(
        state=State.QUEUED,
        lease_until=None,
        error=None,
        shows=case((board.c.step == Step.EDIT, bindparam("b_session", type_=board.c.shows.type)), else_=None),
    )
)


async def pass_over(connection: AsyncConnection, claimed: ClaimedBoard, error: str) -> None:
    """Store that a request is refused for good, and go on: a board need not be pinned, nor a retired one say so."""
    await _advance(connection, claimed, _AFTER.get(claimed.step, Step.EDIT), error)


async def _advance(connection: AsyncConnection, claimed: ClaimedBoard, after: Step, error: str | None = None) -> None:
    await _free(connection, claimed, {"state": State.QUEUED, "error": error and error[:500]})
    if claimed.step is Step.FAREWELL:
        await connection.execute(delete(board).where(*_is_unchanged(claimed)))
        return
    await connection.execute(update(board).where(*_is_unchanged(claimed)).values(step=after, shows=None))


async def put_back(
    connection: AsyncConnection, claimed: ClaimedBoard, error: str, not_before: datetime | None = None
) -> None:
    """Queue a request again, or hold it until ``not_before``."""
    state = State.QUEUED if not_before is None else State.HELD
    await _free(connection, claimed, {"state": state, "not_before": not_before, "error": error[:500]})


async def stop(connection: AsyncConnection, claimed: ClaimedBoard, error: str) -> None:
    """Let a board be until there is a newer verdict."""
    await _free(connection, claimed, {"state": State.QUEUED, "error": error[:500]})
    await connection.execute(update(board).where(*_is_unchanged(claimed)).values(shows=claimed.session))


async def suspend(connection: AsyncConnection, claimed: ClaimedBoard, error: str) -> None:
    """Let a board be until its chat can be reached again."""
    await _free(connection, claimed, {"state": State.GONE, "error": error[:500]})


async def lose(connection: AsyncConnection, claimed: ClaimedBoard, error: str) -> None:
    """Note that nobody knows whether a board arrived: no other is made before somebody asks for it."""
    await _free(connection, claimed, {"state": State.UNKNOWN, "error": error[:500]})


async def make_again(connection: AsyncConnection, claimed: ClaimedBoard, error: str, thread_id: int | None) -> None:
    """Send a new message, to a topic or General, in the place of one that is deleted or can be edited no more.

    That one is retired: it may still be there.
    """
    await _free(connection, claimed, {"state": State.QUEUED, "error": error[:500]})
    if claimed.step in RETIRED:
        await connection.execute(delete(board).where(board.c.id == claimed.id))
    elif await retire(connection, and_(*_is_unchanged(claimed))):
        values = {"chat_id": claimed.chat_id, "thread_id": thread_id}
        await connection.execute(insert(board).values(**values, step=Step.SEND, state=State.QUEUED))


async def leave_topic(connection: AsyncConnection, claimed: ClaimedBoard) -> None:
    """Let the board of a chat come to General: its topic is closed or deleted."""
    of_topic = (board.c.chat_id == claimed.chat_id, board.c.thread_id == claimed.thread_id)
    await connection.execute(update(board).where(*of_topic).values(thread_id=None))


async def retire(connection: AsyncConnection, which: ColumnElement[bool]) -> int:
    """Let these be boards no more: unpinned, and saying so. Returns how many there were.

    One that is on its way stays in that state; of one that never left, nothing has to be said.
    """
    current = (which, board.c.step.not_in(RETIRED))
    never_left = (board.c.message_id.is_(None), board.c.state != State.SENDING)
    deleted = await connection.execute(delete(board).where(*current, *never_left))
    retired = await connection.execute(update(board).where(*current).values(step=Step.UNPIN, shows=None))
    # A held one has no reason to wait any more.
    await connection.execute(update(board).where(which, board.c.state == State.HELD).values(state=State.QUEUED))
    return int(deleted.rowcount + retired.rowcount)


async def release(connection: AsyncConnection, now: datetime, size: int) -> int:
    """Queue held boards whose time has come, at most ``size`` of them. Returns how many."""
    held = board.c.state == literal_column(f"'{State.HELD}'")
    # None is held for so long: a later time was written while the clock was wrong.
    is_over = or_(board.c.not_before <= now, board.c.not_before > now + _LONGEST_HOLD)
    ids = select(board.c.id).where(held, is_over).order_by(board.c.not_before).limit(size)
    chosen = ids.with_for_update(skip_locked=True).cte("due")
    statement = update(board).where(board.c.id.in_(select(chosen.c.id))).values(state=State.QUEUED, not_before=None)
    return len((await connection.execute(statement.returning(board.c.id))).all())


async def recover(connection: AsyncConnection, *, everything: bool) -> int:
    """Queue again what a dead process left on its way. Returns of how many nobody can know whether they arrived.

    With ``everything`` that is each one on its way: no other process can be sending. Otherwise it is each one whose
    lease is over by the database's clock.
    """
    over = true() if everything else board.c.lease_until <= await database_now(connection)
    dead = (board.c.state == literal_column(f"'{State.SENDING}'"), over)
    await connection.execute(delete(board).where(*dead, board.c.step.in_(RETIRED), board.c.message_id.is_(None)))
    error = {"lease_until": None, "error": "the process ended while it was on its way"}
    lost = update(board).where(*dead, board.c.step == Step.SEND).values(error | {"state": State.UNKNOWN})
    count = (await connection.execute(lost)).rowcount
    await connection.execute(update(board).where(*dead).values(error | {"state": State.QUEUED}))
    return int(count)


async def next_due(connection: AsyncConnection, now: datetime) -> datetime | None:
    """Return when the next request may leave (``now`` if one may at once).

    ``None`` when none waits, or while operators have paused delivery.
    """
    if await pause.since(connection) is not None:
        return None
    newest = select(func.max(verdict.c.session)).scalar_subquery()
    queued = select(board.c.id).where(_IS_QUEUED, _IS_ASKED | (board.c.shows < newest)).limit(1)
    if (await connection.execute(queued)).first() is not None:
        return now
    query = select(func.min(board.c.not_before)).where(board.c.state == State.HELD)
    due: datetime | None = (await connection.execute(query)).scalar_one()
    return due


def _of_attempt(claimed: ClaimedBoard) -> tuple[ColumnElement[bool], ...]:
    return (board.c.id == claimed.id, board.c.attempts == claimed.attempt)


def _is_unchanged(claimed: ClaimedBoard) -> tuple[ColumnElement[bool], ...]:
    """Return the condition that nobody has decided anything else of a board since it was claimed."""
    return (*_of_attempt(claimed), board.c.step == claimed.step)


async def _free(connection: AsyncConnection, claimed: ClaimedBoard, values: dict[str, Any]) -> None:
    mine = (*_of_attempt(claimed), board.c.state == State.SENDING)
    await connection.execute(update(board).where(*mine).values(lease_until=None, **values))
    # One that was retired while it was on its way, and surely did not arrive.
    nothing = (board.c.id == claimed.id, board.c.step.in_(RETIRED), board.c.message_id.is_(None))
    await connection.execute(delete(board).where(*nothing))
