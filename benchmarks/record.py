"""How long the whole track record takes, beside a naive loop that looks at one event of one draw at a time."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise

import pandas as pd

from signals.data.sessions import nyse_sessions
from signals.evaluate import evaluate
from signals.record.event_study import Study
from signals.record.model import Followed, TrackRecord
from signals.record.studies import Studies
from signals.record.track_record import track_record
from signals.rules import RECORD
from signals.sources.collect import collect_archive
from signals.sources.folder import FolderSource
from signals.sources.shape import Source
from signals.sources.simulated import SimulatedSource
from tests.worlds import REAL_HISTORY

_NOW = datetime(2025, 7, 1, tzinfo=UTC)
_NAIVE_DRAWS = 20


def _naive_p(study: Study, followed: Followed, draws: int) -> float:
    """Draw random dates one by one, and follow each of them through the closes."""
    closes, horizon = study.prices.close.tolist(), study.horizon
    dates = study.dates.tolist()
    entries = pd.DatetimeIndex([case.entry.on for case in followed.known if case.entry]).as_unit("us")
    at = sorted(study.prices.days.get_indexer(entries).tolist())
    gap = min(b - a for a, b in pairwise(at))
    base = statistics.median(closes[d + horizon] / closes[d] - 1 for d in dates)
    seen = abs(statistics.median(closes[d + horizon] / closes[d] - 1 for d in at) - base)
    far = 0
    for _ in range(draws):
        chosen: list[int] = []
        while len(chosen) < len(at):
            day = random.choice(dates)
            if all(abs(day - other) >= gap for other in chosen):
                chosen.append(day)
            elif random.random() < 0.001:
                chosen.clear()
        far += abs(statistics.median(closes[d + horizon] / closes[d] - 1 for d in chosen) - base) >= seen
    return (1 + far) / (1 + draws)


def measure_record() -> Iterator[str]:
    """Yield the measurements as lines."""
    real = (REAL_HISTORY / "RUT.csv").exists()
    source: Source = FolderSource(REAL_HISTORY) if real else SimulatedSource()
    calendar = nyse_sessions(_NOW)
    archive, _ = collect_archive(source, calendar, _NOW)
    history = evaluate(archive, calendar, archive["^RUT"].index[-1].date())
    start = time.perf_counter()
    record = track_record(history)
    ours = time.perf_counter() - start
    naive = _naive_seconds(Studies.of(history), record) * RECORD.draws / _NAIVE_DRAWS
    sessions = len(history.panel.days)
    yield f"the whole track record of {sessions} sessions, {RECORD.draws:,} draws, {record.p_values} p-values"
    yield f"  ours, everything                          {ours:9.2f} s    1.0"
    yield f"  naive loop, p-values only (from {_NAIVE_DRAWS} draws each) {naive:9.0f} s    {naive / ours:.0f}×"


def _naive_seconds(studies: Studies, record: TrackRecord) -> float:
    start = time.perf_counter()
    for rule in record.rules:
        for followed in rule.followed:
            if followed.numbers is not None:
                _naive_p(studies.all[followed.asset, followed.horizon], followed, _NAIVE_DRAWS)
    return time.perf_counter() - start
