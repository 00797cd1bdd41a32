"""The track record: what followed in the history, one event in full, the article's dates, and the live record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from telegram import Message, Update
from telegram.ext import BaseHandler, CallbackQueryHandler, CommandHandler

from bot.commands.answering import Desk, argument
from bot.commands.reading import reply
from bot.messages.record import MAIN, command_of, event_on, live_cases, p_values, read_record, rule_named
from signals.record.model import TrackRecord
from storage import market, track_record
from storage.market import Market

RECORD = "record"
_MOST_LIVE = 5


@dataclass(frozen=True, slots=True)
class Record:
    """The handlers of this family."""

    desk: Desk

    def handlers(self) -> list[BaseHandler[Any, Any, Any]]:
        """Return them for registration."""
        return [
            CommandHandler("record", self.record),
            CallbackQueryHandler(self.press_record, pattern=f"^{RECORD}$"),
        ]

    async def record(self, update: Update, context: Any) -> None:
        """Answer ``/record``: of everything, one event, the article, other states or the live record."""
        await self._answer(update.effective_message, " ".join(argument(context)).lower())

    async def press_record(self, update: Update, _: object) -> None:
        """Answer the button Record."""
        query = update.callback_query
        assert query is not None
        if isinstance(query.message, Message):
            await self._answer(query.message, "")
        await query.answer()

    async def _answer(self, message: Message | None, asked: str) -> None:
        async with self.desk.database.reading() as connection:
            body = await track_record.load(connection)
            market_row = await market.load_market(connection)
        if asked == "live" and market_row is not None:
            await reply(message, await self._live(market_row))
        elif body is None or market_row is None:
            await reply(message, self.desk.messages.text("no_record"))
        else:
            await reply(message, self._of(read_record(body), market_row, asked))

    def _of(self, record: TrackRecord, market_row: Market, asked: str) -> str:
        text, about = self.desk.messages.text, {"r": record, "market": market_row}
        if asked in ("thesis", "states"):
            return text(f"record_{asked}", command_of=command_of, main=MAIN, **about)
        rule = rule_named(record, asked or command_of(MAIN))
        if rule is not None:
            return text("record", rule=rule, shown=p_values(rule), **about)
        event = event_on(record, day) if (day := _day(asked)) else None
        if event is not None:
            return text("record_event", event=event, **about)
        names = [command_of(rule.key) for rule in record.rules]
        return text("wrong_record", rules=names, events=[event.episode.attempt for event in record.events])

    async def _live(self, market_row: Market) -> str:
        async with self.desk.database.reading() as connection:
            rows = await track_record.live_transitions(connection)
            outcomes = await track_record.outcomes(connection)
        shown = list(live_cases(rows[:_MOST_LIVE], outcomes))
        more = max(len(rows) - _MOST_LIVE, 0)
        return self.desk.messages.text("record_live", market=market_row, cases=shown, more=more)


def _day(asked: str) -> date | None:
    try:
        return date.fromisoformat(asked)
    except ValueError:
        return None
