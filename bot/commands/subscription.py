"""Start, subscribe, unsubscribe, and what Telegram says of a chat coming and going."""

from __future__ import annotations

from telegram import ChatMember, ChatMemberRestricted, Update

from bot.commands.answering import Request, Services
from storage import chats, market
from storage.settings import chosen

_OUT = (ChatMember.BANNED, ChatMember.LEFT)


async def start(services: Services, request: Request) -> None:
    """Say what this is, with one button to subscribe."""
    chat = request.chat
    async with services.transaction(request.update) as connection:
        await chats.mark_reachable(connection, chat.id, chat.type)
        market_row = await market.load_market(connection)
    await request.reply(services.messages.text("start", market=market_row), services.messages.buttons.under_start())


async def subscribe(services: Services, request: Request) -> None:
    """Subscribe this chat: alerts come to the forum topic where that is said."""
    chat = request.chat
    async with services.transaction(request.update) as connection:
        new = await chats.subscribe(connection, chat.id, chat.type, services.clock.now(), request.topic)
        found = await chosen.load(connection, chat.id)
    in_topic = request.topic is not None
    await request.reply(services.messages.text("subscribed", new=new, topic=in_topic, chosen=found))


async def unsubscribe(services: Services, request: Request) -> None:
    """Unsubscribe this chat."""
    async with services.transaction(request.update) as connection:
        was = await chats.unsubscribe(connection, request.chat.id, services.clock.now())
    await request.reply(services.messages.text("unsubscribed", was=was))


async def note_membership(services: Services, update: Update, _: object) -> None:
    """Note that the bot was blocked, removed, or let in again."""
    change = update.my_chat_member
    assert change is not None
    member = change.new_chat_member
    status = member.status
    is_out = status in _OUT or (isinstance(member, ChatMemberRestricted) and not member.is_member)
    async with services.transaction(update) as connection:
        if is_out:
            await chats.mark_gone(connection, change.chat.id, f"the bot is {status} there", services.clock.now())
        else:
            await chats.mark_reachable(connection, change.chat.id, change.chat.type)


async def follow_migration(services: Services, update: Update, _: object) -> None:
    """Follow a group that became a supergroup."""
    message = update.effective_message
    assert message is not None
    if message.migrate_to_chat_id is not None:
        async with services.transaction(update) as connection:
            await chats.move(connection, message.chat.id, message.migrate_to_chat_id, services.clock.now())
