"""Today is the last row of the history: cutting the history anywhere gives the same row."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from signals.data.sessions import decision_time, nyse_sessions
from signals.evaluate import evaluate
from signals.sources.collect import collect_archive
from signals.sources.folder import FolderSource
from signals.sources.shape import Source
from signals.sources.simulated import SimulatedSource

NOW = datetime(2025, 7, 1, tzinfo=UTC)
COUNT = int(os.environ.get("LOOKAHEAD_SESSIONS", "0"))


def _compare(source: Source, always: list[str], now: datetime) -> None:
    calendar = nyse_sessions(now)
    archive, _ = collect_archive(source, calendar, now)
    last = archive["^RUT"].index[-1]
    whole = evaluate(archive, calendar, last.date())
    first = whole.panel.position(archive["^RUT"].index[0].date())
    drawn = np.random.default_rng(20201113).integers(first, len(whole.panel.days), COUNT)
    chosen = [whole.panel.days[at] for at in drawn] + [pd.Timestamp(day).date() for day in always]
    for session in chosen:
        decided_at = decision_time(session)
        # Collected anew as of that evening: nothing later is even in memory.
        known, _ = collect_archive(source, calendar, decided_at)
        assert max(frame.index[-1].date() for frame in known.values()) <= session
        truncated = evaluate(known, calendar, session)
        assert truncated.verdict(session, decided_at) == whole.verdict(session, decided_at), session


def test_truncating_the_real_history_gives_the_same_rows(real_history: Path) -> None:
    # Besides random ones, if asked for, the day a sector fell by a fifth.
    _compare(FolderSource(real_history), ["2020-03-09"], NOW)


def test_truncating_a_simulated_history_gives_the_same_rows() -> None:
    _compare(SimulatedSource(8), ["2010-10-14"], NOW.replace(year=2011))
