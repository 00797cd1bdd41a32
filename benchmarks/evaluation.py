"""How long an evening's parts take over the whole history, beside a bare pass of pandas over the same series."""

from __future__ import annotations

import asyncio
import gc
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from benchmarks.delivery import verdict
from bot.market.archive import ArchiveReader
from signals.breakout.episodes import find_episodes, find_highs
from signals.data.adjust import price
from signals.data.series import FIELDS
from signals.data.sessions import decision_time, nyse_sessions
from signals.data.vintages import Archive, as_vintages, settle
from signals.evaluate import History, evaluate
from signals.record.track_record import track_record
from signals.rules import RECORD
from signals.sources.collect import collect
from signals.sources.folder import FolderSource
from signals.sources.shape import Source
from signals.sources.simulated import SimulatedSource
from storage import observations
from storage.database import Database, read_only
from storage.migrate import migrate
from tests.worlds import REAL_HISTORY

_ROUNDS = 5
_NOW = datetime(2025, 7, 1, tzinfo=UTC)
_AT_MOST = {"evaluation and one verdict": 5, "archive loaded and settled": 6, "every verdict of the history": 25}
"""How many bare passes each may take."""
_RECORD_SECONDS = 5


def _bare_pass(archive: Archive) -> None:
    for frame in archive.values():
        values = price(frame)
        values.rolling(50).mean()
        values.rolling(200).mean()
        values.rolling(252).max()
        values.rolling(252).median()
        values.diff(63)


def _every_verdict(history: History) -> None:
    for day in history.panel.days:
        history.verdict(day, decision_time(day))


async def _archive(url: str, frames: Archive) -> None:
    async with Database(url) as database:
        await migrate(database)
        async with database.transaction() as connection:
            for key, frame in frames.items():
                rows = [(on.date(), *figures) for on, *figures in frame.reindex(columns=list(FIELDS)).itertuples()]
                await observations.archive(connection, key, rows, _NOW)


async def _load(url: str) -> Archive:
    async with read_only(url) as connection:
        return await ArchiveReader().read(connection, url, _NOW)


def _cpu_seconds(work: Callable[[], object]) -> float:
    # As in the market process, which collects garbage between requests.
    gc.collect()
    gc.disable()
    start = time.process_time()
    work()
    took = time.process_time() - start
    gc.enable()
    return took


def measure_evaluation() -> Iterator[str]:
    """Yield the measurements as lines."""
    real = (REAL_HISTORY / "RUT.csv").exists()
    source: Source = FolderSource(REAL_HISTORY) if real else SimulatedSource()
    calendar = nyse_sessions(_NOW)
    frames = {one.key: one.frame for one in collect(source, {}, calendar, _NOW) if len(one.frame)}
    archive = settle(as_vintages(frames, pd.Timestamp(_NOW)))
    last = archive["^RUT"].index[-1].date()
    history = evaluate(archive, calendar, last)
    closes = history.panel.close("^RUT")
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'cascade.db'}"
        asyncio.run(_archive(url, frames))
        works: dict[str, Callable[[], object]] = {
            "bare pass": lambda: _bare_pass(archive),
            "breakouts of the history": lambda: (find_episodes(closes, calendar), find_highs(closes)),
            "evaluation and one verdict": lambda: evaluate(archive, calendar, last).verdict(last, decision_time(last)),
            "archive loaded and settled": lambda: asyncio.run(_load(url)),
            "every verdict of the history": lambda: _every_verdict(history),
        }
        # In alternation, so that what else the machine does falls on all of them.
        rounds = [{name: _cpu_seconds(work) for name, work in works.items()} for _ in range(_ROUNDS)]
    times = {name: statistics.median(each[name] for each in rounds) for name in works}
    record = _cpu_seconds(lambda: track_record(history))
    kind, rows = "real" if real else "simulated", sum(map(len, frames.values()))
    yield f"evaluation of {len(history.panel.days)} {kind} sessions, {rows:,} figures (CPU, medians of {_ROUNDS})"
    for name, seconds in times.items():
        yield f"  {name:42}{seconds * 1000:9.1f} ms   {seconds / times['bare pass']:.1f}×"
    yield f"  {f'track record with {RECORD.draws:,} draws':42}{record:9.2f} s"
    for name, limit in _AT_MOST.items():
        ratio = times[name] / times["bare pass"]
        yield verdict(f"{name} at most {limit} bare passes: {ratio:.1f}", ratio <= limit)
    yield verdict(f"the track record under {_RECORD_SECONDS} s: {record:.1f}", record < _RECORD_SECONDS)
