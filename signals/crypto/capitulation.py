"""Whether crypto capitulated and its sellers are exhausted: bitcoin, ether and the altcoin basket, on UTC days."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.conditions.falls import deepest_falls
from signals.conditions.hysteresis import at_least, first_measured, lapsed, publish
from signals.conditions.measuring import Measuring
from signals.conditions.rows import number, state, whole
from signals.conditions.statements import as_state
from signals.data.basket import daily, volume_ratio
from signals.data.panel import NEVER_HAD, Alignment, Bools, Floats, as_date, floats
from signals.data.series import Days
from signals.data.universe import BASKET
from signals.model import CoinState
from signals.nine_decimals import Sign, meets
from signals.rules import CAPITULATION, CapitulationRules

_TRADED = ("BTC-USD", "ETH-USD", *BASKET)
_COINS = {"BTC-USD": ("BTC-USD",), "ETH-USD": ("ETH-USD",), "altcoin basket": BASKET}


@dataclass(frozen=True)
class Coin:
    """One asset on UTC days.

    ``price`` has a row a day, for windows of days; ``observed`` are those with a price of their own, on which alone
    something is said: on its evening nobody knew that a day without one would be bridged.
    """

    key: str
    price: pd.Series[float]
    volume_ratio: pd.Series[float]
    observed: pd.DatetimeIndex
    rules: CapitulationRules = CAPITULATION

    def on_observed(self, name: str) -> Floats:
        """Return one of its columns on the days observed."""
        if not len(self.observed):
            return np.array([], dtype=np.float64)
        return floats(getattr(self, name))[self._is_observed]

    @cached_property
    def _is_observed(self) -> Bools:
        return np.asarray(self.price.index.isin(self.observed))

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
        return pd.Series(deepest_falls(floats(self.price), self.rules.drawdown_days), index=self.price.index)

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
    def mayer_low(self) -> pd.Series[float]:
        """The lowest Mayer multiple of the last 26 weeks."""
        return self.mayer.rolling(self.rules.recent_days, min_periods=1).min()

    @cached_property
    def rsi_low(self) -> pd.Series[float]:
        """The lowest weekly RSI of the last 26 weeks."""
        return self.rsi.rolling(self.rules.recent_days, min_periods=1).min()

    @cached_property
    def mayer_low_on(self) -> Floats:
        """The position of the day of that low."""
        return _lowest_at(floats(self.mayer), self.rules.recent_days)

    @cached_property
    def rsi_low_on(self) -> Floats:
        """The position of the day of that low."""
        return _lowest_at(floats(self.rsi), self.rules.recent_days)

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
        return at_least(
            1,
            _where(self.drawdown, Sign.AT_MOST, self.deep),
            _where(self.mayer_low, Sign.BELOW, self.rules.mayer),
            _where(self.rsi_low, Sign.BELOW, self.rules.rsi),
        )

    @cached_property
    def exhausted(self) -> Floats:
        """Two of: calm, little volume, no new low for 30 days."""
        rules = self.rules
        return at_least(
            2,
            _where(self.volatility_rank, Sign.AT_MOST, rules.calm_rank),
            _where(self.volume_ratio, Sign.AT_MOST, rules.quiet_volume),
            _where(self.days_since_low, Sign.AT_LEAST, rules.short_days),
        )

    @cached_property
    def precondition(self) -> Floats:
        """Both, and still well below the high."""
        down = _where(self.current_drawdown, Sign.AT_MOST, self.still_down)
        return at_least(3, self.capitulated, self.exhausted, down)


def _lowest_at(values: Floats, length: int) -> Floats:
    """Return where the lowest of so many values up to each stands, the first of equal ones; NaN where none is known."""
    if not len(values):
        return values
    padded = np.concatenate((np.full(length - 1, np.inf), np.where(np.isnan(values), np.inf, values)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, length)
    at = np.arange(len(values)) + windows.argmin(axis=1) - (length - 1)
    return np.where(np.isfinite(windows.min(axis=1)), at, np.nan)


def _where(values: pd.Series[float], sign: Sign, threshold: float) -> Floats:
    return as_state(meets(values, sign, threshold), values)


_STATES = ("capitulated", "exhausted", "precondition")
_DAYS = ("mayer_low_on", "rsi_low_on")
_NUMBERS = tuple(name for name in CoinState.__struct_fields__ if name not in ("key", *_DAYS, *_STATES))
"""The columns of an asset: the fields of what a verdict holds of it, each a property of ``Coin``."""


@dataclass(frozen=True)
class CoinHistory:
    """One asset on sessions; the newest bar is passed over where it is not to be believed."""

    coin: Coin
    alignment: Alignment

    @cached_property
    def _columns(self) -> dict[str, Floats]:
        return {name: self.alignment.on_sessions(self.coin.on_observed(name)) for name in (*_NUMBERS, *_DAYS, *_STATES)}

    @cached_property
    def _days(self) -> npt.NDArray[np.datetime64]:
        return self.coin.price.index.to_numpy().astype("datetime64[D]")

    def at(self, session: int) -> CoinState:
        """Return the asset on the session at a position."""
        row: dict[str, Any] = {name: number(self._columns[name], session) for name in _NUMBERS}
        row |= {name: state(self._columns[name], session) for name in _STATES}
        row["days_since_low"] = whole(self._columns["days_since_low"], session)
        for name in _DAYS:
            position = whole(self._columns[name], session)
            row[name] = None if position is None else as_date(self._days, position)
        return CoinState(self.coin.key, **row)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """On when one asset is, after 21 UTC days: as shown, and as last published. States on sessions.

    ``silent`` is where the latter changed since something was measured for the first time.
    """

    shown: Floats
    last_published: Floats
    silent: Bools


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
    alignment = measuring.panel.align(coin.observed, keys, Days.DAY)
    return CoinHistory(coin, measuring.gate.before_invalid(alignment, keys))


def _coins(measuring: Measuring) -> list[Coin]:
    made = []
    for key in ("BTC-USD", "ETH-USD"):
        price = measuring.daily(key)
        observed = pd.DatetimeIndex(measuring.prices(key).index)
        made.append(Coin(key, price, volume_ratio(measuring.volumes(key)).reindex(price.index), observed))
    level = measuring.basket.level
    price, observed = daily(level), pd.DatetimeIndex(level.index)
    return [*made, Coin("altcoin basket", price, measuring.basket.volume_ratio.reindex(price.index), observed)]


def _aggregate(measuring: Measuring, coins: tuple[CoinHistory, ...], name: str) -> Aggregate:
    panel = measuring.panel
    states = [pd.Series(coin.coin.on_observed(name), index=coin.coin.observed) for coin in coins]
    table = pd.DataFrame({i: values for i, values in enumerate(states) if len(values)})
    if not len(table):
        unknown = np.full(len(panel.sessions), np.nan)
        return Aggregate(unknown, unknown, np.zeros(len(unknown), dtype=np.bool_))
    raw = at_least(1, *floats(table).T)
    alignment = panel.align(table.index, ["BTC-USD"], Days.DAY)
    # A price that is not to be believed changes nothing: the state of the day before it stays.
    before = measuring.gate.before_invalid(alignment, _TRADED)
    followed = np.where(before.position == alignment.position, before.on_sessions(raw), np.nan)
    lapses = lapsed(followed)
    # On the day that the session of a lapse saw, counting begins anew.
    begun = np.zeros(len(raw), dtype=np.bool_)
    begun[before.position[np.diff(lapses, prepend=False) & lapses & (before.position >= 0)]] = True
    published = publish(raw, CAPITULATION.days, begun, first_measured(list(floats(table).T)), start=0.0)
    held = np.where((before.position >= 0) & ~lapses, before.on_sessions(published.state, NEVER_HAD), np.nan)
    silent = before.on_sessions(np.cumsum(published.silent), NEVER_HAD)
    return Aggregate(np.where(np.isnan(followed), np.nan, held), held, np.diff(silent, prepend=0.0) > 0)
