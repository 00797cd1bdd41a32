"""Tell the operator, once."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from html import escape

from sqlalchemy.exc import SQLAlchemyError
from telegram import Bot
from telegram.constants import ParseMode
from telegram.error import TelegramError

from bot.logs import redact
from storage.database import Database
from storage.outbox import notices

logger = logging.getLogger(__name__)

Alarm = Callable[[str], Awaitable[None]]
"""Whatever tells the operators a sentence."""

_A_DAY = 86_400.0
_AGAIN = 60.0
# Some end in an exception's text, and those have no bounds.
_LONGEST = 1_000


class OperatorAlarm:
    """Logs a sentence and sends it to the operators' chats; the same sentence at most once a day.

    No sentence holds any of the ``secrets``. It obeys the pace of all answers. What reaches no operator, as during an
    outage, is kept and sent after it.
    """

    def __init__(self, bot: Bot, operator_ids: Sequence[int], secrets: Sequence[str] = ()) -> None:
        self._bot, self._operator_ids, self._secrets = bot, operator_ids, secrets
        self._told: dict[str, float] = {}
        self._untold: list[str] = []
        self._told_notices: set[int] = set()

    async def __call__(self, sentence: str) -> None:
        """Tell the operators, unless they were told within the last day."""
        # Before it is cut: half a secret would not be known for one.
        now, sentence = time.monotonic(), redact(sentence, *self._secrets)[:_LONGEST]
        if now - self._told.get(sentence, -math.inf) < _A_DAY:
            return
        # Anew, so that they stand in the order in which they were told.
        self._told.pop(sentence, None)
        self._told[sentence] = now
        logger.error("%s", sentence)
        if not await self._tell(sentence):
            self._untold.append(sentence)

    def told(self) -> list[tuple[float, str]]:
        """Return what there was to tell within the last day, the oldest first, each with its age in seconds."""
        now = time.monotonic()
        return [(now - at, sentence) for sentence, at in self._told.items() if now - at < _A_DAY]

    async def run(self, stored: Database | None = None) -> None:
        """Tell for ever what could not be told, and the notices ``stored`` in a database; one process tells those."""
        while True:
            for sentence in self._untold[:]:
                if await self._tell(sentence):
                    self._untold.remove(sentence)
            try:
                if stored is not None:
                    await self._tell_notices(stored)
            except (SQLAlchemyError, OSError) as error:
                logger.warning("notices cannot be read or removed: %s", type(error).__name__)
            await asyncio.sleep(_AGAIN)

    async def _tell_notices(self, database: Database) -> None:
        async with database.reading() as connection:
            pending = await notices.pending(connection)
        for number, kept in pending:
            sentence = redact(kept, *self._secrets)
            # Told and not removed, because the database was away: it is not told again.
            if number not in self._told_notices and not await self._tell(sentence):
                return
            self._told_notices.add(number)
            async with database.transaction() as connection:
                await notices.remove(connection, number)
            self._told_notices.remove(number)

    async def _tell(self, sentence: str) -> bool:
        reached = [await self._reaches(operator_id, sentence) for operator_id in self._operator_ids]
        return any(reached) or not reached

    async def _reaches(self, operator_id: int, sentence: str) -> bool:
        try:
            await self._bot.send_message(operator_id, escape(sentence), parse_mode=ParseMode.HTML)
        except TelegramError as error:
            logger.warning("operator %d could not be told: %s", operator_id, error)
            return False
        return True
