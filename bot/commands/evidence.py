"""What the newest verdict rests on: every condition, and each part in depth."""

from __future__ import annotations

from functools import partial
from typing import Any

from bot.commands.answering import Request, Services
from bot.commands.reading import newest
from signals.conditions.table import LINK_NAMES

_LINKS = {str(number): number for number in LINK_NAMES} | {
    name.lower().replace(" ", ""): number for number, name in LINK_NAMES.items()
}


async def why(services: Services, request: Request) -> None:
    """Answer ``/why``, of everything or of one link."""
    asked = "".join(request.words).lower().replace("-", "")
    if not asked:
        await _answer(services, request, "why")
    elif asked in ("liquidity", "breakout"):
        await _answer(services, request, f"why_{asked}")
    elif asked in _LINKS:
        await _answer(services, request, "why_link", number=_LINKS[asked])
    else:
        await request.reply(services.messages.text("wrong_link"))


async def crypto(services: Services, request: Request) -> None:
    """Answer ``/crypto``, with the operator's note."""
    await _answer(services, request, "crypto", note=services.note)


async def in_depth(part: str, services: Services, request: Request) -> None:
    """Answer with one part of the verdict: breakout, liquidity, cascade or supercycle."""
    await _answer(services, request, part)


async def _answer(services: Services, request: Request, template: str, **context: Any) -> None:
    await request.reply(await newest(services, partial(services.messages.part, template, **context)))
