"""Days on which the exchange was closed without the calendar knowing: say so, take it back, list them."""

from __future__ import annotations

import asyncio
from datetime import date, datetime

from bot.settings import Settings
from signals.data.sessions import check_session, nyse_sessions
from storage import market
from storage.database import Database, read_only
from storage.migrate import migrate


def said_text(settings: Settings, day: date, now: datetime, *, closed: bool) -> str:
    """Store that the exchange was closed on a day, or that it was open after all. Returns a sentence.

    Raises
    ------
    signals.errors.NotASessionError
        When the library's calendar has no session on that day.
    """
    check_session(day, nyse_sessions(now))
    asyncio.run(_say(settings.database_url, day, now, closed=closed))
    counted = "no session" if closed else "a session"
    return f"{day} is {counted}; the running or the next bot decides accordingly"


async def _say(url: str, day: date, now: datetime, *, closed: bool) -> None:
    async with Database(url) as database:
        await migrate(database)
        async with database.transaction() as connection:
            await market.say_closure(connection, day, now, closed=closed)


def list_text(settings: Settings) -> str:
    """Return a line for each day of which something was said or found."""
    rows = asyncio.run(_rows(settings.database_url))
    return "\n".join(rows) or "none: every session of the calendar counts"


async def _rows(url: str) -> list[str]:
    async with read_only(url) as connection:
        return [
            f"{row.session}  {'closed' if row.closed else 'open'}  by {row.noted_by}, {row.noted_at:%Y-%m-%d %H:%M} UTC"
            for row in await market.closures(connection)
        ]
