"""The status, and the same brought up to date in place."""

from __future__ import annotations

from bot.commands.answering import Request, Services
from bot.commands.reading import newest
from signals.model import Verdict
from storage import ledger
from storage.market import Market


async def status(services: Services, request: Request) -> None:
    """Answer ``/status``."""
    await request.show(await _text(services), services.messages.buttons.under_status())


async def refresh(services: Services, request: Request) -> str | None:
    """Bring a status up to date in place; where it is, say so."""
    if await request.show(await _text(services), services.messages.buttons.under_status()):
        return None
    async with services.database.reading() as connection:
        session = await ledger.newest_session(connection)
    return services.messages.text("nothing_new", session=session)


async def _text(services: Services) -> str:
    def render(verdict: Verdict, market_row: Market) -> str:
        return services.messages.status(verdict, market_row, services.clock.now())

    return await newest(services, render)
