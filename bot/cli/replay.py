"""Live through past sessions one by one, with a clock of its own, and deliver each evening's alerts before the next."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from bot.app import App, build
from bot.clock import SteppedClock
from bot.sandbox.server import Sandbox, serve
from bot.settings import Settings
from storage import chats
from storage.outbox.queue import State, counts

SUBSCRIBER = 7001


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did: how its deliveries stand, and what the sandbox's chats got (empty with another server)."""

    deliveries: dict[State, int]
    messages: list[str]


async def replay(settings: Settings, rings: Sequence[Sequence[datetime]]) -> Replayed:
    """Ring each session's evening until it is decided, delivering what it owes before the next.

    Parameters
    ----------
    rings
        For each session in order, the instants at which its evening may ring.
    """
    async with _server(settings) as (reachable, sandbox):
        clock = SteppedClock(rings[0][0])
        async with build(reachable, clock) as app:
            before = await _subscribers(app, sandbox)
            await _meet(app, sandbox if not before else None)
            await app.sender.recover()
            for evening in rings:
                await _live_through(app, clock, evening)
            async with app.database.reading() as connection:
                deliveries = await counts(connection)
    messages = [text for chat_id in sandbox.world.chats for text in sandbox.sent(chat_id)] if sandbox else []
    return Replayed(deliveries, messages)


async def _live_through(app: App, clock: SteppedClock, evening: Sequence[datetime]) -> None:
    for ring in evening:
        clock.move(ring)
        agenda = await app.evening.run(ring)
        await app.sender.drain()
        if agenda.waiting is None:
            return


async def _subscribers(app: App, sandbox: Sandbox | None) -> Sequence[int]:
    async with app.database.reading() as connection:
        known = await chats.subscribers(connection)
    if sandbox is not None:
        for chat_id in known:
            if chat_id < 0:
                sandbox.world.add_group(chat_id, "Group")
            else:
                sandbox.world.add_private_chat(chat_id, started=True)
    return known


async def _meet(app: App, sandbox: Sandbox | None) -> None:
    """Answer what is waiting on the server; in a sandbox without subscribers, one arrives and subscribes."""
    await app.connect()
    if sandbox is not None:
        sandbox.world.add_private_chat(SUBSCRIBER)
        sandbox.world.write(SUBSCRIBER, "/subscribe")
    while await app.poller.once():
        pass


@asynccontextmanager
async def _server(settings: Settings) -> AsyncIterator[tuple[Settings, Sandbox | None]]:
    """Yield settings that reach a Bot API server which is not Telegram, and the sandbox if it is ours."""
    if not settings.uses_telegram:
        yield settings, None
        return
    async with serve(Sandbox()) as sandbox:
        yield sandbox_settings(settings, sandbox), sandbox


def sandbox_settings(settings: Settings, sandbox: Sandbox, **changes: object) -> Settings:
    """Return settings that point to a sandbox."""
    values = settings.model_dump() | {"telegram_bot_token": sandbox.token, "telegram_api_url": sandbox.url} | changes
    return Settings.model_validate(values)
