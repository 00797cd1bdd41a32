"""Fetch updates and acknowledge them only after they had their effect: a kill never eats an ``/unsubscribe``.

Telegram's acknowledgement is one number: everything below it. So the oldest update that is not through yet holds it,
and those behind it are fetched again and again meanwhile; what is new among them is handled beside it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from telegram import Bot, Update
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError
from telegram.request import BaseRequest

from bot.commands.answering import UndecidedError
from bot.operator_alarm import Alarm
from bot.updates.inbox import Inbox, NotStoredError, passed_over

logger = logging.getLogger(__name__)

ALLOWED_UPDATES = [Update.MESSAGE, Update.CHANNEL_POST, Update.CALLBACK_QUERY, Update.MY_CHAT_MEMBER]
_LONG_POLL = 25
_PAUSES = (1, 2, 5, 10, 30)
# What is not through after so long is not waited for before the next updates are fetched.
_PATIENCE = 0.5
# Telegram is asked so often who is an admin; then whoever wrote is told to try later.
_UNDECIDED = 3
# So long without one good answer, and the operators hear that nobody is answered.
_DEAF = 300.0
_GRACE = 10.0
Raw = dict[str, Any]


class Poller:
    """Polls for ever. No error ends it: a revoked token or a second instance is told to the operators and retried."""

    def __init__(
        self, bot: Bot, request: BaseRequest, address: str, inbox: Inbox, alarm: Alarm, monotonic: Callable[[], float]
    ) -> None:
        self._bot, self._request, self._address = bot, request, address
        self._inbox, self._alarm, self._monotonic = inbox, alarm, monotonic
        self._offset: int | None = None
        self._in_hand: dict[int, asyncio.Task[None]] = {}
        # Had their effect; not acknowledged while an older one is in hand.
        self._through: set[int] = set()
        self._is_sure = False
        self._last_good = monotonic()

    async def run(self) -> None:
        """Poll for ever; when cancelled, let the updates in hand have their effect first."""
        failures = 0
        try:
            while True:
                try:
                    batch = await self._fetch(_LONG_POLL)
                    self._last_good = self._monotonic()
                    await self._take(batch, _PATIENCE)
                    failures = 0
                except Exception as error:  # Telegram's, the database's, or an answer of somebody who is not Telegram
                    await self._tell(error)
                    await asyncio.sleep(max(_pause(failures), _told_to_wait(error)))
                    failures += 1
        finally:
            await self._finish()

    async def once(self) -> int:
        """Let every update that waits now have its effect, acknowledge it, and return how many there were."""
        batch = await self._fetch(0)
        await self._take(batch, None)
        return len(batch)

    async def _fetch(self, seconds: int) -> Sequence[Raw]:
        # Not Bot.get_updates: one update of a shape that it does not know would keep all others away.
        wanted = {"timeout": seconds, "allowed_updates": json.dumps(ALLOWED_UPDATES)}
        if self._offset is not None:
            wanted["offset"] = self._offset
        url = f"{self._address}/getUpdates?{urlencode(wanted)}"
        batch = await self._request.post(url, read_timeout=seconds + 10)
        if not isinstance(batch, list) or not all(map(_is_update, batch)):
            raise TelegramError("the answer to getUpdates holds something else")
        return batch

    async def _take(self, batch: Sequence[Raw], patience: float | None) -> None:
        for raw in await self._new_among(batch):
            self._in_hand[raw["update_id"]] = asyncio.create_task(self._see_through(raw))
        if self._in_hand:
            await asyncio.wait(self._in_hand.values(), timeout=patience)
        await self._settle()
        pending = (self._in_hand.keys() | {raw["update_id"] for raw in batch}) - self._through
        if pending:
            self._offset = min(pending)
        elif batch:
            self._offset = batch[-1]["update_id"] + 1
        self._through = {number for number in self._through if self._offset is None or number >= self._offset}

    async def _new_among(self, batch: Sequence[Raw]) -> Sequence[Raw]:
        # What was waiting when the program began may have had its effect before; nothing behind that can have.
        if batch and not self._is_sure:
            self._through |= await self._inbox.known([raw["update_id"] for raw in batch])
        self._is_sure = True
        return [raw for raw in batch if raw["update_id"] not in self._in_hand.keys() | self._through]

    async def _see_through(self, raw: Raw) -> None:
        """Let one update have its effect, however long that takes; only a mistake of ours ends it without."""
        try:
            update = Update.de_json(raw, self._bot)
            async with self._inbox.turn(update):
                await self._handle(update)
        except Exception as error:  # whatever it is, the others must not wait for it for ever
            logger.exception("update %d is passed over", raw["update_id"])
            await self._alarm(passed_over(raw["update_id"], error))

    async def _handle(self, update: Update) -> None:
        failures = undecided = 0
        while True:
            try:
                return await self._inbox.handle(update)
            except NotStoredError as error:
                undecided += isinstance(error.__cause__, UndecidedError)
                if undecided >= _UNDECIDED:
                    return await self._inbox.give_up(update)
                await asyncio.sleep(_pause(failures))
                failures += 1

    async def _settle(self) -> None:
        ended = {number: task for number, task in self._in_hand.items() if task.done()}
        # One that was cancelled had no effect: it comes again.
        done = [number for number, task in ended.items() if not task.cancelled()]
        if done:
            await self._inbox.remember(done)
            self._through.update(done)
        for number in ended:
            del self._in_hand[number]

    async def _finish(self) -> None:
        tasks = list(self._in_hand.values())
        if tasks:
            await asyncio.wait(tasks, timeout=_GRACE)
        try:
            async with asyncio.timeout(_GRACE):
                await self._settle()
        except (NotStoredError, TimeoutError):
            logger.warning("what was just answered is answered again after the next start")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

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


def _is_update(raw: object) -> bool:
    return isinstance(raw, dict) and isinstance(raw.get("update_id"), int)


def _pause(failures: int) -> float:
    return _PAUSES[min(failures, len(_PAUSES) - 1)]


def _told_to_wait(error: Exception) -> float:
    """Return for how many seconds Telegram wants no more requests; the private figure is always a timedelta."""
    return error._retry_after.total_seconds() if isinstance(error, RetryAfter) else 0.0
