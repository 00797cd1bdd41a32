"""Small made-up markets for tests."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.data.series import FIELDS, SECTORS
from signals.data.sessions import decision_time, nyse_sessions
from signals.data.vintages import Archive, as_vintages, settle
from signals.evaluate import History, evaluate
from signals.model import Breakout, Verdict

REAL_HISTORY = Path(os.environ.get("CASCADE_HISTORY", Path(__file__).parents[2] / "shared" / "data"))
NOW = datetime(2024, 1, 3, 12, tzinfo=UTC)
CALENDAR = nyse_sessions(NOW)
STOCKS = ("^RUT", "IWM", "SPY", "RSP", "IWC", "IJR", *SECTORS)
FIRST = int(CALENDAR.searchsorted(pd.Timestamp("2015-01-02")))


def sessions(count: int) -> pd.DatetimeIndex:
    """Return the first sessions of the made-up market."""
    return CALENDAR[FIRST : FIRST + count]


def day(position: int) -> date:
    """Return the session at a position of the made-up market."""
    return sessions(position + 1)[-1].date()


def lead(base: int = 130, rise: int = 300) -> list[float]:
    """Return closes that rise to a record of 100 and then spend ``base - 1`` sessions at 90.

    The next close above 100 comes out of a base of ``base`` sessions; the record is old enough to be verified.
    """
    return [*np.linspace(50, 100, rise), *[90.0] * (base - 1)]


def frame(closes: npt.ArrayLike, **fields: Any) -> pd.DataFrame:
    """Return observations for the first sessions; NaN closes are left out."""
    values = np.asarray(closes, dtype=float)
    figures = np.full((len(values), len(FIELDS)), np.nan)
    for name, column in {"value": values, **fields}.items():
        figures[:, FIELDS.index(name)] = np.asarray(column, dtype=float)
    known = ~np.isnan(values)
    return pd.DataFrame(figures[known], index=sessions(len(values))[known], columns=list(FIELDS))


def market(closes: npt.ArrayLike, **other: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the stock market moving with the given ^RUT closes; ``other`` replaces or adds single series."""
    values = np.asarray(closes, dtype=float)
    filled = pd.Series(values).ffill().to_numpy()
    volume = np.full(len(values), 1e6)
    each = frame(filled / 2, volume=volume)
    frames = {key: each.copy() for key in STOCKS}
    frames["^RUT"] = frame(values, high=values * 1.01, low=values * 0.99)
    frames["SPY"] = frame(np.linspace(200, 210, len(values)), volume=volume)
    return frames | other


def settled(frames: dict[str, pd.DataFrame]) -> Archive:
    """Return frames as an archive, all seen at once."""
    return settle(as_vintages(frames, pd.Timestamp(NOW)))


def evaluated(frames: dict[str, pd.DataFrame], through: int | None = None) -> History:
    """Evaluate a made-up market through the session at a position, by default that of its last ^RUT close."""
    last = frames["^RUT"].index[-1].date() if through is None else day(through)
    return _evaluated(_Market(frames), last)


class _Market:
    """Frames that are told apart by what is in them, so that what many tests begin with is evaluated once."""

    def __init__(self, frames: dict[str, pd.DataFrame]) -> None:
        self.archive = settled(frames)
        self._content = tuple(
            (key, table.index.to_numpy().tobytes(), table.to_numpy(dtype=float).tobytes())
            for key, table in self.archive.items()
        )

    def __hash__(self) -> int:
        return hash(self._content)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Market) and self._content == other._content


@lru_cache(maxsize=64)
def _evaluated(market: _Market, last: date) -> History:
    return evaluate(market.archive, CALENDAR, last)


def breakout(frames: dict[str, pd.DataFrame], through: int | None = None) -> Breakout:
    """Return where the breakout of a made-up market stands on its last session."""
    history = evaluated(frames, through)
    return history.breakout(history.panel.days[-1])


def verdict(frames: dict[str, pd.DataFrame], through: int | None = None) -> Verdict:
    """Return the last verdict of a made-up market."""
    history = evaluated(frames, through)
    last = history.panel.days[-1]
    return history.verdict(last, decision_time(last))
