"""Whether crypto capitulated and its sellers are exhausted: bitcoin, ether and the altcoin basket, on UTC days."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from signals.conditions.hysteresis import at_least, debounce
from signals.conditions.measuring import Measuring
from signals.conditions.rows import number, state, whole
from signals.conditions.statements import as_state
from signals.data.basket import daily, volume_ratio
from signals.data.panel import NEVER_HAD, Alignment, Floats, floats
from signals.data.series import Days
from signals.data.universe import BASKET
from signals.model import CoinState
from signals.rules import CAPITULATION, CapitulationRules

_TRADED = ("BTC-USD", "ETH-USD", *BASKET)
_COINS = {"BTC-USD": ("BTC-USD",), "ETH-USD": ("ETH-USD",), "altcoin basket": BASKET}


@dataclass(frozen=True)
class Coin:
    """One asset on UTC days. ``price`` has a row a day, NaN where one is missing."""

    key: str
    price: pd.Series[float]
    volume_ratio: pd.Series[float]
    rules: CapitulationRules = CAPITULATION

    @property
    def deep(self) -> float:
        """The drawdown of a capitulation: bitcoin's is the smaller one."""
        return self.rules.bitcoin_drawdown if self.key == "BTC-USD" else self.rules.altcoin_drawdown

    @property
    def still_down(self) -> float:
        """How far below its high it must still be."""
        return self.rules.bitcoin_still_down if self.key == "BTC-USD" else self.rules.altcoin_still_down

    @cached_property
    def drawdown(self) -> pd.Series[float]:
        """Lowest close over the running maximum before it, less one, both inside the last 365 days."""
        deepest = _deepest_falls(floats(self.price), self.rules.drawdown_days) - 1
        return pd.Series(deepest, index=self.price.index)

    @cached_property
    def current_drawdown(self) -> pd.Series[float]:
        """The close over the highest of the last 365 days, less one."""
        return self.price / self.price.rolling(self.rules.drawdown_days).max() - 1

    @cached_property
    def mayer(self) -> pd.Series[float]:
        """Mayer multiple: price over its 200-day mean."""
        return self.price / self.price.rolling(self.rules.mayer_mean).mean()

    @cached_property
    def rsi(self) -> pd.Series[float]:
        """Weekly relative strength index over 14 closed ISO weeks, Wilder's smoothing, 0 to 100."""
        weekly = self.price[pd.DatetimeIndex(self.price.index).day_of_week == 6].diff()
        up, down = weekly.clip(lower=0), -weekly.clip(upper=0)
        smoothed = [x.ewm(alpha=1 / 14, min_periods=14, adjust=False).mean() for x in (up[1:], down[1:])]
        index: pd.Series[float] = 100 - 100 / (1 + smoothed[0] / smoothed[1])
        return index.reindex(self.price.index).ffill()

    @cached_property
    def volatility_rank(self) -> pd.Series[float]:
        """Share of two years in which 30-day realised volatility was not above today's."""
        logarithm = pd.Series(np.log(self.price.to_numpy(dtype=float)), index=self.price.index)
        volatility = logarithm.diff().rolling(self.rules.short_days).std()
        return volatility.rolling(self.rules.volatility_days).rank(pct=True)

    @cached_property
    def days_since_low(self) -> pd.Series[float]:
        """Days since a new 60-day low."""
        before = self.price.shift().rolling(self.rules.low_days - 1).min()
        position = pd.Series(np.arange(len(self.price), dtype=float), index=self.price.index)
        last = position.where(self.price < before).ffill().fillna(-np.inf)
        return (position - last).where(before.notna())

    @cached_property
    def capitulated(self) -> Floats:
        """Deep drawdown within a year, or a low Mayer multiple or weekly RSI within 26 weeks."""
        weeks = self.rules.recent_days
        recent = [
            (self.mayer.rolling(weeks, min_periods=1).min(), self.rules.mayer),
            (self.rsi.rolling(weeks, min_periods=1).min(), self.rules.rsi),
        ]
        parts = [as_state(self.drawdown <= self.deep, self.drawdown), *(as_state(x < limit, x) for x, limit in recent)]
        return at_least(1, *parts)

    @cached_property
    def exhausted(self) -> Floats:
        """Two of: calm, little volume, no new low for 30 days."""
        rules = self.rules
        parts = [
            as_state(self.volatility_rank <= rules.calm_rank, self.volatility_rank),
            as_state(self.volume_ratio <= rules.quiet_volume, self.volume_ratio),
            as_state(self.days_since_low >= rules.short_days, self.days_since_low),
        ]
        return at_least(2, *parts)

    @cached_property
    def precondition(self) -> Floats:
        """Both, and still well below the high."""
        down = as_state(self.current_drawdown <= self.still_down, self.current_drawdown)
        return at_least(3, self.capitulated, self.exhausted, down)


def _deepest_falls(prices: Floats, days: int) -> Floats:
    """Return the lowest price over the highest one before it within so many days; NaN before there are as many.

    Put together from windows of 1, 2, 4, 8 … days: in two neighbouring ones the deepest fall is that of the first, that
    of the second, or from the highest price of the first to the lowest of the second.
    """
    found = np.full(len(prices), np.nan)
    if len(prices) < days:
        return found
    high, low, fall = prices, prices, prices / prices
    whole: tuple[Floats, Floats, Floats] | None = None
    taken, width = 0, 1
    while taken < days:
        if days & width:
            part = (high[taken:], low[taken:], fall[taken:])
            whole = part if whole is None else _joined(whole, part)
            taken += width
        if taken < days:
            high, low, fall = _joined((high, low, fall), (high[width:], low[width:], fall[width:]))
            width *= 2
    assert whole is not None
    found[days - 1 :] = whole[2][: len(prices) - days + 1]
    return found


def _joined(
    first: tuple[Floats, Floats, Floats], second: tuple[Floats, Floats, Floats]
) -> tuple[Floats, Floats, Floats]:
    """Return the highest and lowest price and the deepest fall of each window followed by another."""
    count = min(len(first[0]), len(second[0]))
    (high, low, fall), (later_high, later_low, later_fall) = (
        [values[:count] for values in part] for part in (first, second)
    )
    across = np.minimum(np.minimum(fall, later_fall), later_low / high)
    return np.maximum(high, later_high), np.minimum(low, later_low), across


_STATES = ("capitulated", "exhausted", "precondition")
_NUMBERS = tuple(name for name in CoinState.__struct_fields__ if name not in ("key", *_STATES))
"""The columns of an asset: the fields of what a verdict holds of it, each a property of ``Coin``."""


@dataclass(frozen=True)
class CoinHistory:
    """One asset on sessions; the newest bar is passed over where it is not to be believed."""

    coin: Coin
    alignment: Alignment

    @cached_property
    def _columns(self) -> dict[str, Floats]:
        return {name: self.alignment.on_sessions(getattr(self.coin, name)) for name in (*_NUMBERS, *_STATES)}

    def at(self, session: int) -> CoinState:
        """Return the asset on the session at a position."""
        row: dict[str, Any] = {name: number(self._columns[name], session) for name in _NUMBERS}
        row |= {name: state(self._columns[name], session) for name in _STATES}
        row["days_since_low"] = whole(self._columns["days_since_low"], session)
        return CoinState(self.coin.key, **row)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """On when one asset is, after 21 UTC days: as shown, and as last published. States on sessions."""

    shown: Floats
    last_published: Floats


@dataclass(frozen=True)
class CapitulationHistory:
    """The three assets, and the published aggregates by name, on sessions."""

    coins: tuple[CoinHistory, ...]
    aggregates: dict[str, Aggregate]


def capitulation_history(measuring: Measuring) -> CapitulationHistory:
    """Judge the three assets over the whole history."""
    coins = tuple(_on_sessions(measuring, coin) for coin in _coins(measuring))
    return CapitulationHistory(coins, {name: _aggregate(measuring, coins, name) for name in _STATES})


def _on_sessions(measuring: Measuring, coin: Coin) -> CoinHistory:
    keys = _COINS[coin.key]
    alignment = measuring.panel.align(pd.DatetimeIndex(coin.price.index), keys, Days.DAY)
    return CoinHistory(coin, measuring.gate.before_invalid(alignment, keys))


def _coins(measuring: Measuring) -> list[Coin]:
    made = []
    for key in ("BTC-USD", "ETH-USD"):
        price = measuring.daily(key)
        made.append(Coin(key, price, volume_ratio(measuring.volumes(key)).reindex(price.index)))
    level = daily(measuring.basket.level)
    return [*made, Coin("altcoin basket", level, measuring.basket.volume_ratio.reindex(level.index))]


def _aggregate(measuring: Measuring, coins: tuple[CoinHistory, ...], name: str) -> Aggregate:
    panel = measuring.panel
    states = [pd.Series(getattr(coin.coin, name), index=coin.coin.price.index) for coin in coins]
    table = pd.DataFrame({i: values for i, values in enumerate(states) if len(values)})
    if not len(table):
        unknown = np.full(len(panel.sessions), np.nan)
        return Aggregate(unknown, unknown)
    raw = at_least(1, *floats(table).T)
    published, _ = debounce(raw, CAPITULATION.days, start=0.0)
    alignment = panel.align(pd.DatetimeIndex(table.index), ["BTC-USD"], Days.DAY)
    # A price that is not to be believed changes nothing: the state of the day before it stays.
    before = measuring.gate.before_invalid(alignment, _TRADED)
    shown = before.on_sessions(np.where(np.isnan(raw), np.nan, published))
    last_published = np.where(before.position >= 0, before.on_sessions(published, NEVER_HAD), np.nan)
    return Aggregate(np.where(before.position == alignment.position, shown, np.nan), last_published)
