"""What Telegram says of a chat coming and going: to one that lets the bot in, it introduces itself."""

from __future__ import annotations

import logging

from telegram import Chat, ChatMember, ChatMemberAdministrator, ChatMemberRestricted, Update
from telegram.constants import ChatType, ParseMode
from telegram.error import TelegramError

from bot.commands.answering import Services, markup
from bot.commands.settings.speaking import begin
from storage import chats, market
from storage.settings import board

logger = logging.getLogger(__name__)

_OUT = (ChatMember.BANNED, ChatMember.LEFT)


async def note_membership(services: Services, update: Update, _: object) -> None:
    """Note that the bot was blocked, removed, or let in again.

    In a group or channel where it may write from now on, it says what it is and lets an admin choose what comes;
    unless that was chosen before.
    """
    change = update.my_chat_member
    assert change is not None
    chat, member = change.chat, change.new_chat_member
    async with services.transaction(update) as connection:
        if _is_out(member):
            reason = f"the bot is {member.status} there"
            await chats.mark_gone(connection, chat.id, reason, services.clock.now())
        else:
            await chats.mark_reachable(connection, chat.id, chat.type)
            if isinstance(member, ChatMemberAdministrator):
                await board.pin_again(connection, chat.id)
            services = await begin(services, connection, update)
        found = await chats.find(connection, chat.id)
        market_row = await market.load_market(connection)
    services.operation.wake()
    is_new = found is not None and found.subscribed_at is None
    may_write_now = _may_write(chat, member) and not _may_write(chat, change.old_chat_member)
    if is_new and may_write_now and chat.type != ChatType.PRIVATE:
        await _introduce(services, update, chat, market_row)


async def _introduce(services: Services, update: Update, chat: Chat, market_row: market.Market | None) -> None:
    text = services.messages.text("introduction", market=market_row, is_forum=bool(chat.is_forum))
    buttons = markup(services.messages.buttons.under_introduction())
    try:
        await update.get_bot().send_message(chat.id, text, ParseMode.HTML, reply_markup=buttons)
    except TelegramError as error:
        # Whoever let it in can still write /start.
        logger.info("the bot could not introduce itself in chat %d: %s", chat.id, error)


def _is_out(member: ChatMember) -> bool:
    return member.status in _OUT or (isinstance(member, ChatMemberRestricted) and not member.is_member)


def _may_write(chat: Chat, member: ChatMember) -> bool:
    """Return whether the bot may write to a chat by what it is there: in a channel only an admin may."""
    if chat.type == ChatType.CHANNEL:
        return isinstance(member, ChatMemberAdministrator) and bool(member.can_post_messages)
    is_silenced = isinstance(member, ChatMemberRestricted) and not member.can_send_messages
    return not _is_out(member) and not is_silenced


async def follow_migration(services: Services, update: Update, _: object) -> None:
    """Follow a group that became a supergroup."""
    message = update.effective_message
    assert message is not None
    if message.migrate_to_chat_id is not None:
        async with services.transaction(update) as connection:
            await chats.move(connection, message.chat.id, message.migrate_to_chat_id, services.clock.now())
