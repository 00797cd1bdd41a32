"""Tell the operator, once."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from html import escape

from telegram import Bot
from telegram.constants import ParseMode
from telegram.error import TelegramError

logger = logging.getLogger(__name__)

_A_DAY = 86_400.0


class OperatorAlarm:
    """Logs a sentence and sends it to the operators' chats; the same sentence at most once a day."""

    def __init__(self, bot: Bot, operator_ids: Sequence[int]) -> None:
        self._bot, self._operator_ids = bot, operator_ids
        self._told: dict[str, float] = {}

    async def __call__(self, sentence: str) -> None:
        """Tell the operators, unless they were told within the last day."""
        now = time.monotonic()
        if now - self._told.get(sentence, -math.inf) < _A_DAY:
            return
        self._told[sentence] = now
        logger.error("%s", sentence)
        reached = [await self._tell(operator_id, sentence) for operator_id in self._operator_ids]
        if reached and not any(reached):
            # Nobody has heard it: the next time it is news again.
            del self._told[sentence]

    async def _tell(self, operator_id: int, sentence: str) -> bool:
        try:
            await self._bot.send_message(operator_id, escape(sentence), parse_mode=ParseMode.HTML)
        except TelegramError as error:
            logger.warning("operator %d could not be told: %s", operator_id, error)
            return False
        return True
