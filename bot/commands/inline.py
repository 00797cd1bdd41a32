"""Inline mode: ``@bot`` in any chat offers where things stand, a card in each language, to be posted there."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from telegram import InlineQueryResultArticle, InputTextMessageContent, Update
from telegram.constants import ParseMode
from telegram.error import TelegramError

from bot.clock import Clock
from bot.delivery.composing import plain
from bot.messages.languages import NAMES, messages_of
from bot.messages.render import read_verdict
from storage import ledger, market
from storage.database import Database
from storage.market import Market

logger = logging.getLogger(__name__)

# Telegram gives the same answer to everybody who asks for so long, and asks us once.
_LONGEST = timedelta(minutes=5)
# A session that is due may be decided any minute, and so may the first.
_SHORTEST = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class _Cards:
    """What is offered while a session is the newest, and whether the next one is late by then."""

    session: date
    is_late: bool
    articles: tuple[InlineQueryResultArticle, ...]


class InlineMode:
    """Answers inline queries. Nothing is stored of them: who asks again is answered again."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._cards: _Cards | None = None

    async def answer(self, update: Update, _: object) -> None:
        """Offer the cards of all languages, or of the one whose code is asked for; the same to whoever asks that."""
        query = update.inline_query
        assert query is not None
        now = self._clock.now()
        articles, next_at = await self._offered(now)
        asked = query.query.strip().casefold()
        chosen = [article for article in articles if asked not in NAMES or article.id.endswith(f":{asked}")]
        until = next_at - now if next_at is not None else _SHORTEST
        seconds = int(min(max(until, _SHORTEST), _LONGEST).total_seconds())
        try:
            await update.get_bot().answer_inline_query(query.id, chosen, cache_time=seconds, is_personal=False)
        except TelegramError as error:
            # Who asked has typed on, or has gone.
            logger.info("an inline query is not answered: %s", error)

    async def _offered(self, now: datetime) -> tuple[tuple[InlineQueryResultArticle, ...], datetime | None]:
        """Return the cards, and when there may be others; none before the first verdict."""
        async with self._database.reading() as connection:
            session, market_row = await ledger.newest_session(connection), await market.load_market(connection)
            if session is None or market_row is None:
                return (), None
            next_at = market_row.agenda.next_decision_at if market_row.agenda else None
            is_late = next_at is not None and now > next_at
            if self._cards is None or (self._cards.session, self._cards.is_late) != (session, is_late) or is_late:
                body = await ledger.body_of(connection, session)
                self._cards = _Cards(session, is_late, _articles(body, market_row, now))
        return self._cards.articles, next_at


def _articles(body: str, market_row: Market, now: datetime) -> tuple[InlineQueryResultArticle, ...]:
    verdict = read_verdict(body)
    articles = []
    for language in NAMES:
        messages = messages_of(language)
        text = messages.status(verdict, market_row, now)
        articles.append(
            InlineQueryResultArticle(
                f"{verdict.session}:{language}",
                messages.text("inline_title"),
                InputTextMessageContent(text, ParseMode.HTML),
                description=plain(text).partition("\n")[0],
            )
        )
    return tuple(articles)
