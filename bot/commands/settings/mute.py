"""No alerts for a while."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from bot.commands.answering import Request, Services
from storage import chats
from storage.settings import chosen

_ASKED = re.compile(r"(\d{1,4}) ?([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_LONGEST = timedelta(days=365)


async def mute(services: Services, request: Request) -> str | None:
    """Answer ``/mute`` and the button under an alert: for how long, or until when it is."""
    asked = " ".join(request.words).lower()
    if not asked:
        return await _show(services, request)
    if asked == "off":
        return await unmute(services, request)
    length = _length(asked)
    if length is None:
        return services.messages.text("wrong_mute")
    return await _mute(services, request, services.clock.now() + length)


async def unmute(services: Services, request: Request) -> str | None:
    """Let alerts come again."""
    return await _mute(services, request, None)


async def _mute(services: Services, request: Request, until: datetime | None) -> str | None:
    chat = request.chat
    async with services.transaction(request.update) as connection:
        await chats.mark_reachable(connection, chat.id, chat.type)
        await chosen.mute(connection, chat.id, until)
    return await _show(services, request)


async def _show(services: Services, request: Request) -> str | None:
    async with services.database.reading() as connection:
        found = await chosen.load(connection, request.chat.id)
    is_muted = found.is_muted(services.clock.now())
    text = services.messages.text("mute", chosen=found, is_muted=is_muted)
    await request.show(text, services.messages.buttons.under_mute(request.origin, is_muted=is_muted))
    return None


def _length(asked: str) -> timedelta | None:
    """Return the length of time that somebody typed; ``None`` where it is none between an hour and a year."""
    found = _ASKED.fullmatch(asked)
    length = int(found[1]) * _UNITS[found[2]] if found else timedelta()
    return length if timedelta() < length <= _LONGEST else None
