"""Tell the operator, once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from html import escape

from telegram import Bot
from telegram.constants import ParseMode
from telegram.error import TelegramError

logger = logging.getLogger(__name__)


class OperatorAlarm:
    """Logs a sentence and sends it to the operators' chats; the same sentence only once in a process's life."""

    def __init__(self, bot: Bot, operator_ids: Sequence[int]) -> None:
        self._bot, self._operator_ids = bot, operator_ids
        self._told: set[str] = set()

    async def __call__(self, sentence: str) -> None:
        """Tell the operators, unless they were told already."""
        if sentence in self._told:
            return
        self._told.add(sentence)
        logger.error("%s", sentence)
        for operator_id in self._operator_ids:
            try:
                await self._bot.send_message(operator_id, escape(sentence), parse_mode=ParseMode.HTML)
            except TelegramError as error:
                logger.warning("operator %d could not be told: %s", operator_id, error)
