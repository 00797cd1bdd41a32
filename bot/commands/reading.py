"""Answers read from what is stored: never fetched, never computed."""

from __future__ import annotations

from collections.abc import Callable

from bot.commands.answering import Services
from bot.messages.render import read_verdict
from signals.model import Verdict
from storage import ledger
from storage.market import Market

Render = Callable[[Verdict, Market], str]


async def newest(services: Services, render: Render) -> str:
    """Return what is rendered from the newest verdict, or a sentence while there is none."""
    async with services.database.reading() as connection:
        body, market_row = await ledger.load_newest(connection)
    if body is None or market_row is None:
        return nothing_yet(services, market_row)
    return render(read_verdict(body), market_row)


def nothing_yet(services: Services, market_row: Market | None) -> str:
    """Return the sentence that there is no verdict, and why."""
    return services.messages.text(
        "nothing_yet", reason=market_row.agenda.waiting if market_row and market_row.agenda else None
    )
