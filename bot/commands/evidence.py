"""What the newest verdict rests on: every condition, each part in depth, and how all of it is computed."""

from __future__ import annotations

from functools import partial
from typing import Any

from bot.commands.answering import Request, Services
from bot.commands.reading import newest
from bot.messages.buttons import Rows
from signals.conditions.table import LINK_NAMES

_LINKS = {str(number): number for number in LINK_NAMES} | {
    name.lower().replace(" ", ""): number for number, name in LINK_NAMES.items()
}


async def why(services: Services, request: Request) -> None:
    """Answer ``/why``: what changed lately, or all of one link, of liquidity or of the breakout."""
    asked = "".join(request.words).lower().replace("-", "")
    buttons = services.messages.buttons
    if not asked:
        await _answer(services, request, "why", buttons.under_why(request.origin))
        return
    back = buttons.back(f"why@{request.origin}" if request.origin else "why")
    if asked in ("liquidity", "breakout"):
        await _answer(services, request, f"why_{asked}", back)
    elif asked in _LINKS:
        await _answer(services, request, "why_link", back, number=_LINKS[asked])
    else:
        await request.reply(services.messages.text("wrong_link"))


async def crypto(services: Services, request: Request) -> None:
    """Answer ``/crypto``, with the operator's note; or what was measured of each asset."""
    buttons = services.messages.buttons
    if request.words == ("coins",):
        await _answer(services, request, "coins_in_full", buttons.back("crypto"))
    else:
        await _answer(services, request, "crypto", buttons.under_crypto(), note=services.note)


async def in_depth(part: str, services: Services, request: Request) -> None:
    """Answer with one part of the verdict: breakout, liquidity, cascade or supercycle."""
    await _answer(services, request, part)


async def method(services: Services, request: Request) -> None:
    """Answer ``/method``: how it is computed, by the numbers of the rules themselves."""
    await request.show(services.messages.text("method"))


async def _answer(services: Services, request: Request, template: str, buttons: Rows = (), **context: Any) -> None:
    await request.show(await newest(services, partial(services.messages.part, template, **context)), buttons)
