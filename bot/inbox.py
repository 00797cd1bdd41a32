"""Each update has its effect once, in the order of its chat, and is acknowledged only after that."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.exc import IntegrityError, ProgrammingError, SQLAlchemyError
from telegram import Update
from telegram.ext import Application

from bot.clock import Clock
from bot.commands.answering import UndecidedError
from bot.delivery.answers import UnansweredError
from storage import updates
from storage.database import Database

logger = logging.getLogger(__name__)

Alarm = Callable[[str], Awaitable[None]]


class NotStoredError(Exception):
    """An update could not have its effect: it has to come again."""


class Inbox:
    """Hands updates to the handlers of an application.

    Updates of one chat follow each other; those of different chats do not wait for one another.
    """

    def __init__(
        self, application: Application[Any, Any, Any, Any, Any, Any], database: Database, clock: Clock, alarm: Alarm
    ) -> None:
        self._application, self._database, self._clock, self._alarm = application, database, clock, alarm
        self._chats: dict[int, tuple[asyncio.Lock, int]] = {}
        self._failed: dict[int, Exception] = {}
        application.add_error_handler(self._note_error)

    async def take(self, batch: Sequence[Update], *, are_new: bool = False) -> None:
        """Let every update have its effect that has not had it yet; ``are_new`` when none of them can have had it.

        Raises
        ------
        NotStoredError
            When the database failed. Those that were handled are remembered; call it again with the same updates.
        """
        fresh = batch if are_new else await self._unknown(batch)
        failures = await asyncio.gather(*(self._handle(updates_) for updates_ in _by_chat(fresh)))
        undone = {number for numbers, _ in failures for number in numbers}
        done = [update.update_id for update in fresh if update.update_id not in undone]
        try:
            async with self._database.transaction() as connection:
                await updates.mark_handled(connection, done, self._clock.now())
        except (SQLAlchemyError, OSError) as error:
            raise await self._not_stored(error) from error
        for _, refusal in failures:
            if refusal is not None:
                raise await self._not_stored(refusal) from refusal

    async def _unknown(self, batch: Sequence[Update]) -> Sequence[Update]:
        try:
            async with self._database.transaction() as connection:
                known = await updates.already_handled(connection, [update.update_id for update in batch])
        except (SQLAlchemyError, OSError) as error:
            raise await self._not_stored(error) from error
        return [update for update in batch if update.update_id not in known]

    async def _handle(self, batch: Sequence[Update]) -> tuple[list[int], Exception | None]:
        """Run the handlers for updates of one chat, up to the first that the database does not take.

        Returns the ids of that one and of those behind it, and the error.
        """
        async with self._in_turn(batch[0]):
            for number, update in enumerate(batch):
                await self._application.process_update(update)
                if error := self._failed.pop(update.update_id, None):
                    # What comes after it must not overtake it.
                    return [later.update_id for later in batch[number:]], error
        return [], None

    @asynccontextmanager
    async def _in_turn(self, update: Update) -> AsyncIterator[None]:
        key = _key(update)
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


def _by_chat(batch: Sequence[Update]) -> list[list[Update]]:
    chats: dict[int, list[Update]] = {}
    for update in batch:
        chats.setdefault(_key(update), []).append(update)
    return list(chats.values())


def _key(update: Update) -> int:
    return update.effective_chat.id if update.effective_chat is not None else 0
