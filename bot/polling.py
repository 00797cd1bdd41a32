"""Fetch updates and acknowledge them only after they had their effect: a kill never eats an ``/unsubscribe``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from telegram import Bot, Update
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError

from bot.inbox import Inbox, NotStoredError

logger = logging.getLogger(__name__)

ALLOWED_UPDATES = [Update.MESSAGE, Update.CHANNEL_POST, Update.CALLBACK_QUERY, Update.MY_CHAT_MEMBER]
_LONG_POLL = 25
_PAUSES = (1, 2, 5, 10, 30)
# So long without one good answer, and the operators hear that nobody is answered.
_DEAF = 300.0
_GRACE = 10.0
Alarm = Callable[[str], Awaitable[None]]


class Poller:
    """Polls for ever. No error ends it: a revoked token or a second instance is told to the operators and retried."""

    def __init__(self, bot: Bot, inbox: Inbox, alarm: Alarm, monotonic: Callable[[], float]) -> None:
        self._bot, self._inbox, self._alarm, self._monotonic = bot, inbox, alarm, monotonic
        self._offset: int | None = None
        self._is_sure = False
        self._last_good = monotonic()

    async def run(self) -> None:
        """Poll for ever; when cancelled, let the updates in hand have their effect first."""
        failures = 0
        while True:
            try:
                updates = await self._fetch()
                self._last_good = self._monotonic()
                await _to_the_end(self._take(updates))
                failures = 0
            except (TelegramError, NotStoredError) as error:
                await self._tell(error)
                await asyncio.sleep(max(_PAUSES[min(failures, len(_PAUSES) - 1)], _told_to_wait(error)))
                failures += 1
            except Exception as error:  # an update of a shape nobody knows: what is delivered does not depend on it
                logger.exception("the updates cannot be read")
                await self._alarm(f"Updates from Telegram cannot be read ({type(error).__name__}); nobody is answered")
                await asyncio.sleep(_PAUSES[-1])

    async def once(self) -> int:
        """Let every update that waits now have its effect, acknowledge it, and return how many there were."""
        updates = await self._bot.get_updates(offset=self._offset, timeout=0, allowed_updates=ALLOWED_UPDATES)
        await self._take(updates)
        return len(updates)

    async def _fetch(self) -> Sequence[Update]:
        return await self._bot.get_updates(
            offset=self._offset, timeout=_LONG_POLL, read_timeout=_LONG_POLL + 10, allowed_updates=ALLOWED_UPDATES
        )

    async def _take(self, updates: Sequence[Update]) -> None:
        # Once one batch was taken whole, what comes behind it cannot have been handled before.
        are_new, self._is_sure = self._is_sure, False
        if updates:
            await self._inbox.take(updates, are_new=are_new)
            self._offset = updates[-1].update_id + 1
        self._is_sure = self._offset is not None

    async def _tell(self, error: Exception) -> None:
        if isinstance(error, InvalidToken):
            await self._alarm("Telegram does not accept the token any more; no command can be answered")
        elif isinstance(error, Conflict) and "webhook" in str(error):
            await self._alarm("This bot has a web-hook, so nothing can be polled; it is deleted now")
            await self._delete_webhook()
        elif isinstance(error, Conflict):
            await self._alarm("Another process polls with the same token; run only one")
        else:
            logger.warning("polling failed, trying again: %s", error)
        if self._monotonic() - self._last_good > _DEAF:
            await self._alarm(f"Telegram has given no updates for five minutes: {type(error).__name__}")

    async def _delete_webhook(self) -> None:
        try:
            await self._bot.delete_webhook()
        except TelegramError as error:
            logger.warning("the web-hook could not be deleted: %s", error)


def _told_to_wait(error: Exception) -> float:
    """Return for how many seconds Telegram wants no more requests; the private figure is always a timedelta."""
    return error._retry_after.total_seconds() if isinstance(error, RetryAfter) else 0.0


async def _to_the_end(work: Any) -> None:
    """Wait for some work; when cancelled, give it some time to be done."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task], timeout=_GRACE)
        task.cancel()
        raise
