"""What the record follows: closes of each asset on every session or UTC day, and what followed each of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.conditions.measuring import Figures, Measuring
from signals.data.panel import Ints
from signals.data.release import available_at
from signals.data.series import UTC_DAY, ReleaseClock
from signals.record.model import ASSETS, Asset, Case, Close, Outcome, Scale
from signals.rules import GATE

Floats = npt.NDArray[np.float64]
_CLOSE = ReleaseClock(time(16, 0))
_AHEAD = pd.Timedelta(days=max(horizon for asset in ASSETS.values() for horizon in asset.horizons) + 2)


@dataclass(frozen=True)
class Prices:
    """One asset's closes.

    Attributes
    ----------
    days
        Every session or UTC day, from one before the first price to beyond the longest horizon after the last.
    close
        Per day; NaN where there is none. Never carried from one day to the next.
    public
        Per day, the instant of its close, in microseconds of UTC.
    """

    asset: Asset
    days: pd.DatetimeIndex
    close: Floats
    public: Ints

    def as_of(self, instant: datetime) -> Prices:
        """Return what was known at an instant: later closes are not there yet."""
        known = self.public <= pd.Timestamp(instant).as_unit("us").value // 1000
        return replace(self, close=np.where(known, self.close, np.nan))

    def entries(self, decided: pd.DatetimeIndex) -> Ints:
        """Return the position of the first close after each instant (UTC), -1 where the asset has no price."""
        after = np.searchsorted(self.public, decided.as_unit("us").asi8, side="right")
        following = _next_known(self.close)
        entry = following[np.minimum(after, len(following) - 1)]
        # A gap is stepped over as far as a late series may be used; the first row only marks where prices begin.
        near = (after > 0) & (after < len(following)) & (entry - after <= GATE.late_sessions)
        return np.where(near, entry, -1)

    def changes(self, horizon: int) -> Floats:
        """Return the change from each close to the one ``horizon`` days later; NaN where either is not known."""
        later = np.full_like(self.close, np.nan)
        later[:-horizon] = self.close[horizon:]
        return later / self.close - 1

    def case(self, event: date, entry: int, horizon: int) -> Case:
        """Return what followed an event whose first close stands at ``entry``, -1 where there is none."""
        if entry < 0:
            return Case(event, None, None, None)
        leave = entry + horizon
        due = self.days[leave].date() if leave < len(self.days) else None
        first, path = self._at(entry), self.close[entry : leave + 1]
        if due is None or np.isnan(path[-1]):
            return Case(event, first, due, None)
        changes = path / first.price - 1
        return Case(event, first, due, Outcome(self._at(leave), float(changes[-1]), float(np.nanmin(changes))))

    def _at(self, position: int) -> Close:
        return Close(self.days[position].date(), float(self.close[position]))


def _next_known(close: Floats) -> Ints:
    """Return for each position the first one from there on with a price, or one past the end."""
    positions = np.where(np.isnan(close), len(close), np.arange(len(close)))
    return np.asarray(np.minimum.accumulate(positions[::-1])[::-1], dtype=np.int64)


def all_prices(measuring: Measuring) -> dict[str, Prices]:
    """Return every asset that has a price in this data, by its key.

    ^RUT is followed by its index, which pays no dividend; the funds by dividend-adjusted closes; coins by UTC closes.
    """
    found = {
        "^RUT": measuring.prices("^RUT"),
        "IWM/SPY": measuring.ratio("IWM", "SPY"),
        "BTC-USD": measuring.prices("BTC-USD"),
        "ETH-USD": measuring.prices("ETH-USD"),
        "altcoin basket": measuring.basket.level,
    }
    return {key: _prices(ASSETS[key], values, measuring) for key, values in found.items() if len(values)}


def _prices(asset: Asset, values: Figures, measuring: Measuring) -> Prices:
    first, last = values.index[0], values.index[-1]
    calendar = measuring.panel.calendar
    if asset.scale is Scale.SESSIONS:
        days = calendar[max(int(calendar.searchsorted(first)) - 1, 0) :]
    else:
        days = pd.date_range(first - pd.Timedelta(days=1), last + _AHEAD, freq="D", unit="us")
    close = values.reindex(days).to_numpy(dtype=np.float64)
    clock = _CLOSE if asset.scale is Scale.SESSIONS else UTC_DAY
    return Prices(asset, days, close, available_at(clock, days).as_unit("us").asi8)
