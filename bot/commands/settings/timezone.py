"""Where a chat is, for its quiet hours and the times it is told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.commands.answering import Request, Services
from bot.commands.settings import overview, places
from storage import chats
from storage.settings import chosen

_OFFSET = re.compile(r"([+-])(\d{2})(\d{2})")
_CLOCK = re.compile(r"(\d{1,2})[:.h](\d{2}) ?(am|pm)?")


async def timezone(services: Services, request: Request) -> str | None:
    """Answer ``/timezone``: the name of a place, the time that it is there now, or a button with that."""
    asked, now = " ".join(request.words), services.clock.now()
    if not asked:
        await _ask_for_the_time(services, request, now)
    elif (offset := _offset(asked)) is not None:
        await _offer(services, request, places.with_offset(offset, now))
    elif (shown := _shown(asked.lower())) is not None:
        await _offer(services, request, places.where_it_is(shown, now))
    elif (name := places.named(asked)) is not None:
        await _set(services, request, name)
    elif similar := places.similar(asked):
        await _offer(services, request, similar, is_unknown=True)
    else:
        return services.messages.text("wrong_timezone")
    return None


async def _ask_for_the_time(services: Services, request: Request, now: datetime) -> None:
    figures = services.messages.figures
    midnight = now.replace(hour=0, minute=0)
    clocks = [
        (figures.clock((now + offset - midnight) // timedelta(minutes=1) % (24 * 60)), _written(offset))
        for offset in places.offsets(now)
    ]
    await request.show(services.messages.text("timezone"), services.messages.buttons.under_clocks(clocks))


async def _offer(services: Services, request: Request, zones: Sequence[str], *, is_unknown: bool = False) -> None:
    text = services.messages.text("places", is_unknown=is_unknown, is_empty=not zones)
    cities = [(services.messages.figures.city(name), name) for name in zones]
    await request.show(text, services.messages.buttons.under_places(cities))


async def _set(services: Services, request: Request, name: str) -> None:
    chat = request.chat
    async with services.transaction(request.update) as connection:
        await chats.mark_reachable(connection, chat.id, chat.type)
        await chosen.set_timezone(connection, chat.id, name, services.clock.now())
    await overview.show(services, request)


def _written(offset: timedelta) -> str:
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    return f"{'-' if offset < timedelta() else '+'}{hours:02}{minutes:02}"


def _offset(asked: str) -> timedelta | None:
    """Return how far a button's clock is from UTC; ``None`` where it is none."""
    found = _OFFSET.fullmatch(asked)
    if found is None:
        return None
    offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return -offset if found[1] == "-" else offset


def _shown(asked: str) -> timedelta | None:
    """Return how long after midnight a clock shows that time; ``None`` where it is none."""
    found = _CLOCK.fullmatch(asked)
    if found is None or int(found[2]) > 59 or int(found[1]) > (12 if found[3] else 23):
        return None
    hour = int(found[1]) % 12 + (12 if found[3] == "pm" else 0) if found[3] else int(found[1])
    return timedelta(hours=hour, minutes=int(found[2]))
