"""What changed, and the status of a past evening."""

from __future__ import annotations

from datetime import date

from bot.commands.answering import Request, Services
from bot.commands.reading import nothing_yet
from bot.messages.render import ShownChange, read_verdict
from storage import ledger, market
from storage.settings import chosen

_COUNT, _MOST = 10, 30


async def history(services: Services, request: Request) -> None:
    """Answer ``/history``: the last changes."""
    asked = " ".join(request.words) or str(_COUNT)
    count = int(asked) if asked.isascii() and asked.isdecimal() else 0
    if not 1 <= count <= _MOST:
        await request.reply(services.messages.text("wrong_count", most=_MOST))
        return
    async with services.database.reading() as connection:
        rows = await ledger.recent_changes(connection, count)
        market_row = await market.load_market(connection)
    if market_row is None:
        await request.reply(nothing_yet(services, market_row))
        return
    changes = [(ShownChange.of(row), row.backfilled) for row in rows]
    await request.reply(services.messages.text("history", market=market_row, changes=changes))


async def as_of(services: Services, request: Request) -> None:
    """Answer ``/asof``: the status as that evening computed it."""
    async with services.database.reading() as connection:
        first, newest = await ledger.first_session(connection), await ledger.newest_session(connection)
        market_row = await market.load_market(connection)
        day = _day(" ".join(request.words))
        body = await ledger.nearest_body(connection, day) if day else None
        timezone = (await chosen.load(connection, request.chat.id)).timezone
    text = services.messages.text
    if market_row is None or first is None or newest is None:
        answer = nothing_yet(services, market_row)
    elif day is None:
        answer = text("wrong_date", example=newest)
    elif day > newest:
        answer = text("in_future", asked=day, newest=newest)
    elif body is None:
        answer = text("before_first", first=first)
    else:
        answer = services.messages.as_of(read_verdict(body), market_row, day, timezone)
    await request.reply(answer)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
