"""What stands under an alert: the alert again, and its details."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from bot.commands.answering import Request, Services
from bot.messages.alerts import alert_text, details_text
from bot.messages.buttons import Rows
from bot.messages.render import Messages
from storage import AsyncConnection, ledger
from storage.outbox import queue
from storage.settings import chosen
from storage.watches.judged import KIND as WATCH


async def alert(services: Services, request: Request) -> str | None:
    """Go back to an alert."""
    return await _show(
        services, request, alert_text, lambda row: services.messages.buttons.under_alert(row.id, row.kind)
    )


async def details(services: Services, request: Request) -> str | None:
    """Show when and on what an alert was decided."""
    text_of = partial(_details_text, request.chat.id)
    back = services.messages.buttons.back(request.origin)
    return await _show(services, request, text_of, lambda _: back, of_changes=True)


async def _details_text(chat_id: int, connection: AsyncConnection, messages: Messages, row: Any) -> str:
    return await details_text(connection, messages, row, (await chosen.load(connection, chat_id)).timezone)


async def _show(
    services: Services,
    request: Request,
    text_of: Callable[[AsyncConnection, Messages, Any], Awaitable[str]],
    buttons_of: Callable[[Any], Rows],
    *,
    of_changes: bool = False,
) -> str | None:
    async with services.database.reading() as connection:
        row = await _asked_for(connection, request)
        if row is None or (of_changes and not row.transitions):
            return services.messages.text("unknown_button")
        text = await text_of(connection, services.messages, row)
    await request.show(text, buttons_of(row))
    return None


async def _asked_for(connection: AsyncConnection, request: Request) -> Any:
    """Return the alert whose button was pressed; ``None`` where the data of the button name none of ours."""
    # No button has a number that no database has: it was made up.
    is_number = request.origin.isascii() and request.origin.isdecimal() and len(request.origin) <= _DIGITS
    row = await ledger.find_alert(connection, int(request.origin)) if is_number else None
    # What an operator wrote has no buttons, and what another chat watches is nobody else's business.
    if row is None or row.session is None:
        return None
    is_own = not row.kind.startswith(f"{WATCH}.") or await queue.is_for(connection, row.id, request.chat.id)
    return row if is_own else None


_DIGITS = 9
