"""Answers read from what is stored: never fetched, never computed."""

from __future__ import annotations

from collections.abc import Callable

from telegram import InlineKeyboardMarkup, Message
from telegram.constants import ParseMode

from bot.commands.answering import Desk
from bot.messages.pages import pages
from bot.messages.render import read_verdict
from signals.model import Verdict
from storage import ledger, market
from storage.market import Market

Render = Callable[[Verdict, Market], str]


async def newest(desk: Desk, render: Render) -> str:
    """Return what is rendered from the newest verdict, or a sentence while there is none."""
    async with desk.database.reading() as connection:
        body = await ledger.newest_body(connection)
        market_row = await market.load_market(connection)
    if body is None or market_row is None:
        return nothing_yet(desk, market_row)
    return render(read_verdict(body), market_row)


def nothing_yet(desk: Desk, market_row: Market | None) -> str:
    """Return the sentence that there is no verdict, and why."""
    return desk.messages.text(
        "nothing_yet", reason=market_row.agenda.waiting if market_row and market_row.agenda else None
    )


async def reply(message: Message | None, text: str, buttons: InlineKeyboardMarkup | None = None) -> None:
    """Answer a message, in as many pieces as Telegram needs; the buttons stand under the last one."""
    assert message is not None
    *earlier, last = pages(text)
    for piece in earlier:
        await message.reply_text(piece, ParseMode.HTML)
    await message.reply_text(last, ParseMode.HTML, reply_markup=buttons)
