"""The status, and the same brought up to date in place."""

from __future__ import annotations

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot.commands.answering import Request, Services
from bot.commands.reading import newest
from signals.model import Verdict
from storage.market import Market

_BUTTONS = InlineKeyboardMarkup(
    [[InlineKeyboardButton(name, callback_data=name.lower()) for name in ("Why", "Record", "Refresh")]]
)


async def status(services: Services, request: Request) -> None:
    """Answer ``/status``."""
    await request.reply(await _text(services), _BUTTONS)


async def refresh(services: Services, request: Request) -> None:
    """Bring a status up to date in place, or say it anew where its message is gone."""
    text = await _text(services)
    if not await request.edit(text, _BUTTONS):
        await request.reply(text, _BUTTONS)


async def _text(services: Services) -> str:
    def render(verdict: Verdict, market_row: Market) -> str:
        return services.messages.status(verdict, market_row, services.clock.now())

    return await newest(services, render)
