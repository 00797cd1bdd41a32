"""Each update has its effect once, in the order of its chat, and is remembered after that."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.exc import IntegrityError, ProgrammingError, SQLAlchemyError
from telegram import Update
from telegram.constants import ParseMode
from telegram.error import TelegramError
from telegram.ext import Application

from bot.clock import Clock
from bot.commands.answering import UndecidedError
from bot.delivery.answers import UnansweredError
from bot.operator_alarm import Alarm
from storage import updates
from storage.database import Database

logger = logging.getLogger(__name__)


class NotStoredError(Exception):
    """An update could not have its effect: it has to come again."""


class Inbox:
    """Hands updates to the handlers of an application."""

    def __init__(
        self,
        application: Application[Any, Any, Any, Any, Any, Any],
        database: Database,
        clock: Clock,
        alarm: Alarm,
        apology: str,
    ) -> None:
        self._application, self._database, self._clock, self._alarm = application, database, clock, alarm
        self._apology = apology
        self._chats: dict[int, tuple[asyncio.Lock, int]] = {}
        self._failed: dict[int, Exception] = {}
        application.add_error_handler(self._note_error)

    async def take(self, update: Update) -> None:
        """Let an update have its effect, unless it had it already, and remember it.

        Raises
        ------
        NotStoredError
            When it may come again.
        """
        async with self.turn(update):
            if not await self.known([update.update_id]):
                await self.handle(update)
                await self.remember([update.update_id])

    @asynccontextmanager
    async def turn(self, update: Update) -> AsyncIterator[None]:
        """Wait until those of the same chat that came before are through; those of other chats do not matter."""
        key = update.effective_chat.id if update.effective_chat is not None else 0
        lock, waiting = self._chats.get(key) or (asyncio.Lock(), 0)
        self._chats[key] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._chats[key]
            self._chats[key] = (lock, waiting - 1)
            if waiting == 1:
                del self._chats[key]

    async def handle(self, update: Update) -> None:
        """Run the handlers for an update.

        Raises
        ------
        NotStoredError
            When it had no effect, from the reason. Call it again, before any later update of its chat.
        """
        await self._application.process_update(update)
        if error := self._failed.pop(update.update_id, None):
            raise await self._not_stored(error) from error

    async def give_up(self, update: Update) -> None:
        """Tell whoever wrote that it had no effect and can be sent again."""
        if update.effective_message is not None:
            try:
                await update.effective_message.reply_text(self._apology, ParseMode.HTML)
            except TelegramError as error:
                logger.warning("nobody was told that update %d had no effect: %s", update.update_id, error)

    async def known(self, update_ids: Collection[int]) -> set[int]:
        """Return those of these updates that had their effect before.

        Raises
        ------
        NotStoredError
            When the database fails.
        """
        try:
            async with self._database.transaction() as connection:
                return await updates.already_handled(connection, update_ids)
        except (SQLAlchemyError, OSError) as error:
            raise await self._not_stored(error) from error

    async def remember(self, update_ids: Iterable[int]) -> None:
        """Note that these updates have had their effect.

        Raises
        ------
        NotStoredError
            When the database fails.
        """
        try:
            async with self._database.transaction() as connection:
                await updates.mark_handled(connection, update_ids, self._clock.now())
        except (SQLAlchemyError, OSError) as error:
            raise await self._not_stored(error) from error

    async def _note_error(self, update: object, context: Any) -> None:
        error = context.error
        if isinstance(error, UnansweredError):
            logger.info("%s", error)
            return
        logger.error("a command failed", exc_info=error)
        # A mistake of ours would fail again for ever; a database that is locked, full or away will not.
        is_ours = isinstance(error, IntegrityError | ProgrammingError)
        may_pass = isinstance(error, SQLAlchemyError | OSError | UndecidedError)
        if isinstance(update, Update) and may_pass and not is_ours:
            self._failed[update.update_id] = error

    async def _not_stored(self, error: Exception) -> NotStoredError:
        reason = type(getattr(error, "orig", None) or error).__name__
        what = "Telegram does not say who is an admin" if isinstance(error, UndecidedError) else "The database fails"
        await self._alarm(f"{what} ({reason}): what people write has no effect yet; it is tried again")
        return NotStoredError(reason)


def passed_over(update_id: int, error: Exception) -> str:
    """Return what the operators hear of an update that nothing here can handle."""
    return (
        f"An update from Telegram cannot be handled and is passed over ({type(error).__name__} in update {update_id})"
    )
