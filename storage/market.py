"""Which market this database holds, where the evening stands, and on which days the exchange was closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from storage import AsyncConnection
from storage.database import upsert
from storage.schema import alert, closure, market, metadata


class OtherMarketError(RuntimeError):
    """The database holds another market's data than the one asked for."""


SIMULATED = "simulated"
"""The origin of a made-up market: every message and page of it says so."""


_KEPT = ("chat", "received_update", "watch")


@dataclass(frozen=True, slots=True)
class Agenda:
    """What the evening last said: the next session due, the last one closed, and why one waits."""

    next_session: date
    next_decision_at: datetime
    last_closed: date | None
    waiting: str | None


@dataclass(frozen=True, slots=True)
class Market:
    """The single row of this database's market; ``agenda`` is None before the first evening."""

    origin: str
    backfilled_through: date | None
    agenda: Agenda | None
    first_evening_at: datetime | None = None

    @property
    def is_simulated(self) -> bool:
        """Whether every figure in this database is made up."""
        return self.origin.startswith("simulated")


async def claim_market(connection: AsyncConnection, origin: str) -> None:
    """Mark a fresh database as holding ``origin``.

    Raises
    ------
    OtherMarketError
        When it already holds another one: real and simulated figures never mix.
    """
    market_row = await load_market(connection)
    if market_row is None:
        await connection.execute(insert(market).values(id=1, origin=origin))
    elif market_row.origin != origin:
        raise OtherMarketError(
            f"this database holds the market {market_row.origin!r}, not {origin!r}: give DATABASE_URL another file"
        )


async def load_market(connection: AsyncConnection) -> Market | None:
    """Return the market row, ``None`` in a fresh database."""
    row = (await connection.execute(select(market))).one_or_none()
    return market_of(row) if row is not None else None


def market_of(row: Any) -> Market:
    """Return a row of the table as what it says."""
    agenda = Agenda(row.next_session, row.next_decision_at, row.last_closed, row.waiting) if row.next_session else None
    return Market(row.origin, row.backfilled_through, agenda, row.first_evening_at)


async def note_evening(connection: AsyncConnection, now: datetime) -> None:
    """Note when the first evening was, unless there was one before."""
    await connection.execute(update(market).where(market.c.first_evening_at.is_(None)).values(first_evening_at=now))


async def begin_backfill(connection: AsyncConnection, through: date) -> None:
    """Note up to which session the market is history: told to nobody, even if the backfill is interrupted."""
    undecided = market.c.backfilled_through.is_(None)
    await connection.execute(update(market).where(undecided).values(backfilled_through=through))


async def skip_through(connection: AsyncConnection, through: date) -> None:
    """Make history of the sessions up to one, of a market that is stepped: they are told to nobody."""
    await connection.execute(update(market).values(backfilled_through=through))


async def begin_anew(connection: AsyncConnection) -> None:
    """Forget everything but the chats and what they sent and chose, for a market that is stepped from its beginning.

    Of the newest alert the number stays, so that no later one has it: texts are kept by it, and messages name it.
    """
    for table in reversed(metadata.sorted_tables):
        if table is alert:
            newest = select(func.max(alert.c.id)).scalar_subquery()
            await connection.execute(delete(alert).where(alert.c.id < newest))
            forgotten: dict[str, Any] = {"key": "forgotten", "kind": "forgotten", "session": None, "transitions": []}
            await connection.execute(update(alert).values(forgotten | {"fanned_out_at": alert.c.created_at}))
        elif table.name not in _KEPT:
            await connection.execute(delete(table))


async def set_agenda(connection: AsyncConnection, agenda: Agenda) -> None:
    """Store what the evening said last."""
    await connection.execute(
        update(market).values(
            next_session=agenda.next_session,
            next_decision_at=agenda.next_decision_at,
            last_closed=agenda.last_closed,
            waiting=agenda.waiting and agenda.waiting[:1000],
        )
    )


async def closures(connection: AsyncConnection) -> Sequence[Any]:
    """Return what is known of days on which the exchange was or was not closed, oldest first."""
    return (await connection.execute(select(closure).order_by(closure.c.session))).all()


async def find_closure(connection: AsyncConnection, session: date, now: datetime) -> bool:
    """Note that by the rule the exchange was closed. Returns whether that is new: an operator's word stands."""
    found = upsert(connection, closure).values(session=session, closed=True, noted_by="rule", noted_at=now)
    return (await connection.execute(found.on_conflict_do_nothing())).rowcount == 1


async def say_closure(connection: AsyncConnection, session: date, now: datetime, *, closed: bool) -> None:
    """Note what an operator says of a day, whatever was noted of it before."""
    said = {"closed": closed, "noted_by": "operator", "noted_at": now}
    statement = upsert(connection, closure).values(session=session, **said)
    await connection.execute(statement.on_conflict_do_update(index_elements=["session"], set_=said))
