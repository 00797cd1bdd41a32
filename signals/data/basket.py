"""The altcoin basket: equal weight, rebalanced at the last UTC close of each month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import pandas as pd

from signals.data.universe import LEAST_PRICED
from signals.rules import GATE

_SHORT, _LONG = 30, 365


@dataclass(frozen=True, slots=True)
class Basket:
    """The basket on UTC days: its level (1 at the start), and 30-day dollar volume over the 365-day mean."""

    level: pd.Series[float]
    volume_ratio: pd.Series[float]


def basket(prices: Mapping[str, pd.Series[float]], volumes: Mapping[str, pd.Series[float]]) -> Basket:
    """Build the basket from its members' daily prices and volumes.

    A member joins at the first month's end at which it has a price. One that stops within a month keeps its last
    price until the month's end. With fewer than eight priced members the level is unknown.
    """
    if not any(map(len, (*prices.values(), *volumes.values()))):
        return Basket(*(pd.Series(dtype=float, index=pd.DatetimeIndex([], dtype="datetime64[us]")) for _ in range(2)))
    closes = pd.DataFrame(dict(prices)).sort_index()
    ratios = pd.DataFrame({key: volume_ratio(values) for key, values in volumes.items()})
    return Basket(_level(closes), ratios.mean(axis=1).where(ratios.notna().sum(axis=1) >= LEAST_PRICED))


def volume_ratio(volume: pd.Series[float]) -> pd.Series[float]:
    """Return the 30-day mean of a dollar volume over its 365-day mean, on the UTC days that have one."""
    if not len(volume):
        return volume
    every = volume.asfreq("D")
    short, long = every.rolling(_SHORT, min_periods=_SHORT - 3), every.rolling(_LONG, min_periods=_LONG - 30)
    return (short.mean() / long.mean()).where(every.notna())


def daily(prices: pd.Series[float]) -> pd.Series[float]:
    """Return prices on every UTC day from the first to the last; a day without one repeats the last, up to three."""
    if not len(prices) or (prices.index[-1] - prices.index[0]).days == len(prices) - 1:
        return prices
    return prices.asfreq("D").ffill(limit=GATE.late_sessions)


def _level(closes: pd.DataFrame) -> pd.Series[float]:
    """Chain the months: within each, the mean of the members' growth since its rebalancing."""
    days = pd.DatetimeIndex(closes.index)
    prices, carried = closes.to_numpy(dtype=float), closes.ffill().to_numpy(dtype=float)
    priced = (~np.isnan(prices)).sum(axis=1) >= LEAST_PRICED
    level = np.full(len(days), np.nan)
    starts = np.flatnonzero(days.is_month_end & priced).tolist()
    now = 1.0
    for start, following in zip_longest(starts, starts[1:], fillvalue=len(days) - 1):
        month = carried[start : following + 1, ~np.isnan(prices[start])]
        level[start : following + 1] = (month / month[0]).mean(axis=1) * now
        now = float(level[following])
    return pd.Series(np.where(priced, level, np.nan), index=days).dropna()
