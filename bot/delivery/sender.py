"""Send what is queued: claim one delivery at a time as the pace allows, request, and store how it went."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection
from telegram import Bot
from telegram.constants import ParseMode

from bot.clock import Clock
from bot.delivery.composing import Composer
from bot.delivery.failures import Failure, Meaning, classify
from bot.delivery.pacing import Pacer
from storage import chats, outbox
from storage.database import Database
from storage.outbox import Claimed, State

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
RETRY = timedelta(seconds=5)
HALT = timedelta(seconds=30)
Alarm = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Sender:
    """Carries queued deliveries to Telegram. ``alarm`` tells the operator in a sentence."""

    database: Database
    bot: Bot
    clock: Clock
    pacer: Pacer
    composer: Composer
    alarm: Alarm

    async def send_next(self, in_flight: asyncio.TaskGroup, slots: asyncio.Semaphore) -> bool:
        """Claim the next due delivery and start its request. Returns False when nothing is due."""
        await slots.acquire()
        try:
            while (pause := self.pacer.wait(self.clock.now())) > timedelta(0):
                await asyncio.sleep(pause.total_seconds())
            async with self.database.transaction() as connection:
                claimed = await outbox.claim(connection, self.clock.now(), 1, LEASE)
        except BaseException:
            slots.release()
            raise
        if not claimed:
            slots.release()
            return False
        task = in_flight.create_task(self._deliver(claimed[0]))
        task.add_done_callback(lambda _: slots.release())
        return True

    async def _deliver(self, claimed: Claimed) -> None:
        now = self.clock.now()
        free_at = self.pacer.chat_free_at(claimed.chat_id, now)
        if free_at > now:
            async with self.database.transaction() as connection:
                await outbox.put_back(connection, claimed.id, free_at, "this chat has just had a message")
            return
        try:
            async with self.database.transaction() as connection:
                text = await self.composer.compose(connection, claimed)
        except Exception as error:  # whatever it is, it is ours: one alert must not end the delivery of the others
            logger.exception("alert %d cannot be written", claimed.alert_id)
            await self._failed(claimed, Failure(Meaning.OUR_MISTAKE, f"it cannot be written ({type(error).__name__})"))
            return
        try:
            message = await self.bot.send_message(claimed.chat_id, text, parse_mode=ParseMode.HTML)
        except Exception as error:
            await self._failed(claimed, classify(error))
            return
        async with self.database.transaction() as connection:
            await outbox.finish(connection, claimed.id, State.SENT, self.clock.now(), message_id=message.message_id)

    async def _failed(self, claimed: Claimed, failure: Failure) -> None:
        now = self.clock.now()
        if failure.meaning is Meaning.THROTTLED:
            self.pacer.halt(now + timedelta(seconds=failure.retry_after))
        async with self.database.transaction() as connection:
            await _store(connection, claimed, failure, now)
        if failure.meaning is Meaning.HALT:
            self.pacer.halt(now + HALT)
            await self.alarm(f"{failure.text}: nothing is sent, everything stays queued")
        elif failure.meaning in (Meaning.OUR_MISTAKE, Meaning.REFUSED):
            await self.alarm(f"Alert {claimed.alert_id} was refused by Telegram: {failure.text}")
        elif failure.meaning is not Meaning.THROTTLED:
            logger.info("delivery %d of alert %d: %s", claimed.id, claimed.alert_id, failure.text)


async def _store(connection: AsyncConnection, claimed: Claimed, failure: Failure, now: datetime) -> None:
    """Store what a failure means for the delivery, and for its chat or alert where it says something of them."""
    match failure.meaning:
        case Meaning.THROTTLED:
            retry_at = now + timedelta(seconds=failure.retry_after)
            await outbox.put_back(connection, claimed.id, retry_at, failure.text)
        case Meaning.NOT_SENT | Meaning.HALT:
            await outbox.put_back(connection, claimed.id, now + RETRY, failure.text)
        case Meaning.GONE:
            await outbox.finish(connection, claimed.id, State.GONE, now, error=failure.text)
            await chats.mark_gone(connection, claimed.chat_id, failure.text, now)
        case Meaning.MOVED if failure.new_chat_id is not None:
            await chats.move(connection, claimed.chat_id, failure.new_chat_id)
            await outbox.put_back(connection, claimed.id, now, failure.text)
        case Meaning.OUR_MISTAKE:
            await outbox.stop_alert(connection, claimed.alert_id, failure.text, now)
        case Meaning.UNKNOWN:
            await outbox.mark_unknown(connection, [claimed.id], now, failure.text)
        case _:
            await outbox.finish(connection, claimed.id, State.STOPPED, now, error=failure.text)
