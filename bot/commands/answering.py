"""What every command works with and is asked, and how its answer is shown."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from telegram import (
    Chat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    MaybeInaccessibleMessage,
    Message,
    ReplyParameters,
    Update,
)
from telegram.constants import ChatType, ParseMode
from telegram.error import BadRequest
from telegram.ext import ExtBot

from bot.clock import Clock
from bot.commands.operator.operation import Operation
from bot.commands.permission import Admins
from bot.delivery.failures import TOPIC_GONE_TEXTS
from bot.delivery.replies import ReplyRateLimiter
from bot.errors import AlreadyHandledError
from bot.market.symbols import SymbolFinder
from bot.messages.buttons import Rows
from bot.messages.languages import messages_of
from bot.messages.pages import pages
from bot.messages.render import Messages
from storage import AsyncConnection, inbox
from storage.database import Database


@dataclass(frozen=True, slots=True)
class Services:
    """What a handler works with.

    ``note`` is the operator's on custody and regulation: dated, shown, never scored.
    """

    database: Database
    messages: Messages
    clock: Clock
    replies: ReplyRateLimiter
    admins: Admins
    symbols: SymbolFinder
    note: str = ""
    operation: Operation = field(default_factory=Operation)
    # A chart that nobody has seen yet is uploaded for the first who asks; who asks meanwhile waits for its id.
    uploading: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    _effects: asyncio.Lock = field(default_factory=asyncio.Lock)

    def speaking(self, language: str) -> Services:
        """Return the same services with their words in a language."""
        return replace(self, messages=messages_of(language))

    @asynccontextmanager
    async def transaction(self, update: Update) -> AsyncIterator[AsyncConnection]:
        """Run the statements that are an update's effect: committed together with the fact that it is handled.

        Raises
        ------
        AlreadyHandledError
            When it had its effect before; it must not have it again after what its chat sent later.
        """
        # One at a time, or the sender's claims would wait behind those of a flood.
        async with self._effects, self.database.transaction() as connection:
            if not await inbox.mark_handled(connection, update.update_id, self.clock.now()):
                raise AlreadyHandledError(f"update {update.update_id} had its effect before")
            yield connection


@dataclass(slots=True)
class Request:
    """A command as it was typed, or pressed as a button: ``message`` is then the one with the button.

    That one may be gone, or too old for Telegram to show it. ``words`` are those behind the command, ``origin`` is
    what a press goes back to.
    """

    services: Services
    update: Update
    message: MaybeInaccessibleMessage
    words: tuple[str, ...] = ()
    origin: str = ""
    _is_admitted: bool = False

    @property
    def chat(self) -> Chat:
        """The chat it came from."""
        return self.message.chat

    @property
    def topic(self) -> int | None:
        """The forum topic it came from; ``None`` for the one called General, where there are topics at all."""
        message = self.message
        return message.message_thread_id if isinstance(message, Message) and message.is_topic_message else None

    async def admit(self) -> None:
        """Wait until the answer may leave; ``reply`` and ``show`` do so, too. What is only read is read after that.

        Raises
        ------
        bot.delivery.replies.UnansweredError
            When there is to be no answer.
        """
        if not self._is_admitted:
            self._is_admitted = True
            query, message = self.update.callback_query, self.message
            asked = query.data if query else message.text if isinstance(message, Message) else ""
            await self.services.replies.admit(self.chat.id, self.update.update_id, asked or "")

    async def show(self, text: str, buttons: Rows = ()) -> bool:
        """Answer a press in place, where its message can still be edited, and anything else by a message.

        Returns whether that changed anything: False where the message with the button says the same already.
        """
        edited = await self._edit(text, buttons) if self.update.callback_query is not None else None
        if edited is None:
            await self.reply(text, buttons)
        return edited is not False

    async def reply(self, text: str, buttons: Rows = ()) -> None:
        """Answer in as many messages as Telegram needs; the buttons stand under the last one."""
        await self.admit()
        *earlier, last = pages(text)
        for number, piece in enumerate(earlier):
            await self._send(piece, None, is_admitted=number == 0)
        await self._send(last, markup(buttons), is_admitted=not earlier)

    async def show_photo(self, photo: str | bytes, caption: str, buttons: Rows = ()) -> str | None:
        """Answer with a picture; a press under one puts it in its place. Returns its id, ``None`` if nothing changed.

        Raises
        ------
        telegram.error.BadRequest
            When Telegram does not know ``photo``, or takes no pictures there.
        """
        await self.admit()
        under = self.message
        if self.update.callback_query is None or not isinstance(under, Message) or not under.photo:
            sent = await self._in_topic(partial(self._send_photo, photo, caption, markup(buttons)), is_admitted=True)
            return sent.photo[-1].file_id
        media = InputMediaPhoto(photo, caption, ParseMode.HTML)
        try:
            edited = await self._bot.edit_message_media(
                media, self.chat.id, under.message_id, reply_markup=markup(buttons), rate_limit_args=True
            )
        except BadRequest as error:
            if "message is not modified" not in str(error).lower():
                raise
            return None
        return edited.photo[-1].file_id if isinstance(edited, Message) else None

    async def send_document(self, content: bytes, name: str, caption: str) -> None:
        """Answer with a file."""
        await self.admit()
        await self._in_topic(partial(self._send_document, content, name, caption), is_admitted=True)

    async def tell_to_slow_down(self) -> None:
        """Say instead of an answer that this chat asks too fast."""
        await self._send(self.services.messages.text("slow_down"), None, is_admitted=True)

    async def _edit(self, text: str, buttons: Rows) -> bool | None:
        """Return whether the message with the button says something else now; ``None`` where it cannot be edited."""
        await self.admit()
        if not isinstance(self.message, Message):
            return None
        try:
            await self._bot.edit_message_text(
                text,
                self.chat.id,
                self.message.message_id,
                parse_mode=ParseMode.HTML,
                reply_markup=markup(buttons),
                rate_limit_args=True,
            )
        except BadRequest as error:
            return False if "message is not modified" in str(error).lower() else None
        return True

    async def _send(self, text: str, buttons: InlineKeyboardMarkup | None, *, is_admitted: bool) -> None:
        await self._in_topic(partial(self._send_text, text, buttons), is_admitted=is_admitted)

    async def _in_topic(self, send: Callable[[int | None, bool], Awaitable[Message]], *, is_admitted: bool) -> Message:
        topic = self.topic
        try:
            return await send(topic, is_admitted)
        except BadRequest as error:
            if topic is None or not any(known in str(error).lower() for known in TOPIC_GONE_TEXTS):
                raise
            # Closed or deleted since: General is there.
            return await send(None, False)

    async def _send_text(
        self, text: str, buttons: InlineKeyboardMarkup | None, topic: int | None, is_admitted: bool
    ) -> Message:
        return await self._bot.send_message(
            self.chat.id,
            text,
            ParseMode.HTML,
            reply_markup=buttons,
            reply_parameters=self._quoted,
            message_thread_id=topic,
            rate_limit_args=is_admitted,
        )

    async def _send_photo(
        self,
        photo: str | bytes,
        caption: str,
        buttons: InlineKeyboardMarkup | None,
        topic: int | None,
        is_admitted: bool,
    ) -> Message:
        return await self._bot.send_photo(
            self.chat.id,
            photo,
            caption,
            parse_mode=ParseMode.HTML,
            reply_markup=buttons,
            reply_parameters=self._quoted,
            message_thread_id=topic,
            rate_limit_args=is_admitted,
        )

    async def _send_document(
        self, content: bytes, name: str, caption: str, topic: int | None, is_admitted: bool
    ) -> Message:
        return await self._bot.send_document(
            self.chat.id,
            content,
            caption,
            parse_mode=ParseMode.HTML,
            filename=name,
            reply_parameters=self._quoted,
            message_thread_id=topic,
            rate_limit_args=is_admitted,
        )

    @property
    def _quoted(self) -> ReplyParameters | None:
        return None if self.chat.type == ChatType.PRIVATE else ReplyParameters(self.message.message_id)

    @property
    def _bot(self) -> ExtBot[bool]:
        bot = self.update.get_bot()
        assert isinstance(bot, ExtBot)
        return bot


def markup(rows: Rows) -> InlineKeyboardMarkup | None:
    """Return rows of buttons as the library takes them; ``None`` where there are none."""
    buttons = [[InlineKeyboardButton(title, callback_data=data) for title, data in row] for row in rows]
    return InlineKeyboardMarkup(buttons) if buttons else None


Handler = Callable[[Services, Request], Awaitable[str | None]]
"""What answers a command; the sentence it returns is shown to whoever pressed a button."""
