"""Where the Russell 2000 stands to its record on each session: distances, base, changes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from signals.data.panel import Floats, Panel, floats
from signals.rules import CHECKS

_YEAR = 252


@dataclass(frozen=True)
class Standing:
    """Arrays over all sessions, NaN where unknown; each looks only back."""

    panel: Panel

    @cached_property
    def _close(self) -> pd.Series[float]:
        return self.panel.close("^RUT")

    @cached_property
    def close(self) -> Floats:
        """^RUT closes, index points."""
        return floats(self._close)

    @cached_property
    def record(self) -> Floats:
        """The highest close so far."""
        return floats(self._close.cummax())

    @cached_property
    def distance(self) -> Floats:
        """``close / record - 1``."""
        return self.close / self.record - 1

    @cached_property
    def distance_atr(self) -> Floats:
        """The gap to the record in average true ranges, negative below it."""
        return (self.close - self.record) / self.average_true_range

    @cached_property
    def base_sessions(self) -> Floats:
        """Sessions since the record was last closed at; a tie counts."""
        position = np.arange(len(self.close), dtype=np.float64)
        return np.where(np.isnan(self.close), np.nan, position - self._last_record)

    @cached_property
    def average_true_range(self) -> Floats:
        """Average true range over 20 sessions, Wilder's smoothing, index points."""
        high, low = self.panel.field("^RUT", "high"), self.panel.field("^RUT", "low")
        before = self._close.shift()
        true_range = pd.concat([high - low, (high - before).abs(), (low - before).abs()], axis=1).max(
            axis=1, skipna=False
        )
        smoothed = true_range.ewm(alpha=1 / CHECKS.atr, min_periods=CHECKS.atr, adjust=False).mean()
        return floats(smoothed)

    @cached_property
    def year_to_date(self) -> Floats:
        """Change since the last close of the year before."""
        year = pd.DatetimeIndex(self._close.index).year
        last = self._close.groupby(year).last().shift()
        return self.close / floats(last.reindex(year)) - 1

    @cached_property
    def change_12m(self) -> Floats:
        """Change over 252 sessions."""
        return floats(self._close / self._close.shift(_YEAR) - 1)

    @cached_property
    def base_broken(self) -> Floats:
        """Length in sessions of the base that a new record close of this session ended; NaN on others."""
        position = np.arange(len(self.close), dtype=np.float64)
        return np.where(self.close > self._record_before, position - _shifted(self._last_record), np.nan)

    @cached_property
    def round_hundred(self) -> Floats:
        """The round hundred that this close is the first ever above; NaN on other sessions."""
        hundred = self.close // 100 * 100
        return np.where((self._record_before <= hundred) & (hundred < self.close), hundred, np.nan)

    @cached_property
    def _record_before(self) -> Floats:
        return _shifted(floats(self._close.cummax().ffill()))

    @cached_property
    def _last_record(self) -> Floats:
        """Position of the session that last closed at the record."""
        position = pd.Series(np.arange(len(self.close), dtype=np.float64))
        return floats(position.where(self.close >= self.record).ffill())


def _shifted(values: Floats) -> Floats:
    return np.concatenate(([np.nan], values[:-1]))
