"""When the demonstration draws its charts."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from bot.cli.demo.market import Recorder
from bot.clock import SteppedClock
from bot.market.evening import Evening
from bot.sandbox.server import Sandbox
from signals.data.sessions import decision_time
from storage.database import Database
from tests.bot.market.in_process import MarketInProcess
from tests.bot.virtual_time import run
from tests.worlds import day, lead


def test_nothing_is_drawn_until_nobody_has_done_anything_for_a_while(sqlite_url: str) -> None:
    drawn: list[float] = []

    class Noting(Evening):
        async def draw(self, now: datetime) -> None:
            drawn.append(asyncio.get_running_loop().time())

        async def look_back(self, now: datetime) -> None:
            pass

    async def visit() -> None:
        world, process = Sandbox().world, MarketInProcess()
        evening = Noting(Database(sqlite_url), process, "simulated", asyncio.Lock())
        clock = SteppedClock(decision_time(day(len(lead()))))
        recorder = Recorder(evening, clock, process, lambda: world.changed, rest=4.0)
        recording = asyncio.create_task(recorder.run())
        recorder.wake()
        for _ in range(5):
            await asyncio.sleep(3)
            world.wake()
        assert drawn == []
        await asyncio.sleep(10)
        recording.cancel()

    run(visit())
    assert drawn == pytest.approx([5 * 3 + 4])
