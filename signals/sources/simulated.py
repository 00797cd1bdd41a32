"""A made-up market for demonstrations and tests: seeded, regime-switching, and always called simulated.

A hidden regime (advance, range, decline) drives a market factor and a small-cap factor; every series loads on them
with a spread of its own. It comes and goes by chance, or as the acts of ``simulated_acts`` have it. The path up to a
date does not depend on how far it is computed.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache

import numpy as np
import pandas as pd

from signals.data.release import available_at, expected_dates
from signals.data.series import SERIES, Days, Series
from signals.data.sessions import nyse_sessions
from signals.sources.shape import NOTHING, Fetched
from signals.sources.simulated_acts import play
from signals.sources.simulated_economy import ECONOMY, World, simulate

START = pd.Timestamp("2003-01-02")
# Bitcoin has a price from 2014 on, and what people are shown should have none earlier.
START_OF_ACTS = pd.Timestamp("2015-01-02")
_OUTAGE_MONTH, _OUTAGE_DAYS = 3, range(8, 22)
# Per regime: yearly drift and volatility of the market factor, and the drift of small caps against it.
_DRIFT = np.array([0.16, 0.02, -0.30])
_VOLATILITY = np.array([0.12, 0.16, 0.30])
_SMALL_VOLATILITY = 0.08
_SMALL_DRIFT = np.array([0.04, -0.02, -0.06])
# Daily chance to leave a regime, and where it then goes.
_LEAVE = np.array([1 / 350, 1 / 180, 1 / 110])
_NEXT = np.array([[0.0, 0.7, 0.3], [0.7, 0.0, 0.3], [0.8, 0.2, 0.0]])
# Loadings on (market, small caps) and the series' own yearly volatility.
_LOADINGS = {
    "^RUT": (1.05, 1.0, 0.0),
    "IWM": (1.05, 1.0, 0.004),
    "SPY": (1.0, 0.0, 0.01),
    "RSP": (1.0, 0.3, 0.02),
    "IWC": (1.0, 1.2, 0.05),
    "IJR": (1.05, 0.95, 0.02),
    "SPHB": (1.45, 0.4, 0.06),
    "SPLV": (0.65, -0.1, 0.04),
    "EEM": (0.9, 0.3, 0.10),
    "HYG": (0.35, 0.1, 0.03),
    "KRE": (1.1, 0.9, 0.12),
    "XBI": (1.1, 0.8, 0.16),
}
_SECTOR = (1.0, 0.1, 0.09)
_LEVEL = {"^RUT": 380.0, "IWM": 38.0}


@dataclass(frozen=True, slots=True)
class SimulatedSource:
    """Generates figures from a seed; ``in_acts`` from 2015 on, and so that each kind of alert comes every few years."""

    seed: int = 7
    in_acts: bool = False

    def fetch(self, series: Series, since: date | None, now: datetime) -> Fetched:
        """Return simulated figures from ``since`` to ``now``; see ``shape.Source``."""
        if series.source == "operator" or series.ended:
            return Fetched(NOTHING, f"the simulated market has no {series.title}", absent=True)
        if self.in_acts and since is not None and series.source == "fred" and is_down(now.date()):
            return Fetched(NOTHING, "the simulated FRED does not answer, as every March")
        plot = Plot(self.seed, START_OF_ACTS if self.in_acts else START, self.in_acts)
        sessions = plot.sessions(now.year)
        last = sessions[sessions <= pd.Timestamp(now.date())][-1:]
        frame = _figures(plot, series, now.year)
        first = plot.start if since is None else pd.Timestamp(since)
        frame = frame[(frame.index >= first) & (frame.index <= (last[0] if len(last) else plot.start))]
        public = available_at(series.clock, pd.DatetimeIndex(frame.index)) <= pd.Timestamp(now)
        return Fetched(frame[public])


def is_down(day: date) -> bool:
    """Return whether one of the publishers in a market of acts does not answer on a day."""
    return day.month == _OUTAGE_MONTH and day.day in _OUTAGE_DAYS


@dataclass(frozen=True, slots=True)
class Plot:
    """What all series of one simulated market share."""

    seed: int
    start: pd.Timestamp
    in_acts: bool

    def sessions(self, year: int) -> pd.DatetimeIndex:
        """Return the sessions of the simulated market to the end of a year."""
        sessions = nyse_sessions(datetime(year, 12, 31, tzinfo=UTC))
        return sessions[(sessions >= self.start) & (sessions <= pd.Timestamp(year, 12, 31))]

    def stream(self, name: str) -> np.random.Generator:
        """Return the random numbers of one name."""
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])


@lru_cache(maxsize=256)
def _figures(plot: Plot, series: Series, year: int) -> pd.DataFrame:
    """Return every figure of a series to the end of a year: they are the same however far they are computed.

    What is in no table is a stock.
    """
    sessions, is_stock = plot.sessions(year), series.source == "yahoo" and series.days is Days.SESSION
    if series.key not in SERIES or (is_stock and series.key not in ECONOMY):
        return _bars(plot, series.key, sessions)
    return _economy(plot, series, sessions)


def _economy(plot: Plot, series: Series, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """Return a figure that is no stock price, on the days its publisher would have one."""
    regime, market, small, coins = _path(plot, len(sessions))
    every = pd.date_range(plot.start, sessions[-1], freq="D", unit="us")
    # Weekends and holidays go on in the regime of the session before, and without its moves.
    session = np.searchsorted(sessions.asi8, every.asi8, side="right") - 1
    moved = every.isin(sessions)
    world = World(
        regime=regime[session], market=np.where(moved, market[session], 0.0),
        small=np.where(moved, small[session], 0.0), coins=coins[session], noise=plot.stream,
    )  # fmt: skip
    table = simulate(series.key, world, every)
    return table[table.index.isin(expected_dates(series.days, plot.start, sessions[-1], sessions))]


def _bars(plot: Plot, key: str, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """Return a bar of a stock price for each session."""
    length = len(sessions)
    _, market, small, _ = _path(plot, length)
    on_market, on_small, own = _LOADINGS.get(key, _SECTOR)
    noise = plot.stream(key).standard_normal((length, 4))
    moves = on_market * market + on_small * small + own / 252**0.5 * noise[:, 0]
    close = _LEVEL.get(key, 50.0) * np.exp(np.cumsum(np.clip(moves, -0.12, 0.12)))
    before = np.concatenate((close[:1], close[:-1]))
    top, bottom = np.maximum(close, before), np.minimum(close, before)
    volume = 25e6 * np.exp(0.25 * noise[:, 3] + 9.0 * np.abs(moves))
    return pd.DataFrame(
        {
            "value": close.round(2),
            "open": before.round(2),
            "high": (top * (1 + 0.002 * np.abs(noise[:, 1]))).round(2),
            "low": (bottom * (1 - 0.002 * np.abs(noise[:, 2]))).round(2),
            "volume": volume.round(),
        },
        index=sessions,
    )


@lru_cache(maxsize=2)
def _path(plot: Plot, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the regime of each session, the moves of the market and of small caps against it, and coins' own drift."""
    noise = [plot.stream(name).standard_normal(length) for name in ("market", "small")]
    if plot.in_acts:
        acts = play(length, plot.stream("acts"))
        market = acts.market + acts.volatility * noise[0]
        return acts.regime, market, acts.small + _SMALL_VOLATILITY / 252**0.5 * noise[1], acts.coins
    regime = _regimes(plot.stream("regime").random((length, 2)))
    market = _DRIFT[regime] / 252 + _VOLATILITY[regime] / 252**0.5 * noise[0]
    small = _SMALL_DRIFT[regime] / 252 + _SMALL_VOLATILITY / 252**0.5 * noise[1]
    return regime, market, small, np.zeros(length)


def _regimes(draws: np.ndarray) -> np.ndarray:
    """Walk the hidden regimes, beginning with an advance."""
    regimes = np.zeros(len(draws), dtype=int)
    for i in range(1, len(draws)):
        before = regimes[i - 1]
        onward = np.searchsorted(np.cumsum(_NEXT[before]), draws[i, 1])
        regimes[i] = onward if draws[i, 0] < _LEAVE[before] else before
    return regimes
