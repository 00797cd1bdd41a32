"""What people read on evenings that are not like the others: whole answers of the running program, read by a person.

The market is a simulated one, read from files; its publishers are asked as real ones are.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from bot.app import App, build
from bot.clock import SteppedClock
from bot.sandbox.server import Sandbox
from bot.settings import Settings
from signals.data.series import SERIES, Series
from signals.data.sessions import decision_time, last_call
from signals.sources.simulated import SimulatedSource
from tests.bot.commands.conftest import ME
from tests.bot.market.in_process import MarketInProcess
from tests.bot.messages.reviewed import plain, reviewed

FIRST, LATE, AWAY, BACK = (date(2011, 4, day) for day in (14, 15, 18, 19))
BEGIN = date(2008, 6, 2)
ASKED = ("/status", "/why", "/record", "/history")


YAHOO = tuple(series for series in SERIES.values() if series.source == "yahoo")
OTHERS = tuple(series for series in SERIES.values() if series.source != "yahoo")


@cache
def simulated(series: Series) -> pd.DataFrame:
    """Return all that a series has, to be read only."""
    return SimulatedSource(7).fetch(series, BEGIN, decision_time(BACK) + timedelta(days=1)).frame


def publish(folder: Path, *published: Series, before: date = date(2012, 1, 1)) -> None:
    """Write what series have before a day."""
    for series in published:
        frame = simulated(series)
        frame = frame[frame.index < pd.Timestamp(before)]
        if len(frame):
            frame.dropna(axis=1, how="all").rename_axis("date").to_csv(folder / f"{series.file_stem}.csv")


def lose_yahoo(folder: Path) -> None:
    """Have Yahoo answer with something that is no series."""
    for series in YAHOO:
        (folder / f"{series.file_stem}.csv").write_text("not,a,series\n1,2,3\n")


@dataclass
class Program:
    """The running program, its clock, its publishers and its reader."""

    app: App
    clock: SteppedClock
    sandbox: Sandbox
    folder: Path
    heard: int = 0

    async def evening(self, at: datetime) -> None:
        self.clock.move(at)
        await self.app.evening.run(at)
        await self.app.sender.drain()

    async def say(self, *commands: str) -> str:
        """Return what came since the last time, and what each command answers, a line of dashes between them."""
        for command in commands:
            self.sandbox.world.write(ME, command)
            while self.sandbox.world.updates:
                await self.app.poller.once()
        answers = self.sandbox.sent(ME)[self.heard :]
        self.heard += len(answers)
        return plain("\n----\n".join(answers))


@pytest.fixture
async def program(sandbox: Sandbox, settings: Settings, tmp_path: Path) -> AsyncIterator[Program]:
    folder = tmp_path / "market"
    folder.mkdir()
    publish(folder, *OTHERS)
    publish(folder, *YAHOO, before=LATE)
    sandbox.world.add_private_chat(ME)
    clock = SteppedClock(decision_time(FIRST))
    own = replace(settings, market_data=f"folder:{folder}", operator_ids=(ME,))
    async with build(own, clock, MarketInProcess()) as app:
        await app.connect()
        yield Program(app, clock, sandbox, folder)


async def test_every_unusual_evening_reads_as_reviewed(program: Program) -> None:
    said = {"an empty database": await program.say(*ASKED, "/subscribe")}
    await program.evening(decision_time(FIRST))
    said["the first evening"] = await program.say(*ASKED)
    await program.evening(decision_time(LATE))
    program.clock.move(decision_time(LATE) + timedelta(hours=1))
    said["a late evening"] = await program.say("/status")
    publish(program.folder, *YAHOO, before=AWAY)
    await program.evening(decision_time(LATE) + timedelta(hours=4))
    said["a late evening, decided"] = await program.say("/status")
    lose_yahoo(program.folder)
    await program.evening(last_call(AWAY))
    said["Yahoo away"] = await program.say("/status", "/why", "/why smallcaps", "/why breakout", "/breakout", "/crypto")
    publish(program.folder, *YAHOO)
    await program.evening(decision_time(BACK))
    said["Yahoo back"] = await program.say("/status")
    for title, text in said.items():
        assert text == reviewed("unusual", title), title
