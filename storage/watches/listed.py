"""The watches of one chat: listed, added within limits, ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from storage import AsyncConnection
from storage.database import lock
from storage.schema import observation, watch, watched_symbol
from storage.watches.judged import Condition, Quote, Standing, note_quote, quote_of, symbols

MOST_A_CHAT = 10
MOST_SYMBOLS = 200


async def of_chat(connection: AsyncConnection, chat_id: int) -> Sequence[Any]:
    """Return the watches of a chat, each with the newest quote of its symbol."""
    quote = watched_symbol.c
    query = select(watch, quote.quoted_on, quote.close, quote.stopped)
    query = query.outerjoin(watched_symbol, quote.symbol == watch.c.symbol).where(watch.c.chat_id == chat_id)
    return (await connection.execute(query.order_by(watch.c.symbol, watch.c.side, watch.c.level))).all()


async def newest_close(connection: AsyncConnection, symbol: str) -> tuple[date, float] | None:
    """Return the newest bar archived of a symbol, its date and its close."""
    columns = (observation.c.observed_on, func.coalesce(observation.c.value, observation.c.adj_close))
    query = select(*columns).where(observation.c.series == symbol)
    query = query.order_by(observation.c.observed_on.desc(), observation.c.first_seen_at.desc()).limit(1)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None or row[1] is None else (row[0], row[1])


async def limit(connection: AsyncConnection, chat_id: int, asked: Condition) -> str | None:
    """Return which limit keeps a chat from watching for something, ``chat`` or ``bot``; ``None`` where none does."""
    mine = await _conditions(connection, chat_id)
    if asked in mine:
        return None
    if len(mine) >= MOST_A_CHAT:
        return "chat"
    watched = await symbols(connection)
    return "bot" if asked.symbol not in watched and len(watched) >= MOST_SYMBOLS else None


async def _conditions(connection: AsyncConnection, chat_id: int) -> list[Condition]:
    return [Condition(row.symbol, row.side, row.level) for row in await of_chat(connection, chat_id)]


async def add(connection: AsyncConnection, chat_id: int, standing: Standing, quote: Quote, now: datetime) -> str | None:
    """Let a chat watch for something from a bar on. Returns which limit keeps it from that: ``chat`` or ``bot``."""
    await lock(connection, "watches")
    asked = standing.condition
    if asked in await _conditions(connection, chat_id):
        return None
    if (found := await limit(connection, chat_id, asked)) is not None:
        return found
    values = {"chat_id": chat_id, "symbol": asked.symbol, "side": asked.side, "level": asked.level}
    values |= {"created_at": now, "armed": standing.armed, "through": standing.through}
    await connection.execute(insert(watch).values(values))
    if await quote_of(connection, asked.symbol) is None:
        await note_quote(connection, quote)
    return None


async def remove(connection: AsyncConnection, chat_id: int, symbol: str, condition: Condition | None = None) -> int:
    """End a chat's watches of a symbol, or the one for a condition. Returns how many that were."""
    own = [watch.c.chat_id == chat_id, watch.c.symbol == symbol]
    if condition is not None:
        own += [watch.c.side == condition.side, watch.c.level == condition.level]
    return (await connection.execute(delete(watch).where(*own))).rowcount


async def move(connection: AsyncConnection, old: int, new: int) -> None:
    """Give the watches of a chat to its new id, but for those that it has there already."""
    there = watch.alias("there")
    same = (
        there.c.chat_id == new,
        there.c.symbol == watch.c.symbol,
        there.c.side == watch.c.side,
        there.c.level == watch.c.level,
    )
    moved = update(watch).where(watch.c.chat_id == old, ~select(there.c.id).where(*same).exists())
    await connection.execute(moved.values(chat_id=new))
