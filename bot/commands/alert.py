"""What stands under an alert: the alert again, and its details."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.commands.answering import Request, Services
from bot.messages.alerts import alert_text, details_text
from storage import ledger


async def alert(services: Services, request: Request) -> str | None:
    """Go back to an alert."""
    async with services.database.reading() as connection:
        row = await _asked_for(connection, request)
        if row is None:
            return services.messages.text("unknown_button")
        text = await alert_text(connection, services.messages, row)
    await request.show(text, services.messages.buttons.under_alert(row.id))
    return None


async def details(services: Services, request: Request) -> str | None:
    """Show when and on what an alert was decided."""
    async with services.database.reading() as connection:
        row = await _asked_for(connection, request)
        if row is None:
            return services.messages.text("unknown_button")
        text = await details_text(connection, services.messages, row)
    await request.show(text, services.messages.buttons.back(request.origin))
    return None


async def _asked_for(connection: AsyncConnection, request: Request) -> Any:
    """Return the alert whose button was pressed; ``None`` where the data of the button name none of ours."""
    # No button has a number that no database has: it was made up.
    is_number = request.origin.isascii() and request.origin.isdecimal() and len(request.origin) <= _DIGITS
    return await ledger.find_alert(connection, int(request.origin)) if is_number else None


_DIGITS = 9
