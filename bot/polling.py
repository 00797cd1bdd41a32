"""Fetch updates and acknowledge each only after its handler has run: a kill never eats an ``/unsubscribe``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from telegram import Update
from telegram.error import Conflict, InvalidToken, TelegramError
from telegram.ext import Application

logger = logging.getLogger(__name__)

ALLOWED_UPDATES = [Update.MESSAGE, Update.CHANNEL_POST, Update.CALLBACK_QUERY, Update.MY_CHAT_MEMBER]
_LONG_POLL = 25
_PAUSES = (1, 2, 5, 10, 30)


async def poll(application: Application[Any, Any, Any, Any, Any, Any], alarm: Callable[[str], Awaitable[None]]) -> None:
    """Poll for ever. No error ends it: a revoked token or a second instance is told to the operator and retried."""
    offset: int | None = None
    failures = 0
    while True:
        try:
            updates = await application.bot.get_updates(
                offset=offset, timeout=_LONG_POLL, read_timeout=_LONG_POLL + 10, allowed_updates=ALLOWED_UPDATES
            )
            failures = 0
        except TelegramError as error:
            await _tell(error, alarm)
            await asyncio.sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])
            failures += 1
            continue
        for update in updates:
            await application.process_update(update)
            offset = update.update_id + 1


async def _tell(error: TelegramError, alarm: Callable[[str], Awaitable[None]]) -> None:
    if isinstance(error, InvalidToken):
        await alarm("Telegram does not accept the token any more; no command can be answered")
    elif isinstance(error, Conflict):
        await alarm("Another process polls with the same token; run only one")
    else:
        logger.warning("polling failed, trying again: %s", error)
