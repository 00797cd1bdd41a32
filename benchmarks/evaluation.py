"""How long the whole ^RUT history takes to evaluate, beside a plain rolling maximum over the same closes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pandas as pd

from signals.data.sessions import decision_time, nyse_sessions
from signals.evaluate import evaluate
from signals.sources.collect import collect_archive
from signals.sources.folder import FolderSource
from signals.sources.shape import Source
from signals.sources.simulated import SimulatedSource
from tests.worlds import REAL_HISTORY

_ROUNDS = 5
_FEW_ROUNDS = 3
_NOW = datetime(2025, 7, 1, tzinfo=UTC)


def _seconds(work: Callable[[], object], rounds: int = _ROUNDS) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def measure_evaluation() -> Iterator[str]:
    """Yield the measurements as lines."""
    real = (REAL_HISTORY / "RUT.csv").exists()
    source: Source = FolderSource(REAL_HISTORY) if real else SimulatedSource()
    calendar = nyse_sessions(_NOW)
    archive, _ = collect_archive(source, calendar, _NOW)
    index = {"^RUT": archive["^RUT"]}
    last = archive["^RUT"].index[-1].date()
    close = archive["^RUT"]["value"]

    def everything(series: dict[str, pd.DataFrame]) -> None:
        history = evaluate(series, calendar, last)
        for day in history.panel.days:
            history.verdict(day, decision_time(day))

    rolling = _seconds(lambda: close.rolling(252).max())
    alone = _seconds(lambda: evaluate(index, calendar, last))
    rows = _seconds(lambda: everything(index))
    whole = _seconds(lambda: everything(dict(archive)), _FEW_ROUNDS)
    kind = "real" if real else "simulated"
    yield f"evaluation of {len(close)} {kind} ^RUT sessions (medians of {_ROUNDS})"
    yield f"  plain pandas rolling maximum              {rolling * 1000:9.2f} ms   1.0"
    yield f"  breakouts of the whole ^RUT history       {alone * 1000:9.2f} ms   {alone / rolling:.0f}×"
    yield f"  and a verdict for each session            {rows * 1000:9.2f} ms   {rows / rolling:.0f}×"
    yield f"  everything, from {len(archive)} series                {whole * 1000:9.2f} ms   {whole / rolling:.0f}×"
    yield f"  of the ten seconds it may take after import: {whole / 10:.0%}"
