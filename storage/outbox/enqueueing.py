"""The statements that enqueue an alert for a slice of chats: for whoever wants it, held where it is quiet now."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Integer,
    String,
    and_,
    bindparam,
    case,
    exists,
    literal,
    literal_column,
    not_,
    or_,
    select,
    union_all,
    update,
)

from storage import AsyncConnection
from storage.database import insert_in
from storage.outbox.quiet_hours import QuietHours
from storage.outbox.recipients import IS_SUBSCRIBED, got, is_recipient
from storage.outbox.states import State
from storage.outbox.supersession import is_supersedable
from storage.schema import chat, delivery

# A statement is made for each of these numbers of different quiet hours. Whoever has others is held when claimed.
_SIZES = (0, 8, 64, 400)
_INSTANT = delivery.c.not_before.type
NAMES = ["alert_id", "chat_id", "urgent", "state", "not_before", "attempts", "unknowns"]
"""What a delivery begins with; the others of its columns are empty then."""
UNTRIED = (literal(0), literal(0))
"""The last two of them: it was attempted never, and never without a known result."""


@dataclass(frozen=True, slots=True)
class QuietNow:
    """The quiet hours in a slice that hold now: how many the statement has places for, and what stands there."""

    size: int = 0
    values: dict[str, Any] = field(default_factory=dict)


async def quiet_now(connection: AsyncConnection, where: dict[str, Any]) -> QuietNow:
    """Return which quiet hours of the chats of a slice hold at ``now``, and until when."""
    minute = where["now"].replace(second=0, microsecond=0)
    rows = (await connection.execute(_QUIET, where)).all()
    holding = [(*row, end) for row in rows if (end := _held_until(*row, minute))][: _SIZES[-1]]
    size = next(size for size in _SIZES if size >= len(holding))
    values: dict[str, Any] = {}
    for number in range(size):
        places = holding[number] if number < len(holding) else ("", None, None, None)
        values |= zip((f"{name}_{number}" for name in _PLACES), places, strict=True)
    return QuietNow(size, values)


_PLACES: dict[str, Any] = {"zone": String(), "begin": Integer(), "end": Integer(), "until": _INSTANT}


@lru_cache(maxsize=4096)
def _held_until(timezone: str, begin: int, end: int, minute: datetime) -> datetime | None:
    # There are few different hours and many slices within a minute.
    return QuietHours(timezone, begin, end).held_until(minute)


def _in_slice(column: Any) -> Any:
    return (column > bindparam("after", type_=BigInteger())) & (column <= bindparam("last", type_=BigInteger()))


@cache
def enqueueing(dialect: str, supersedes: bool, size: int, corrects: bool = False, draws: bool = False) -> Any:
    """Return the INSERT … SELECT of a slice; of an alert that supersedes others it is as urgent as what it replaces.

    One that ``corrects`` another is for the chats that got that, muted or not: what they read there is wrong. While the
    chart of one ``draws``, it is held until ``drawn_by`` for the chats that want pictures, and for no others.

    Made once: making it costs as much as running it.
    """
    asked, now = bindparam("urgent", type_=Boolean()), bindparam("now", type_=_INSTANT)
    urgent: Any = or_(asked, _had_urgent_one()) if supersedes else asked
    source: Any = chat
    state: Any = literal_column(f"'{State.QUEUED}'")
    not_before: Any = now
    waits: list[Any] = [(chat.c.pictures, bindparam("drawn_by", type_=_INSTANT))] if draws else []
    if size:
        quiet = union_all(*(select(*_places(number)) for number in range(size))).cte("quiet")
        same = (chat.c.timezone == quiet.c.zone, chat.c.quiet_from == quiet.c.begin, chat.c.quiet_until == quiet.c.end)
        source = chat.outerjoin(quiet, and_(*same))
        holds = and_(quiet.c.until.is_not(None), or_(not_(urgent), not_(chat.c.urgent_through)))
        waits.insert(0, (holds, quiet.c.until))
    if waits:
        state = case(*((held, literal_column(f"'{State.HELD}'")) for held, _ in waits), else_=state)
        not_before = case(*waits, else_=now)
    columns = (bindparam("alert", type_=BigInteger()), chat.c.id, urgent, state, not_before, *UNTRIED)
    whose = (*IS_SUBSCRIBED, got(chat.c.id)) if corrects else is_recipient()
    rows = select(*columns).select_from(source).where(*whose, _in_slice(chat.c.id)).order_by(chat.c.id)
    return inserting(dialect, rows)


def inserting(dialect: str, rows: Any) -> Any:
    """Return the INSERT of deliveries from a SELECT of their ``NAMES``; a chat has one of an alert."""
    statement = insert_in(dialect, delivery).from_select(NAMES, rows, include_defaults=False)
    return statement.on_conflict_do_nothing(index_elements=["alert_id", "chat_id"])


def queued(alert_id: int, chat_id: Any, now: datetime) -> tuple[Any, ...]:
    """Return the ``NAMES`` of a delivery that is not urgent and may leave at once."""
    state: Any = literal_column(f"'{State.QUEUED}'")
    return (literal(alert_id, BigInteger()), chat_id, literal(False), state, literal(now, _INSTANT), *UNTRIED)


def _places(number: int) -> list[Any]:
    return [bindparam(f"{name}_{number}", type_=kind).label(name) for name, kind in _PLACES.items()]


def _had_urgent_one() -> Any:
    earlier = delivery.alias("earlier")
    return exists().where(
        earlier.c.alert_id.in_(_OLDER), earlier.c.chat_id == chat.c.id, earlier.c.urgent, is_supersedable(earlier)
    )


_OLDER: Any = bindparam("older", expanding=True)
_QUIET = (
    select(chat.c.timezone, chat.c.quiet_from, chat.c.quiet_until)
    .where(_in_slice(chat.c.id), chat.c.quiet_from.is_not(None))
    .distinct()
)
_newer = delivery.alias("newer")
# Where a chat wants the older alert and not the newer, the older still goes out.
_GETS_NEWER = exists().where(_newer.c.alert_id == bindparam("newer"), _newer.c.chat_id == delivery.c.chat_id)
SUPERSEDING = (
    update(delivery)
    .where(delivery.c.alert_id.in_(_OLDER), _in_slice(delivery.c.chat_id), is_supersedable(delivery), _GETS_NEWER)
    .values(state=State.SUPERSEDED, finished_at=bindparam("now", type_=delivery.c.finished_at.type))
)
"""What becomes of older alerts in the chats of a slice that get the newer one."""
