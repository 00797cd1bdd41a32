"""Delivery paused and resumed by an operator."""

from __future__ import annotations

from bot.commands.answering import Request, Services
from storage.operator import counts, pause


async def pause_delivery(services: Services, request: Request) -> None:
    """Answer ``/pause``: alerts are decided and enqueued, and none leaves before ``/resume``."""
    async with services.transaction(request.update) as connection:
        is_new = await pause.begin(connection, services.clock.now())
    await _answer(services, request, is_new=is_new)


async def resume_delivery(services: Services, request: Request) -> None:
    """Answer ``/resume``: what waits goes out, and what is out of date by now does not."""
    async with services.transaction(request.update) as connection:
        is_new = await pause.end(connection)
    services.operation.wake()
    await _answer(services, request, is_new=is_new)


async def _answer(services: Services, request: Request, *, is_new: bool) -> None:
    async with services.database.reading() as connection:
        since = await pause.since(connection)
        waiting = sum(row.count for row in await counts.waiting(connection))
    await request.reply(services.messages.text("paused", since=since, is_new=is_new, waiting=waiting))
