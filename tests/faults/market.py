"""What the evening meets: sources that all hang, a machine that slept or whose clock was set, answers as large as may be."""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from unittest.mock import patch

from apscheduler.schedulers import base

from bot.market import child
from bot.market.evening import Evening
from bot.market.schedule import build_schedule, watch_the_clock
from signals.data.series import SERIES
from signals.data.sessions import last_call
from signals.sources.fred import FredSource
from signals.sources.newyorkfed import NewYorkFedSource
from signals.sources.patience import MOST_IN_VAIN, Patience
from signals.sources.routed import RoutedSource
from signals.sources.treasury import TreasurySource
from signals.sources.web import Web
from storage import ledger
from storage.database import Database
from tests.bot.market.in_process import MarketInProcess
from tests.bot.market.test_collecting import first_evening
from tests.bot.market.test_evening import CLOSES, KEYS, N, write
from tests.bot.market.test_schedule import WallClock
from tests.signals.sources.hostile import MOST_MEMORY, bodies, peak_memory
from tests.signals.sources.server import LOCAL, SILENT, serving
from tests.signals.sources.test_yahoo import yahoo
from tests.worlds import day

_FASTER = 50.0


@dataclass(frozen=True, slots=True)
class Found:
    """What a campaign found, in words, and whether all was as it should be."""

    text: str
    good: bool

    def __str__(self) -> str:
        return self.text


def _patience() -> Patience:
    """Return the real rules on a clock that runs fifty times as fast."""
    return Patience(sleep=lambda seconds: time.sleep(seconds / _FASTER), clock=lambda: time.monotonic() * _FASTER)


async def everything_hangs(url: str) -> Found:
    """Let every publisher accept and never answer, on the evening's last call."""
    folder = Path(tempfile.mkdtemp(prefix="cascade-faults-"))
    write(folder, CLOSES, *KEYS)
    timeout = 20.0 / _FASTER
    async with Database(url) as database:
        await first_evening(database, folder)
        with serving(SILENT) as server, yahoo(SILENT, _patience(), timeout=timeout) as (prices, charts):
            # One server plays three publishers, so each has its own count of what was spent on it.
            webs = [Web(patience=_patience(), timeout=timeout, hosts=LOCAL) for _ in range(3)]
            source = RoutedSource(
                {
                    "yahoo": prices,
                    "fred": FredSource(webs[0], server.url),
                    "treasury": TreasurySource(webs[1], server.url),
                    "newyorkfed": NewYorkFedSource(webs[2], server.url),
                }
            )
            began = time.monotonic()
            with patch.object(child, "choose_source", lambda *_: source):
                await Evening(database, MarketInProcess(), f"folder:{folder}", asyncio.Lock()).run(
                    last_call(day(N + 1))
                )
            took = (time.monotonic() - began) * _FASTER
            requests = len(charts) + len(server.asked)
        async with database.reading() as connection:
            decided = await ledger.newest_session(connection) == day(N + 1)
    text = f"{len(SERIES)} series, {requests} requests, {took:.0f} s with deciding, session decided: {decided}"
    # Deciding takes real seconds, which count fifty times here.
    return Found(text, decided and requests < 20 and took < 4 * MOST_IN_VAIN + 15 * _FASTER)


async def suspensions(seed: int, times: int) -> Found:
    """Suspend the machine, or set its clock forth, again and again; count the evenings that should ring and do not."""
    random, rung, due, late = Random(seed), 0, 0, 0
    WallClock.instant = datetime(2020, 11, 16, 5, tzinfo=UTC)

    async def ring() -> None:
        nonlocal rung
        rung += 1

    async def minute(_: float) -> None:
        """Let a minute pass, and the time that the machine sleeps."""
        nonlocal due, late, times
        for _ in range(20):
            await asyncio.sleep(0)
        late += due - rung
        if times == 0:
            raise asyncio.CancelledError
        times -= 1
        before = WallClock.instant
        WallClock.instant += timedelta(minutes=1, hours=random.choice([0.0, random.uniform(0, 60)]))
        due += sum(
            before < fires <= WallClock.instant
            for job in scheduler.get_jobs()
            if (fires := job.trigger.get_next_fire_time(None, before + timedelta(microseconds=1))) is not None
        )

    with patch.object(base, "datetime", WallClock):
        scheduler = build_schedule(ring)
        scheduler.start()
        try:
            await watch_the_clock(scheduler, minute)
        except asyncio.CancelledError:
            pass
        finally:
            scheduler.shutdown(wait=False)
    return Found(f"{due} evenings due, {rung} rung, {late} not within the minute", due == rung and late == 0)


def memory() -> Found:
    """Answer everything with the largest answers that are taken."""
    peaks = {name: peak_memory("key", body) for name, body in bodies().items()}
    worst = max(peaks, key=peaks.__getitem__)
    return Found(f"{len(peaks)} kinds of answer, at most {peaks[worst]} MB ({worst})", peaks[worst] < MOST_MEMORY)
