"""Start, subscribe, unsubscribe, and what Telegram says of a chat coming and going."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from telegram import ChatMember, InlineKeyboardButton, InlineKeyboardMarkup, Message, Update
from telegram.constants import ParseMode
from telegram.ext import BaseHandler, CallbackQueryHandler, ChatMemberHandler, CommandHandler, MessageHandler, filters

from bot.commands.answering import Desk, may_change
from storage import chats, market

SUBSCRIBE = "subscribe"
_OUT = (ChatMember.BANNED, ChatMember.LEFT)


@dataclass(frozen=True, slots=True)
class Subscription:
    """The handlers of this family."""

    desk: Desk

    def handlers(self) -> list[BaseHandler[Any, Any, Any]]:
        """Return them for registration."""
        return [
            CommandHandler("start", self.start),
            CommandHandler("subscribe", self.subscribe),
            CommandHandler("unsubscribe", self.unsubscribe),
            CallbackQueryHandler(self.press_subscribe, pattern=f"^{SUBSCRIBE}$"),
            ChatMemberHandler(self.come_or_go, ChatMemberHandler.MY_CHAT_MEMBER),
            MessageHandler(filters.StatusUpdate.MIGRATE, self.migrate),
        ]

    async def start(self, update: Update, _: object) -> None:
        """Say what this is, with one button to subscribe."""
        chat, message = update.effective_chat, update.effective_message
        assert chat is not None
        assert message is not None
        async with self.desk.database.transaction() as connection:
            await chats.welcome(connection, chat.id, chat.type)
            market_row = await market.load_market(connection)
        button = InlineKeyboardButton("Subscribe", callback_data=SUBSCRIBE)
        text = self.desk.messages.text("start", market=market_row)
        await message.reply_text(text, ParseMode.HTML, reply_markup=InlineKeyboardMarkup([[button]]))

    async def subscribe(self, update: Update, _: object) -> None:
        """Subscribe this chat."""
        assert update.effective_message is not None
        await self._subscribe(update, update.effective_message)

    async def press_subscribe(self, update: Update, _: object) -> None:
        """Subscribe by the button under ``/start``."""
        query = update.callback_query
        assert query is not None
        if isinstance(query.message, Message):
            await self._subscribe(update, query.message)
        await query.answer()

    async def _subscribe(self, update: Update, message: Message) -> None:
        if not await may_change(update):
            await message.reply_text(self.desk.messages.text("admins_only"), ParseMode.HTML)
            return
        chat, now = message.chat, self.desk.clock.now()
        async with self.desk.database.transaction() as connection:
            new = await chats.subscribe(connection, chat.id, chat.type, now)
        await message.reply_text(self.desk.messages.text("subscribed", new=new), ParseMode.HTML)

    async def unsubscribe(self, update: Update, _: object) -> None:
        """Unsubscribe this chat."""
        chat, message = update.effective_chat, update.effective_message
        assert chat is not None
        assert message is not None
        if not await may_change(update):
            await message.reply_text(self.desk.messages.text("admins_only"), ParseMode.HTML)
            return
        async with self.desk.database.transaction() as connection:
            was = await chats.unsubscribe(connection, chat.id, self.desk.clock.now())
        await message.reply_text(self.desk.messages.text("unsubscribed", was=was), ParseMode.HTML)

    async def come_or_go(self, update: Update, _: object) -> None:
        """Note that the bot was blocked, removed, or let in again."""
        change = update.my_chat_member
        assert change is not None
        status = change.new_chat_member.status
        async with self.desk.database.transaction() as connection:
            if status in _OUT:
                await chats.mark_gone(connection, change.chat.id, f"the bot is {status} there", self.desk.clock.now())
            else:
                await chats.welcome(connection, change.chat.id, change.chat.type)

    async def migrate(self, update: Update, _: object) -> None:
        """Follow a group that became a supergroup."""
        message = update.effective_message
        assert message is not None
        if message.migrate_to_chat_id is not None:
            async with self.desk.database.transaction() as connection:
                await chats.move(connection, message.chat.id, message.migrate_to_chat_id, self.desk.clock.now())
