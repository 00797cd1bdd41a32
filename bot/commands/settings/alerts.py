"""Which alerts come to a chat: each kind on, silent or off."""

from __future__ import annotations

from bot.commands.answering import Request, Services
from bot.messages.kinds import FAMILIES, PRESETS
from storage import chats
from storage.settings import chosen
from storage.settings.chosen import Way
from storage.settings.kinds import BITS


async def alerts(services: Services, request: Request) -> str | None:
    """Answer ``/alerts`` and its buttons: a preset, a family of kinds, or one kind and how it comes."""
    match tuple(word.lower() for word in request.words):
        case ():
            await _show(services, request)
        case (preset,) if preset in PRESETS:
            await _hear_only(services, request, PRESETS[preset][1])
        case (family,) if family in FAMILIES:
            await _show_family(services, request, family)
        case (kind, way) if kind in BITS and way in set(Way):
            await _set(services, request, kind, Way(way))
        case _:
            return services.messages.text("wrong_alerts")
    return None


async def _hear_only(services: Services, request: Request, kinds: int) -> None:
    chat = request.chat
    async with services.transaction(request.update) as connection:
        await chats.mark_reachable(connection, chat.id, chat.type)
        await chosen.hear_only(connection, chat.id, kinds)
    await _show(services, request)


async def _set(services: Services, request: Request, kind: str, way: Way) -> None:
    chat, family = request.chat, kind.partition(".")[0]
    async with services.transaction(request.update) as connection:
        await chats.mark_reachable(connection, chat.id, chat.type)
        await chosen.set_kind(connection, chat.id, BITS[kind], way)
    await _show_family(services, request, family if family in FAMILIES else "others")


async def _show(services: Services, request: Request) -> None:
    async with services.database.reading() as connection:
        found = await chosen.load(connection, request.chat.id)
    text = services.messages.text("alerts", chosen=found, is_muted=found.is_muted(services.clock.now()))
    await request.show(text, services.messages.buttons.under_alerts())


async def _show_family(services: Services, request: Request, family: str) -> None:
    async with services.database.reading() as connection:
        found = await chosen.load(connection, request.chat.id)
    text = services.messages.text("alerts_family", family=FAMILIES[family])
    await request.show(text, services.messages.buttons.under_family(family, found))
