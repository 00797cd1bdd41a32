"""Live through past sessions one by one, with a clock of its own, and deliver each evening's alerts before the next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd

from bot.app import App, build
from bot.cli.progress import progress_shown
from bot.clock import SteppedClock
from bot.market.process import MarketProcess
from bot.market.progress import Report
from bot.sandbox.server import Sandbox, new_token, serve
from bot.settings import Settings
from signals.data.sessions import NEW_YORK, decision_time, last_call, nyse_sessions
from signals.errors import NotASessionError
from signals.rules import EVENING
from storage import chats
from storage.outbox.queue import counts
from storage.outbox.states import State

SUBSCRIBER = 7001


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did: how its deliveries stand, and what it sent to the sandbox (empty with another server)."""

    deliveries: dict[State, int]
    messages: list[str]


def run_times(first: date, last: date) -> list[list[datetime]]:
    """Return for each session from ``first`` to ``last`` the instants at which its evening may run, in order.

    Raises
    ------
    signals.errors.NotASessionError
        When there is no session between them.
    """
    calendar = nyse_sessions(decision_time(last) + timedelta(days=1))
    sessions = calendar[(calendar >= pd.Timestamp(first)) & (calendar <= pd.Timestamp(last))]
    if not len(sessions):
        raise NotASessionError(f"there is no NYSE session from {first} to {last}")
    evenings = []
    for session in sessions:
        day = session.date()
        retries = [datetime.combine(day, at, NEW_YORK) for at in EVENING.retries]
        evenings.append([decision_time(day), *retries, last_call(day)])
    return evenings


def replay_text(settings: Settings, first: date, last: date) -> str:
    """Live through the sessions from ``first`` to ``last``. Returns the messages sent and how the deliveries stand."""
    with progress_shown() as report:
        replayed = asyncio.run(replay(settings, run_times(first, last), report))
    counted = ", ".join(f"{count} {state}" for state, count in replayed.deliveries.items())
    return "".join(f"{message}\n\n" for message in replayed.messages) + f"deliveries: {counted or 'none'}"


async def replay(settings: Settings, evenings: Sequence[Sequence[datetime]], report: Report) -> Replayed:
    """Run each session's evening until it is decided, and deliver its alerts before the next one.

    Parameters
    ----------
    evenings
        For each session in order, the instants at which its evening may run.
    """
    async with _server(settings) as (reachable, sandbox):
        clock = SteppedClock(evenings[0][0])
        async with build(reachable, clock, MarketProcess(report)) as app:
            before = await _subscribers(app, sandbox)
            await _subscribe_first_user(app, sandbox if not before else None)
            await app.sender.recover()
            # What was answered until here is no alert.
            answered = {chat_id: len(sandbox.sent(chat_id)) for chat_id in sandbox.world.chats} if sandbox else {}
            for done, instants in enumerate(evenings):
                report("replaying sessions", done, len(evenings))
                for instant in instants:
                    clock.move(instant)
                    agenda = await app.evening.run(instant)
                    await app.sender.drain()
                    if agenda.waiting is None:
                        break
            async with app.database.reading() as connection:
                deliveries = await counts(connection)
    messages = []
    if sandbox is not None:
        messages = [text for chat_id, answers in answered.items() for text in sandbox.sent(chat_id)[answers:]]
    return Replayed(deliveries, messages)


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


async def _subscribe_first_user(app: App, sandbox: Sandbox | None) -> None:
    """Answer what is waiting on the server; in a sandbox without subscribers, one arrives and subscribes."""
    await app.connect()
    if sandbox is not None:
        sandbox.world.add_private_chat(SUBSCRIBER)
        sandbox.world.write(SUBSCRIBER, "/subscribe")
        sandbox.world.write(SUBSCRIBER, "/alerts everything")
    while await app.poller.once():
        pass


@asynccontextmanager
async def _server(settings: Settings) -> AsyncIterator[tuple[Settings, Sandbox | None]]:
    """Yield settings that reach a Bot API server which is not Telegram, and the sandbox if it is ours."""
    if not settings.uses_telegram:
        yield settings, None
        return
    async with serve(Sandbox(token=new_token())) as sandbox:
        yield sandbox_settings(settings, sandbox), sandbox


def sandbox_settings(settings: Settings, sandbox: Sandbox, **changes: Any) -> Settings:
    """Return settings that point to a sandbox."""
    return replace(settings, telegram_bot_token=sandbox.token, telegram_api_url=sandbox.url, **changes)
