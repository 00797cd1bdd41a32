"""Start, subscribe and unsubscribe."""

from __future__ import annotations

from telegram.constants import ChatType

from bot.commands.answering import Request, Services
from bot.commands.settings.speaking import begin
from bot.messages.kinds import Choice
from storage import chats, market
from storage.settings import chosen
from storage.settings.chosen import Chosen


async def start(services: Services, request: Request) -> None:
    """Say what this is, with one button to subscribe; to the kinds that a link names behind ``?start=``.

    Whatever else a link names is passed over: whoever follows it is told what this is all the same.
    """
    chat = request.chat
    choice = Choice.of(request.words[0]) if len(request.words) == 1 else None
    async with services.transaction(request.update) as connection:
        await chats.mark_reachable(connection, chat.id, chat.type)
        if chat.type == ChatType.PRIVATE:
            services = await begin(services, connection, request.update)
        market_row = await market.load_market(connection)
    offered = Chosen(loud_kinds=choice.kinds) if choice else None
    text = services.messages.text("start", market=market_row, chosen=offered)
    await request.reply(text, services.messages.buttons.under_start(choice))


async def subscribe(services: Services, request: Request) -> str | None:
    """Subscribe this chat, to the kinds that are named or to what it has chosen.

    Alerts come to the forum topic where that is said.
    """
    chat, choice = request.chat, None
    if request.words:
        choice = Choice.of(request.words[0].lower()) if len(request.words) == 1 else None
        if choice is None:
            return services.messages.text("wrong_subscribe")
    async with services.transaction(request.update) as connection:
        new = await chats.subscribe(connection, chat.id, chat.type, services.clock.now(), request.topic)
        services = await begin(services, connection, request.update)
        if choice is not None:
            await chosen.hear_only(connection, chat.id, choice.kinds)
        found = await chosen.load(connection, chat.id)
    in_topic = request.topic is not None
    is_told = new or choice is not None
    await request.reply(services.messages.text("subscribed", new=is_told, topic=in_topic, chosen=found))
    return None


async def unsubscribe(services: Services, request: Request) -> None:
    """Unsubscribe this chat."""
    async with services.transaction(request.update) as connection:
        was = await chats.unsubscribe(connection, request.chat.id, services.clock.now())
    await request.reply(services.messages.text("unsubscribed", was=was))
