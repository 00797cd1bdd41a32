"""Whether crypto capitulated and its sellers are exhausted: bitcoin, ether and the altcoin basket, on UTC days."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from signals.conditions.hysteresis import follow
from signals.conditions.measuring import Measuring
from signals.conditions.rows import optional, states
from signals.conditions.statements import state, votes
from signals.data.basket import daily, volume_ratio
from signals.data.panel import Alignment, Ints
from signals.data.series import Days
from signals.data.universe import BASKET
from signals.model import CoinState, State
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
        days = self.rules.drawdown_days
        values = self.price.to_numpy(dtype=float)
        if len(values) < days:
            return pd.Series(np.nan, index=self.price.index)
        windows = np.lib.stride_tricks.sliding_window_view(values, days)
        deepest = (windows / np.maximum.accumulate(windows, axis=1)).min(axis=1) - 1
        return pd.Series(np.concatenate((np.full(days - 1, np.nan), deepest)), index=self.price.index)

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
    def since_low(self) -> pd.Series[float]:
        """Days since a new 60-day low."""
        before = self.price.shift().rolling(self.rules.low_days - 1).min()
        position = pd.Series(np.arange(len(self.price), dtype=float), index=self.price.index)
        last = position.where(self.price < before).ffill().fillna(-np.inf)
        return (position - last).where(before.notna())

    @cached_property
    def capitulated(self) -> pd.Series[float]:
        """Deep drawdown within a year, or a low Mayer multiple or weekly RSI within 26 weeks."""
        weeks = self.rules.recent_days
        recent = [
            (self.mayer.rolling(weeks, min_periods=1).min(), self.rules.mayer),
            (self.rsi.rolling(weeks, min_periods=1).min(), self.rules.rsi),
        ]
        parts = [state(self.drawdown <= self.deep, self.drawdown), *(state(x < limit, x) for x, limit in recent)]
        return votes(pd.concat(parts, axis=1, sort=True), least_on=1)

    @cached_property
    def exhausted(self) -> pd.Series[float]:
        """Two of: calm, little volume, no new low for 30 days."""
        rules = self.rules
        parts = [
            state(self.volatility_rank <= rules.calm_rank, self.volatility_rank),
            state(self.volume_ratio <= rules.quiet_volume, self.volume_ratio),
            state(self.since_low >= rules.short_days, self.since_low),
        ]
        return votes(pd.concat(parts, axis=1, sort=True), least_on=2)

    @cached_property
    def precondition(self) -> pd.Series[float]:
        """Both, and still well below the high."""
        down = state(self.current_drawdown <= self.still_down, self.current_drawdown)
        return votes(pd.concat([self.capitulated, self.exhausted, down], axis=1, sort=True), least_on=3)


@dataclass(frozen=True)
class CoinHistory:
    """One asset on sessions."""

    coin: Coin
    alignment: Alignment
    trusted: Ints

    @cached_property
    def _columns(self) -> dict[str, list[float | None]]:
        usable = self.alignment.usable & (self.trusted >= 0)
        position = np.maximum(self.trusted, 0)
        columns = {}
        for name in (*_NUMBERS, *_STATES):
            values = getattr(self.coin, name).to_numpy(dtype=float)
            shown = np.where(usable, values[position], np.nan) if len(values) else np.full(len(usable), np.nan)
            columns[name] = optional(shown)
        return columns

    def at(self, session: int) -> CoinState:
        """Return the asset on the session at a position."""
        row = {name: values[session] for name, values in self._columns.items()}
        low = row["since_low"]
        return CoinState(
            key=self.coin.key,
            drawdown=row["drawdown"],
            current_drawdown=row["current_drawdown"],
            mayer=row["mayer"],
            rsi=row["rsi"],
            volatility_rank=row["volatility_rank"],
            volume_ratio=row["volume_ratio"],
            days_since_low=None if low is None else int(low),
            **{name: _state(row[name]) for name in _STATES},
        )


_NUMBERS = ("drawdown", "current_drawdown", "mayer", "rsi", "volatility_rank", "volume_ratio", "since_low")
_STATES = ("capitulated", "exhausted", "precondition")


def _state(value: float | None) -> State:
    return State.UNKNOWN if value is None else State.ON if value else State.OFF


@dataclass(frozen=True)
class CapitulationHistory:
    """The three assets, and the published aggregates, on sessions."""

    coins: tuple[CoinHistory, ...]
    shown: dict[str, list[State]]
    last_published: dict[str, list[State]]


def capitulation_history(measuring: Measuring) -> CapitulationHistory:
    """Judge the three assets over the whole history."""
    coins = tuple(_on_sessions(measuring, coin) for coin in _coins(measuring))
    aggregates = {name: _aggregate(measuring, coins, name) for name in _STATES}
    return CapitulationHistory(
        coins,
        {name: pair[0] for name, pair in aggregates.items()},
        {name: pair[1] for name, pair in aggregates.items()},
    )


def _on_sessions(measuring: Measuring, coin: Coin) -> CoinHistory:
    keys = _COINS[coin.key]
    alignment = measuring.panel.align(pd.DatetimeIndex(coin.price.index), keys, Days.DAY)
    return CoinHistory(coin, alignment, measuring.trusted(alignment, keys))


def _coins(measuring: Measuring) -> list[Coin]:
    made = []
    for key in ("BTC-USD", "ETH-USD"):
        price = measuring.daily(key)
        made.append(Coin(key, price, volume_ratio(measuring.volumes(key)).reindex(price.index)))
    level = daily(measuring.basket.level)
    return [*made, Coin("altcoin basket", level, measuring.basket.volume_ratio.reindex(level.index))]


def _aggregate(measuring: Measuring, coins: tuple[CoinHistory, ...], name: str) -> tuple[list[State], list[State]]:
    """Return the state as shown and as last published: on when one asset is, after 21 UTC days."""
    panel = measuring.panel
    table = pd.DataFrame({coin.coin.key: getattr(coin.coin, name) for coin in coins if len(coin.coin.price)})
    if not len(table):
        nothing = [State.UNKNOWN] * len(panel.sessions)
        return nothing, nothing
    raw = votes(table, least_on=1).to_numpy(dtype=np.float64)
    published, _ = follow(raw, CAPITULATION.days, start=0.0)
    alignment = panel.align(pd.DatetimeIndex(table.index), ["BTC-USD"], Days.DAY)
    # A price that cannot be believed changes nothing: the state of the day before it is held.
    position = measuring.trusted(alignment, _TRADED)
    bad = position != alignment.position
    shown = np.where(np.isnan(raw), np.nan, published)[np.maximum(position, 0)]
    held = np.where(position >= 0, published[np.maximum(position, 0)], np.nan)
    return states(np.where(alignment.usable & ~bad, shown, np.nan)), states(held)
