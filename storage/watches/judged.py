"""How watches stand: judged on new bars, with what is owed when one fires, and which symbols are quoted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.sql.elements import ColumnElement

from storage import AsyncConnection, ledger
from storage.database import lock, upsert
from storage.outbox.enqueueing import inserting, queued
from storage.outbox.recipients import IS_SUBSCRIBED, is_recipient
from storage.schema import chat, observation, restatement, source_check, watch, watched_symbol
from storage.settings.kinds import BITS

RECORD, ABOVE, BELOW = "record", "above", "below"
"""What a price may be watched for: a record after a base, a close above a level, a close below one."""
KIND = "watch"
"""The kind of alerts that chats choose, and the first word of the alerts' own: ``watch.above`` and its like."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What is watched for; ``level`` is 0 for a record."""

    symbol: str
    side: str
    level: float = 0.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How all watches for one condition stand that were judged up to the same bar, ``through``."""

    condition: Condition
    armed: bool
    through: date


@dataclass(frozen=True, slots=True)
class Firing:
    """The bar on which what was watched for happened, and the old record (with the bars since) or the level."""

    on: date
    close: float
    level: float
    base: int = 0


@dataclass(frozen=True, slots=True)
class Judgement:
    """How watches stand after the newest bar, and the last time they fired up to it."""

    before: Standing
    armed: bool
    through: date
    fired: Firing | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """The newest bar of a symbol; ``stopped`` when there should long have been another, for a ``reason`` if known.

    ``in_table`` where the symbol is one of the program's own series, whose bars are kept whoever watches it.
    """

    symbol: str
    on: date | None = None
    close: float | None = None
    stopped: bool = False
    in_table: bool = False
    reason: str = ""


# Who gets no alerts costs no requests.
_BY_A_SUBSCRIBER = watch.c.chat_id.in_(select(chat.c.id).where(*IS_SUBSCRIBED))


async def symbols(connection: AsyncConnection) -> list[str]:
    """Return every symbol that a subscriber watches."""
    query = select(watch.c.symbol).where(_BY_A_SUBSCRIBER).distinct().order_by(watch.c.symbol)
    return [*(await connection.execute(query)).scalars()]


async def quote_of(connection: AsyncConnection, symbol: str) -> Quote | None:
    """Return the newest quote stored of a symbol."""
    return (await quotes(connection)).get(symbol)


async def quotes(connection: AsyncConnection) -> dict[str, Quote]:
    """Return the newest quote stored of every symbol."""
    rows = await connection.execute(select(watched_symbol))
    return {row.symbol: Quote(row.symbol, row.quoted_on, row.close, row.stopped, row.in_table) for row in rows}


async def standings(connection: AsyncConnection) -> list[Standing]:
    """Return how the watches of subscribers stand, once for all that stand alike."""
    columns = (watch.c.symbol, watch.c.side, watch.c.level, watch.c.armed, watch.c.through)
    rows = await connection.execute(select(*columns).where(_BY_A_SUBSCRIBER).distinct().order_by(*columns))
    return [Standing(Condition(*row[:3]), row.armed, row.through) for row in rows]


async def record(
    connection: AsyncConnection, session: date, judgements: Sequence[Judgement], quotes: Sequence[Quote], now: datetime
) -> None:
    """Store how watches stand now, with the alerts and deliveries that are owed; run it inside one transaction.

    ``session`` is the newest one decided. A repeated call changes nothing.
    """
    await lock(connection, "watches")
    for judged in judgements:
        alike = _alike(judged.before)
        values: dict[str, Any] = {"armed": judged.armed, "through": judged.through}
        if judged.fired is not None:
            fired, asked = judged.fired, judged.before.condition
            facts = {"symbol": asked.symbol, "on": fired.on.isoformat(), "close": fired.close}
            facts |= {"level": fired.level, "base": fired.base, "armed": judged.armed}
            key = f"{KIND}:{asked.symbol}:{asked.side}:{asked.level!r}:{fired.on}"
            await _enqueue(connection, key, asked.side, session, facts, alike, now)
            values["fired_on"] = fired.on
        await connection.execute(update(watch).where(*alike).values(values))
    for quote in quotes:
        before = await quote_of(connection, quote.symbol)
        if quote.stopped and not (before and before.stopped):
            facts = {"symbol": quote.symbol, "on": quote.on.isoformat() if quote.on else None, "reason": quote.reason}
            key = f"{KIND}:{quote.symbol}:stopped:{now.date()}"
            await _enqueue(connection, key, "stopped", session, facts, [watch.c.symbol == quote.symbol], now)
        await note_quote(connection, quote)


async def forget_unwatched(connection: AsyncConnection) -> None:
    """Delete the bars of symbols that nobody watches any more and that are in no table of the program's."""
    watched = select(watch.c.symbol)
    await connection.execute(
        delete(watched_symbol).where(watched_symbol.c.in_table, watched_symbol.c.symbol.not_in(watched))
    )
    gone = select(watched_symbol.c.symbol).where(watched_symbol.c.symbol.not_in(watched))
    names = [*(await connection.execute(gone)).scalars()]
    if names:
        for table in (observation, restatement, source_check):
            await connection.execute(delete(table).where(table.c.series.in_(names)))
        await connection.execute(delete(watched_symbol).where(watched_symbol.c.symbol.in_(names)))


def _alike(standing: Standing) -> list[ColumnElement[bool]]:
    of = standing.condition
    return [
        watch.c.symbol == of.symbol, watch.c.side == of.side, watch.c.level == of.level,
        watch.c.armed == standing.armed, watch.c.through == standing.through,
    ]  # fmt: skip


async def _enqueue(
    connection: AsyncConnection,
    key: str,
    what: str,
    session: date,
    facts: dict[str, Any],
    watches: Sequence[ColumnElement[bool]],
    now: datetime,
) -> None:
    """Store an alert, once, and a delivery of it for each chat with one of these watches that wants such alerts."""
    values = {"key": key, "kind": f"{KIND}.{what}", "urgent": False, "session": session, "transitions": []}
    values |= {"facts": facts, "kinds": BITS[KIND], "created_at": now, "fanned_out_at": now}
    alert_id = await ledger.record_once(connection, values)
    rows = select(*queued(alert_id, watch.c.chat_id, now)).join(chat, chat.c.id == watch.c.chat_id)
    inserted = inserting(connection.dialect.name, rows.where(*watches, *is_recipient()).distinct())
    await connection.execute(inserted, {"kinds": BITS[KIND], "now": now})


async def note_quote(connection: AsyncConnection, quote: Quote) -> None:
    """Store the newest quote of a symbol."""
    values = {"quoted_on": quote.on, "close": quote.close, "stopped": quote.stopped, "in_table": quote.in_table}
    statement = upsert(connection, watched_symbol).values(symbol=quote.symbol, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["symbol"], set_=values))
