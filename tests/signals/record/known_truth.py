"""Made-up worlds whose truth is known: crypto follows a confirmed breakout in one to three months, or it does not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from signals.breakout.episodes import find_episodes
from signals.data.release import available_at
from signals.data.series import UTC_DAY
from signals.data.sessions import decision_times
from signals.record.event_study import Events, Study
from signals.record.model import ASSETS
from signals.record.prices import Prices
from tests.worlds import CALENDAR

SESSIONS = CALENDAR[slice(*CALENDAR.searchsorted(pd.DatetimeIndex(["2000-01-03", "2020-01-02"])))]
_DAILY = 0.04


@dataclass(frozen=True)
class World:
    """The closes of the index on every session, those of a coin on every UTC day, and the confirmed breakouts."""

    index: pd.Series[float]
    coin: pd.Series[float]
    confirmed: list[date]

    def study(self, horizon: int = 91) -> Study:
        days = pd.date_range(self.coin.index[0] - pd.Timedelta(days=1), self.coin.index[-1] + pd.Timedelta(days=200))
        days = days.as_unit("us")
        public = available_at(UTC_DAY, days).as_unit("us").asi8
        close = np.asarray(self.coin.reindex(days), dtype=np.float64)
        prices = Prices(ASSETS["ETH-USD"], days, close, public)
        return Study(prices, horizon, np.ones(len(days), dtype=bool))

    def events(self) -> Events:
        return Events(self.confirmed, decision_times(pd.DatetimeIndex(self.confirmed).as_unit("us")))


def _index(random: np.random.Generator) -> pd.Series[float]:
    """Return an index that breaks out of a long base again and again."""
    closes = [100.0]
    while len(closes) < len(SESSIONS):
        record = max(closes)
        quiet = int(random.integers(140, 320))
        closes += list(record * (0.90 + 0.07 * random.random(quiet)))
        closes += list(record * 1.01 * np.exp(np.cumsum(np.abs(random.normal(0.0005, 0.002, 40)))))
    return pd.Series(np.round(closes[: len(SESSIONS)], 2), index=SESSIONS)


def world(seed: int, effect: float) -> World:
    """Return a world in which the coin gains ``effect`` (in logarithms) over days 30 to 91 after each confirmation."""
    random = np.random.default_rng(seed)
    index = _index(random)
    confirmed = [
        e.confirmed for e in find_episodes(index, CALENDAR[SESSIONS[0] <= CALENDAR]) if e.confirmed and e.level_verified
    ]
    days = pd.date_range(SESSIONS[0], SESSIONS[-1], unit="us")
    moves = pd.Series(random.normal(0.0, _DAILY, len(days)), index=days)
    for day in confirmed:
        moves[pd.Timestamp(day) + pd.Timedelta(days=30) : pd.Timestamp(day) + pd.Timedelta(days=91)] += effect / 62
    path = 100 * np.exp(moves.to_numpy(dtype=np.float64).cumsum())
    return World(index, pd.Series(path, index=days), confirmed)
