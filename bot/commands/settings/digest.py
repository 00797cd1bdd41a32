"""A digest of what changed: none, daily or weekly, at an hour of the chat's own day."""

from __future__ import annotations

import re

from bot.commands.answering import Request, Services
from storage import chats
from storage.settings import chosen
from storage.settings.digest_times import Cadence

_HOUR = re.compile(r"(\d{1,2})(?::?00|h)?")


async def digest(services: Services, request: Request) -> str | None:
    """Answer ``/digest`` and its buttons: how often, at which hour, and whether one without a change is left out."""
    words = tuple(word.lower() for word in request.words)
    async with services.database.reading() as connection:
        found = await chosen.load(connection, request.chat.id)
    match words:
        case ():
            await _show(services, request)
        case ("off" | "none",):
            await _set(services, request, None, found.digest_hour, skips=found.digest_skips)
        case (("daily" | "weekly") as cadence,):
            await _set(services, request, Cadence(cadence), found.digest_hour, skips=found.digest_skips)
        case (("daily" | "weekly") as cadence, typed) if (hour := _hour(typed)) is not None:
            await _set(services, request, Cadence(cadence), hour, skips=found.digest_skips)
        case (("skip" | "always") as way,):
            await _set(services, request, found.digest, found.digest_hour, skips=way == "skip")
        case _:
            return services.messages.text("wrong_digest")
    return None


async def _set(services: Services, request: Request, cadence: Cadence | None, hour: int, *, skips: bool) -> None:
    chat = request.chat
    async with services.transaction(request.update) as connection:
        await chats.mark_reachable(connection, chat.id, chat.type)
        await chosen.set_digest(connection, chat.id, services.clock.now(), cadence, hour, skips=skips)
    await _show(services, request)


async def _show(services: Services, request: Request) -> None:
    async with services.database.reading() as connection:
        found = await chosen.load(connection, request.chat.id)
    text = services.messages.text("digest", chosen=found, is_muted=found.is_muted(services.clock.now()))
    await request.show(text, services.messages.buttons.under_digest(found, request.origin))


def _hour(typed: str) -> int | None:
    """Return the hour of the day that somebody typed; ``None`` where it is none."""
    found = _HOUR.fullmatch(typed)
    return int(found[1]) if found and int(found[1]) < 24 else None
