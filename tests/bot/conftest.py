"""A running program on a sandbox, over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from bot.app import App, build
from bot.clock import SteppedClock
from bot.sandbox.limits import Limiter
from bot.sandbox.server import Sandbox, serve
from bot.settings import Settings
from signals.model import Verdict
from storage.market import Agenda
from tests.bot.running import EVENING, settings_for, store_verdict


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    # Limits of their own tests apart, no test should have to wait for them.
    async with serve(Sandbox(limiter=Limiter(1000, 1000, 1000), takes_webhooks=True)) as sandbox:
        yield sandbox


@pytest.fixture
def settings(sandbox: Sandbox, database_url: str) -> Settings:
    return settings_for(sandbox, database_url)


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[App]:
    """The built program at half past five on 13 November 2020, connected, with nothing running yet."""
    async with build(settings, SteppedClock(EVENING)) as app:
        await app.connect()
        yield app


@pytest.fixture
def hear(app: App, sandbox: Sandbox) -> Callable[[], Coroutine[Any, Any, None]]:
    """Return a function that lets the bot answer every update waiting on the sandbox."""

    async def answer_all() -> None:
        while sandbox.world.updates:
            await app.poller.once()

    return answer_all


Record = Callable[..., Coroutine[Any, Any, None]]


@pytest.fixture
def record(app: App) -> Record:
    """Return a function that stores a verdict, with alerts for the phases named."""

    async def store(verdict: Verdict, *phases: str, origin: str = "live", agenda: Agenda | None = None) -> None:
        await store_verdict(app, verdict, *phases, origin=origin, agenda=agenda)

    return store


Running = Callable[[App], AbstractAsyncContextManager[None]]


@pytest.fixture
def running() -> Running:
    """Return a context in which the program polls and delivers."""

    @asynccontextmanager
    async def run(app: App) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(app.poll()), asyncio.create_task(app.sender.run())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    return run
