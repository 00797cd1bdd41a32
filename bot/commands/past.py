"""What changed, and the status of a past evening."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from telegram import Update
from telegram.ext import BaseHandler, CommandHandler

from bot.commands.answering import Desk, argument
from bot.commands.reading import nothing_yet, reply
from bot.messages.render import Told, read_verdict
from storage import ledger, market

_COUNT, _MOST = 10, 30


@dataclass(frozen=True, slots=True)
class Past:
    """The handlers of this family."""

    desk: Desk

    def handlers(self) -> list[BaseHandler[Any, Any, Any]]:
        """Return them for registration."""
        return [CommandHandler("history", self.history), CommandHandler("asof", self.as_of)]

    async def history(self, update: Update, context: Any) -> None:
        """Answer ``/history``: the last changes."""
        asked = " ".join(argument(context)) or str(_COUNT)
        count = int(asked) if asked.isascii() and asked.isdecimal() else 0
        if 1 <= count <= _MOST:
            await reply(update.effective_message, await self._history(count))
        else:
            await reply(update.effective_message, self.desk.messages.text("wrong_count", most=_MOST))

    async def _history(self, count: int) -> str:
        async with self.desk.database.reading() as connection:
            rows = await ledger.recent_changes(connection, count)
            market_row = await market.load_market(connection)
        if market_row is None:
            return nothing_yet(self.desk, market_row)
        told = [(Told.of(row), row.backfilled) for row in rows]
        return self.desk.messages.text("history", market=market_row, told=told)

    async def as_of(self, update: Update, context: Any) -> None:
        """Answer ``/asof``: the status as that evening computed it."""
        try:
            day = date.fromisoformat(" ".join(argument(context)))
        except ValueError:
            await reply(update.effective_message, self.desk.messages.text("wrong_date"))
            return
        await reply(update.effective_message, await self._as_of(day))

    async def _as_of(self, day: date) -> str:
        async with self.desk.database.reading() as connection:
            body = await ledger.nearest_body(connection, day)
            first, newest = await ledger.first_session(connection), await ledger.newest_session(connection)
            market_row = await market.load_market(connection)
        if market_row is None or first is None or newest is None:
            return nothing_yet(self.desk, market_row)
        if body is None:
            return self.desk.messages.text("before_first", first=first)
        return self.desk.messages.as_of(read_verdict(body), market_row, day, newest)
