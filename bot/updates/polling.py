"""Fetch updates and acknowledge them only after they are stored: a kill never loses an ``/unsubscribe``."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from urllib.parse import urlencode

from telegram import Bot
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError
from telegram.request import BaseRequest
from tenacity import AsyncRetrying, RetryCallState

from bot.health.counting import Counts
from bot.health.faults import OF_POLLING, Fault
from bot.operator_alarm import Alarm
from bot.updates.inbox import ALLOWED_UPDATES, RETRY_WAIT, Inbox, Raw, is_update

logger = logging.getLogger(__name__)

# So long, in seconds, Telegram keeps a request open while there is no update.
_LONG_POLL = 25
# So long, in seconds, without one good answer, and the operators hear that nobody is answered.
_ALARM_AFTER_SILENCE = 300.0


class Poller:
    """Polls for ever. No error ends it: a revoked token or a second instance is told to the operators and retried."""

    def __init__(
        self,
        bot: Bot,
        request: BaseRequest,
        address: str,
        inbox: Inbox,
        alarm: Alarm,
        monotonic: Callable[[], float],
        counts: Counts,
    ) -> None:
        self._bot, self._request, self._address = bot, request, address
        self._inbox, self._alarm, self._monotonic, self._counts = inbox, alarm, monotonic, counts
        # Telegram's word for what it may forget: every update below this number.
        self._offset: int | None = None
        self._last_good = monotonic()

    @property
    def silence(self) -> float:
        """For how many seconds no poll has succeeded."""
        return self._monotonic() - self._last_good

    async def run(self) -> None:
        """Fetch and store updates for ever; the inbox handles them."""
        while True:
            # Whatever fails: Telegram, the database, or somebody who answers and is not Telegram.
            await AsyncRetrying(wait=_pause, before_sleep=self._tell)(self._poll, _LONG_POLL)
            # What has just come is in hand before more is asked for.
            await asyncio.sleep(0)

    async def once(self) -> int:
        """Fetch the updates that wait now, handle everything stored, and return how many were fetched.

        Telegram forgets them with the next call.
        """
        count = await self._poll(0)
        await self._inbox.handle_stored()
        return count

    async def _poll(self, seconds: int) -> int:
        batch = await self._fetch(seconds)
        self._last_good = self._monotonic()
        self._counts.polls[True] += 1
        await self._alarm.ends(*OF_POLLING)
        await self._inbox.store(batch)
        if batch:
            self._offset = batch[-1]["update_id"] + 1
        return len(batch)

    async def _fetch(self, seconds: int) -> Sequence[Raw]:
        # Not Bot.get_updates: one update of a shape that it does not know would keep all others away.
        wanted = {"timeout": seconds, "allowed_updates": json.dumps(ALLOWED_UPDATES)}
        if self._offset is not None:
            wanted["offset"] = self._offset
        url = f"{self._address}/getUpdates?{urlencode(wanted)}"
        batch = await self._request.post(url, read_timeout=seconds + 10)
        if not isinstance(batch, list) or not all(map(is_update, batch)):
            raise TelegramError("the answer to getUpdates holds something else")
        return batch

    async def _tell(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        self._counts.polls[False] += 1
        self._counts.throttled += isinstance(error, RetryAfter)
        if isinstance(error, InvalidToken):
            sentence = "Telegram does not accept the token any more; no command can be answered"
            await self._alarm.begins(Fault.TOKEN, sentence)
        elif isinstance(error, Conflict) and "webhook" in str(error):
            sentence = "This bot has a web-hook, so nothing can be polled; it is deleted now"
            await self._alarm.begins(Fault.WEB_HOOK_LEFT, sentence)
            await self._delete_webhook()
        elif isinstance(error, Conflict):
            await self._alarm.begins(Fault.OTHER_POLLER, "Another process polls with the same token; run only one")
        else:
            logger.warning("polling failed, trying again: %s", error)
        if self.silence > _ALARM_AFTER_SILENCE:
            sentence = f"Telegram has given no updates for five minutes: {type(error).__name__}"
            await self._alarm.begins(Fault.POLLING, sentence)

    async def _delete_webhook(self) -> None:
        try:
            await self._bot.delete_webhook()
        except TelegramError as error:
            logger.warning("the web-hook could not be deleted: %s", error)


def _pause(state: RetryCallState) -> float:
    """Return for how many seconds to wait: longer each time, and never less than Telegram asks for."""
    error = state.outcome.exception() if state.outcome else None
    # A number or a timedelta, as PTB_TIMEDELTA says; the private one is always a timedelta.
    asked = error._retry_after.total_seconds() if isinstance(error, RetryAfter) else 0.0
    return max(RETRY_WAIT(state), asked)
