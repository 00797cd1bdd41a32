"""A crowd that watches as much as the bot takes, written at one go: to add each by its own words takes a second."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import insert

from storage import AsyncConnection, chats
from storage.schema import watch
from storage.watches.judged import RECORD
from storage.watches.listed import MOST_A_CHAT


async def watching(connection: AsyncConnection, many: int, now: datetime, through: date) -> None:
    """Let chats from 100 on watch so many symbols, S0 and on, for a record, each chat as many as it may."""
    for chat_id in range(100, 100 + -(-many // MOST_A_CHAT)):
        await chats.subscribe(connection, chat_id, "private", now)
    common = {"side": RECORD, "level": 0.0, "created_at": now, "armed": True, "through": through}
    rows = [{"chat_id": 100 + n // MOST_A_CHAT, "symbol": f"S{n}", **common} for n in range(many)]
    await connection.execute(insert(watch), rows)
