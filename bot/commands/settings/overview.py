"""All settings of a chat on one screen."""

from __future__ import annotations

from bot.commands.answering import Request, Services
from bot.messages.languages import NAMES
from storage import chats
from storage.settings import board, chosen


async def settings(services: Services, request: Request) -> str | None:
    """Answer ``/settings``; its own buttons let urgent alerts through quiet hours, and charts come with alerts."""
    match request.words:
        case ():
            pass
        case ("urgent", ("through" | "held") as way):
            async with services.transaction(request.update) as connection:
                await chats.mark_reachable(connection, request.chat.id, request.chat.type)
                await chosen.let_urgent_through(connection, request.chat.id, way == "through")
        case ("pictures", ("on" | "off") as way):
            async with services.transaction(request.update) as connection:
                await chats.mark_reachable(connection, request.chat.id, request.chat.type)
                await chosen.want_pictures(connection, request.chat.id, way == "on")
        case _:
            return services.messages.text("wrong_settings")
    await show(services, request)
    return None


async def show(services: Services, request: Request) -> None:
    """Show what a chat has chosen."""
    async with services.database.reading() as connection:
        found = await chosen.load(connection, request.chat.id)
        has_board = await board.find(connection, request.chat.id) is not None
    now = services.clock.now()
    shown = {"now": now, "is_muted": found.is_muted(now), "language": NAMES[services.messages.language]}
    text = services.messages.text("settings", chosen=found, has_board=has_board, **shown)
    await request.show(text, services.messages.buttons.under_settings(found))
