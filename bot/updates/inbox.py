"""Every update is stored as it arrives and then handled: once, in the order of its chat, whatever is killed when."""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any, TypeGuard

from sqlalchemy.exc import IntegrityError, ProgrammingError, SQLAlchemyError
from telegram import Update
from telegram.constants import ParseMode
from telegram.error import TelegramError
from telegram.ext import Application
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential

from bot.clock import Clock
from bot.delivery.replies import UnansweredError
from bot.errors import AdminCheckError, AlreadyHandledError, RetryUpdateError
from bot.health.faults import Fault
from bot.operator_alarm import Alarm
from storage import AsyncConnection, inbox
from storage.database import Database
from storage.inbox import Received

logger = logging.getLogger(__name__)

ALLOWED_UPDATES = (
    *(Update.MESSAGE, Update.CHANNEL_POST, Update.CALLBACK_QUERY, Update.MY_CHAT_MEMBER, Update.INLINE_QUERY),
)
RETRY_WAIT = wait_exponential(max=30)
# So many chats are answered at the same time; the others wait for one of them. More than may wait for an answer's turn.
_CHATS_AT_ONCE = 200
# Telegram is asked so often who is an admin; then whoever wrote is told to try later.
_ADMIN_CHECKS = 3
# Where several processes share a database, the chat of one that died is taken over after this long.
_LEASE = timedelta(minutes=2)
# So many inline queries are answered at the same time; who types one more while they are types another after it.
_INLINE_AT_ONCE = 100
# So often, in seconds, the database is asked for what another process stored or left behind.
_LOOK_EVERY = 10.0
# Seconds within which whoever wrote may write again.
_A_MOMENT = 2.0
# So long, in seconds, what is in hand may still be finished when the program ends.
_GRACE = 10.0
_INT64 = range(-(2**63), 2**63)
Raw = dict[str, Any]


class Inbox:
    """Stores updates, and hands them to the handlers of an application: chats beside each other, each in its order."""

    def __init__(
        self,
        application: Application[Any, Any, Any, Any, Any, Any],
        database: Database,
        clock: Clock,
        alarm: Alarm,
        apology: Callable[[Update], Awaitable[str]],
    ) -> None:
        self._application, self._database, self._clock, self._alarm = application, database, clock, alarm
        self._apology = apology
        self._lease = None if database.is_exclusive else _LEASE
        self._capacity = asyncio.Semaphore(_CHATS_AT_ONCE)
        # One at a time, or the sender's claims would wait behind those of a flood.
        self._finishing = asyncio.Lock()
        self._workers: dict[int, asyncio.Task[None]] = {}
        # Chats that may have an update nobody has looked for yet.
        self._unseen: set[int] = set()
        self._inline: set[asyncio.Task[None]] = set()
        self._errors: dict[int, Exception] = {}
        self._wrote_at = -math.inf
        self._is_stopping = False
        application.add_error_handler(self._note_error)

    async def store(self, updates: Sequence[Raw]) -> None:
        """Store updates and begin to handle them. When this returns, Telegram may forget them.

        An inline query is answered at once and not stored: it changes nothing, and is worth nothing a moment later.

        Raises
        ------
        RetryUpdateError
            When the database does not take them.
        """
        for raw in updates:
            if Update.INLINE_QUERY in raw:
                self._answer(raw)
        lasting = [raw for raw in updates if Update.INLINE_QUERY not in raw]
        received = [Received(raw["update_id"], _chat_of(raw), json.dumps(raw).encode()) for raw in lasting]
        if not received:
            return
        try:
            await self._store(received)
        except RetryUpdateError as error:
            await self._tell_operators(error)
            raise

    async def _store(self, received: Sequence[Received]) -> None:
        """Store updates, and let the workers of their chats handle them."""
        self._wrote_at = asyncio.get_running_loop().time()
        chats = [*dict.fromkeys(one.chat_id for one in received)]
        # Mostly somebody writes who is not being answered. Without a lease, taking is reading, and so what they wrote
        # can be taken as it is stored, for the worker of their chat.
        is_handed = self._lease is None and len(chats) == 1 and chats[0] not in self._workers
        is_handed = is_handed and not self._capacity.locked()
        handed: asyncio.Future[Received | None] = asyncio.get_running_loop().create_future()
        if is_handed:
            self._start_worker(chats[0], handed)
        taken = None
        try:
            async with self._guarded(self._database.transaction()) as connection:
                await inbox.store(connection, received)
                oldest = await self._take(connection, chats[0]) if is_handed else None
            # Only what is committed is handled.
            taken = oldest
        finally:
            # A worker that was cancelled meanwhile, because the program ends, waits no more.
            if not handed.done():
                handed.set_result(taken)
        if not is_handed:
            for chat_id in chats:
                self._start_worker(chat_id)

    async def give_way(self, seconds: float) -> bool:
        """Wait until nobody is being answered, so long at most. Returns whether somebody wrote a moment ago."""
        if self._workers:
            await asyncio.wait([*self._workers.values()], timeout=seconds)
        return asyncio.get_running_loop().time() < self._wrote_at + _A_MOMENT

    async def run(self) -> None:
        """Handle for ever what is stored; when cancelled, finish what is in hand first."""
        self._is_stopping = False
        try:
            while True:
                await self._retrying()(self._start_workers)
                await asyncio.sleep(_LOOK_EVERY)
        finally:
            self._is_stopping = True
            if workers := [*self._workers.values(), *self._inline]:
                _, unfinished = await asyncio.wait(workers, timeout=_GRACE)
                for worker in unfinished:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)

    async def handle_stored(self) -> None:
        """Handle whatever is stored now, and return when that is done."""
        await self._retrying()(self._start_workers)
        while answering := {*self._workers.values(), *self._inline}:
            await asyncio.wait(answering)

    def _answer(self, raw: Raw) -> None:
        if len(self._inline) < _INLINE_AT_ONCE and not self._is_stopping:
            task = asyncio.create_task(self._answer_inline(raw))
            self._inline.add(task)
            task.add_done_callback(self._inline.discard)

    async def _answer_inline(self, raw: Raw) -> None:
        try:
            update = Update.de_json(raw, self._application.bot)
            await self._application.process_update(update)
            if (error := self._errors.pop(update.update_id, None)) is not None:
                raise error
        except Exception:  # whatever it is, whoever asked types on
            logger.warning("an inline query is passed over", exc_info=True)

    async def _start_workers(self) -> None:
        async with self._guarded(self._database.reading()) as connection:
            chats = await inbox.waiting_chats(connection)
        for chat_id in chats:
            self._start_worker(chat_id)

    def _start_worker(self, chat_id: int, handed: asyncio.Future[Received | None] | None = None) -> None:
        self._unseen.add(chat_id)
        if chat_id not in self._workers and not self._is_stopping:
            self._workers[chat_id] = asyncio.create_task(self._work(chat_id, handed))

    async def _work(self, chat_id: int, handed: asyncio.Future[Received | None] | None) -> None:
        """Handle what one chat sent, the oldest first, until nothing is left; what is ``handed`` is taken already."""
        try:
            while chat_id in self._unseen:
                self._unseen.discard(chat_id)
                finished = None
                while True:
                    # For one update at a time: who sends many must not keep a place that others wait for.
                    async with self._capacity:
                        if handed is not None:
                            received, handed = await handed, None
                        else:
                            received = await self._retrying()(self._next, chat_id, finished)
                        if received is None:
                            break
                        await self._handle(received)
                    finished = received.update_id
        finally:
            del self._workers[chat_id]

    async def _next(self, chat_id: int, finished: int | None) -> Received | None:
        # Without a lease, taking is reading, and does not wait for a slice of a fan-out.
        if finished is None and self._lease is None:
            async with self._guarded(self._database.reading()) as connection:
                return await self._take(connection, chat_id)
        async with self._finishing, self._guarded(self._database.transaction()) as connection:
            if finished is not None:
                await inbox.finish(connection, finished, self._clock.now())
            return await self._take(connection, chat_id)

    async def _take(self, connection: AsyncConnection, chat_id: int) -> Received | None:
        return None if self._is_stopping else await inbox.take(connection, chat_id, self._lease)

    async def _handle(self, received: Received) -> None:
        """Let one update have its effect, however long that takes; only a mistake of ours ends it without."""
        try:
            update = Update.de_json(json.loads(received.body), self._application.bot)
            await self._handle_until_done(update)
        except Exception as error:  # whatever it is, what its chat sends next must not wait for ever
            logger.exception("update %d is passed over", received.update_id)
            sentence = (
                f"An update from Telegram cannot be handled and is passed over "
                f"({type(error).__name__} in update {received.update_id})"
            )
            await self._alarm.begins(Fault.UPDATE, sentence)

    async def _handle_until_done(self, update: Update) -> None:
        unanswered = 0
        async for attempt in self._retrying():
            with attempt:
                try:
                    await self._run_handlers(update)
                except AdminCheckError as error:
                    unanswered += 1
                    if unanswered < _ADMIN_CHECKS:
                        raise
                    await self._tell_operators(error)
                    await self._apologize(update)

    async def _run_handlers(self, update: Update) -> None:
        await self._application.process_update(update)
        match self._errors.pop(update.update_id, None):
            case None:
                pass
            case UnansweredError() as error:
                # In a flood there are many.
                logger.debug("%s", error)
            case AlreadyHandledError() as error:
                logger.info("%s", error)
            case TelegramError() as error:
                logger.error("a command failed", exc_info=error)
            case IntegrityError() | ProgrammingError() as error:
                # A mistake of ours, which would fail again for ever.
                raise error
            case SQLAlchemyError() | OSError() as error:
                raise RetryUpdateError(_reason(error)) from error
            case error:
                raise error

    async def _note_error(self, update: object, context: Any) -> None:
        assert isinstance(update, Update)
        self._errors[update.update_id] = context.error

    async def _apologize(self, update: Update) -> None:
        """Tell whoever wrote that it had no effect and can be sent again."""
        apology = await self._apology(update)
        try:
            if update.callback_query is not None:
                await update.callback_query.answer(apology, show_alert=True)
            elif update.effective_message is not None:
                await update.effective_message.reply_text(apology, ParseMode.HTML)
        except TelegramError as error:
            logger.warning("nobody was told that update %d had no effect: %s", update.update_id, error)

    @asynccontextmanager
    async def _guarded(self, way: AbstractAsyncContextManager[AsyncConnection]) -> AsyncIterator[AsyncConnection]:
        try:
            async with way as connection:
                yield connection
        except (SQLAlchemyError, OSError) as error:
            raise RetryUpdateError(_reason(error)) from error
        await self._alarm.ends(Fault.DATABASE)

    def _retrying(self) -> AsyncRetrying:
        """Return attempts for as long as the database or Telegram's word on who is an admin is what is missing."""

        async def tell(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            assert isinstance(error, RetryUpdateError)
            await self._tell_operators(error)

        return AsyncRetrying(retry=retry_if_exception_type(RetryUpdateError), wait=RETRY_WAIT, before_sleep=tell)

    async def _tell_operators(self, error: RetryUpdateError) -> None:
        is_undecided = isinstance(error, AdminCheckError)
        what = "Telegram does not say who is an admin" if is_undecided else "The database fails"
        sentence = f"{what} ({error}): what people write has no effect yet; it is tried again"
        await self._alarm.begins(Fault.ADMINS if is_undecided else Fault.DATABASE, sentence)


def is_update(raw: object) -> TypeGuard[Raw]:
    """Return whether something is an update as Telegram sends it, of whatever kind."""
    return isinstance(raw, dict) and type(raw.get("update_id")) is int and raw["update_id"] in _INT64


def _chat_of(raw: Raw) -> int:
    """Return the id of the chat an update belongs to, 0 when there is none or nobody knows its shape."""
    try:
        content = next(raw[kind] for kind in ALLOWED_UPDATES if kind in raw)
        chat_id = content.get("message", content)["chat"]["id"]
    except (StopIteration, AttributeError, KeyError, TypeError):
        return inbox.NOBODY
    return chat_id if isinstance(chat_id, int) and chat_id in _INT64 else inbox.NOBODY


def _reason(error: Exception) -> str:
    return type(getattr(error, "orig", None) or error).__name__
