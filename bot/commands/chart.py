"""The charts: drawn after the evening, uploaded once, and from then on sent by Telegram's own id."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from msgspec.structs import replace
from telegram.error import BadRequest

from bot.commands.answering import Request, Services
from bot.messages.chart_kinds import Chart, Kind, read_chart
from bot.messages.languages import DEFAULT
from bot.messages.record import read_record
from bot.messages.render import read_verdict
from storage import AsyncConnection, charts, ledger, market, track_record

_FORBIDDEN = ("send photos", "send_photos", "send_media")
"""What Telegram says where pictures may not be sent, in lower case."""

_Show = Callable[[str | bytes], Awaitable[str | None]]
"""Shows a picture, given by its id or its bytes, and returns its id."""


async def chart(services: Services, request: Request) -> str | None:
    """Answer ``/chart``; a press under a chart puts another in its place."""
    asked = read_chart(request.words)
    if asked is None:
        return services.messages.text("wrong_chart")
    asked = replace(asked, language=services.messages.language)
    buttons, is_shown = services.messages.buttons.under_chart(asked), False
    try:
        while not is_shown:
            async with services.database.reading() as connection:
                row = await _found(connection, asked)
                if row is None:
                    return services.messages.text("no_chart")
                caption = await _caption(services, connection, asked, row)
            is_shown = await _show(services, row, partial(request.show_photo, caption=caption, buttons=buttons))
    except BadRequest as error:
        if not any(known in str(error).lower() for known in _FORBIDDEN):
            raise
        return services.messages.text("no_photos")
    return None


async def _found(connection: AsyncConnection, asked: Chart) -> Any:
    """Return a stored chart; the English one, where nobody read that language before its last evening."""
    own = await charts.find(connection, asked.name)
    return own or await charts.find(connection, replace(asked, language=DEFAULT).name)


async def _show(services: Services, row: Any, show: _Show) -> bool:
    """Send a picture by its id; one that has none, or one that Telegram does not know any more, by its bytes.

    Returns False when another was drawn meanwhile, which the caption is not of.
    """
    if row.file_id is not None and await _is_known(show, row.file_id):
        return True
    async with services.uploading[row.name]:
        async with services.database.reading() as connection:
            picture = await charts.image(connection, row.name)
        if picture.drawn_at != row.drawn_at:
            return False
        # Meanwhile somebody else may have uploaded it.
        if picture.file_id not in (None, row.file_id) and await _is_known(show, picture.file_id):
            return True
        file_id = await show(picture.image)
        if file_id is not None:
            async with services.database.transaction() as connection:
                await charts.keep_file_id(connection, row.name, picture.drawn_at, file_id)
    return True


async def _is_known(show: _Show, file_id: str) -> bool:
    """Send a picture by an id; return False where Telegram does not know that: the token may be another bot's now."""
    try:
        await show(file_id)
    except BadRequest as error:
        if "file" not in str(error).lower():
            raise
        return False
    return True


async def _caption(services: Services, connection: Any, asked: Chart, row: Any) -> str:
    """Return what the answer about the same says in a sentence or two, as of the session that the chart shows."""
    market_row = await market.load_market(connection)
    assert market_row is not None, "a chart exists only where a market does"
    verdict = read_verdict(await ledger.body_of(connection, row.through))
    body = await track_record.load(connection) if asked.kind is Kind.RECORD else None
    record = read_record(body) if body else None
    newest = await ledger.newest_session(connection)
    return services.messages.part("chart", verdict, market_row, kind=asked.kind, r=record, newest=newest)
