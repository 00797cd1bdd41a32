"""The hours of a chat's day in which nothing comes."""

from __future__ import annotations

import re

from bot.commands.answering import Request, Services
from bot.commands.settings import overview
from storage import chats
from storage.outbox.quiet_hours import QuietHours, QuietHoursError
from storage.settings import chosen

_TIME = r"(\d{1,2})(?:[:.h]?(\d{2}))?"
_ASKED = re.compile(rf"{_TIME} ?(?:-|–|to| ) ?{_TIME}")


async def quiet(services: Services, request: Request) -> str | None:
    """Answer ``/quiet``: from when to when, or never."""
    asked = " ".join(request.words).lower()
    chat = request.chat
    async with services.database.reading() as connection:
        found = await chosen.load(connection, chat.id)
    if not asked:
        text = services.messages.text("quiet", chosen=found)
        await request.show(text, services.messages.buttons.under_quiet(found))
        return None
    hours = None if asked == "off" else _hours(asked, found.timezone)
    if hours is None and asked != "off":
        return services.messages.text("wrong_quiet")
    async with services.transaction(request.update) as connection:
        await chats.mark_reachable(connection, chat.id, chat.type)
        await chosen.set_quiet_hours(connection, chat.id, hours)
    await overview.show(services, request)
    return None


def _hours(asked: str, timezone: str) -> QuietHours | None:
    """Return the hours that somebody typed; ``None`` where these are none."""
    found = _ASKED.fullmatch(asked)
    if found is None:
        return None
    begin, begin_minute, end, end_minute = (int(part or 0) for part in found.groups())
    if max(begin_minute, end_minute) > 59:
        return None
    try:
        return QuietHours(timezone, begin * 60 + begin_minute, end % 24 * 60 + end_minute)
    except QuietHoursError:
        return None
