"""What every command works with and is asked, and who may change a chat."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection
from telegram import Chat, InlineKeyboardMarkup, Message, Update
from telegram.constants import ChatMemberStatus, ChatType, ParseMode
from telegram.error import BadRequest, NetworkError, RetryAfter

from bot.clock import Clock
from bot.errors import AdminCheckError, AlreadyHandledError
from bot.messages.pages import pages
from bot.messages.render import Messages
from storage import inbox
from storage.database import Database


@dataclass(frozen=True, slots=True)
class Services:
    """What a handler works with. ``note`` is the operator's on custody and regulation: dated, shown, never scored."""

    database: Database
    messages: Messages
    clock: Clock
    note: str = ""

    @asynccontextmanager
    async def transaction(self, update: Update) -> AsyncIterator[AsyncConnection]:
        """Run the statements that are an update's effect: committed together with the fact that it is handled.

        Raises
        ------
        AlreadyHandledError
            When it had its effect before; it must not have it again after what its chat sent later.
        """
        async with self.database.transaction() as connection:
            if not await inbox.mark_handled(connection, update.update_id, self.clock.now()):
                raise AlreadyHandledError(f"update {update.update_id} had its effect before")
            yield connection


@dataclass(frozen=True, slots=True)
class Request:
    """A command as it was typed, or pressed as a button: ``message`` is then the one with the button.

    ``words`` are those behind the command.
    """

    update: Update
    message: Message
    words: tuple[str, ...] = ()

    async def reply(self, text: str, buttons: InlineKeyboardMarkup | None = None) -> None:
        """Answer in as many messages as Telegram needs; the buttons stand under the last one."""
        *earlier, last = pages(text)
        for piece in earlier:
            await self.message.reply_text(piece, ParseMode.HTML)
        await self.message.reply_text(last, ParseMode.HTML, reply_markup=buttons)


Handler = Callable[[Services, Request], Awaitable[None]]


async def may_change(update: Update) -> bool:
    """Return whether the sender may change this chat's settings: anyone in private, admins elsewhere.

    Raises
    ------
    AdminCheckError
        When Telegram could not be asked.
    """
    chat, user = update.effective_chat, update.effective_user
    if chat is None:
        return False
    if chat.type in (ChatType.PRIVATE, ChatType.CHANNEL):
        # Only admins can post in a channel.
        return True
    if update.effective_message is not None and _speaks_as(update.effective_message.sender_chat, chat):
        return True
    if user is None:
        return False
    try:
        member = await chat.get_member(user.id)
    except BadRequest:
        raise
    except (NetworkError, RetryAfter) as error:
        raise AdminCheckError(type(error).__name__) from error
    return member.status in (ChatMemberStatus.OWNER, ChatMemberStatus.ADMINISTRATOR)


def _speaks_as(sender: Chat | None, chat: Chat) -> bool:
    """Return whether an anonymous admin wrote in the name of the group itself."""
    return sender is not None and sender.id == chat.id
