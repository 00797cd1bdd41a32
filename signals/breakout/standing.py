"""Where the Russell 2000 stands to its record on each session: distances, base, changes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from signals.data.panel import Panel
from signals.rules import CHECKS

_YEAR = 252


@dataclass(frozen=True)
class Standing:
    """Arrays over all sessions, NaN where unknown; each looks only back."""

    panel: Panel

    @cached_property
    def close(self) -> pd.Series[float]:
        """^RUT closes, index points."""
        return self.panel.close("^RUT")

    @cached_property
    def record(self) -> pd.Series[float]:
        """The highest close so far."""
        return self.close.cummax()

    @cached_property
    def distance(self) -> pd.Series[float]:
        """``close / record - 1``."""
        return self.close / self.record - 1

    @cached_property
    def distance_atr(self) -> pd.Series[float]:
        """The gap to the record in average true ranges, negative below it."""
        return (self.close - self.record) / self.average_true_range

    @cached_property
    def base_sessions(self) -> pd.Series[float]:
        """Sessions since the record was last closed at; a tie counts."""
        position = pd.Series(np.arange(len(self.close), dtype=float), index=self.close.index)
        return (position - position.where(self.close >= self.record).ffill()).where(self.close.notna())

    @cached_property
    def average_true_range(self) -> pd.Series[float]:
        """Average true range over 20 sessions, Wilder's smoothing, index points."""
        high, low = self.panel.field("^RUT", "high"), self.panel.field("^RUT", "low")
        before = self.close.shift()
        true_range = pd.concat([high - low, (high - before).abs(), (low - before).abs()], axis=1).max(
            axis=1, skipna=False
        )
        return true_range.ewm(alpha=1 / CHECKS.atr, min_periods=CHECKS.atr, adjust=False).mean()

    @cached_property
    def year_to_date(self) -> pd.Series[float]:
        """Change since the last close of the year before."""
        year = pd.DatetimeIndex(self.close.index).year
        last = self.close.groupby(year).last().shift()
        before: pd.Series[float] = pd.Series(last.reindex(year).to_numpy(), index=self.close.index)
        return self.close / before - 1

    @cached_property
    def change_12m(self) -> pd.Series[float]:
        """Change over 252 sessions."""
        return self.close / self.close.shift(_YEAR) - 1

    @cached_property
    def base_broken(self) -> pd.Series[float]:
        """Length in sessions of the base that a new record close of this session ended; NaN on others."""
        before = self.record.ffill().shift()
        position = pd.Series(np.arange(len(self.close), dtype=float), index=self.close.index)
        last = position.where(self.close >= self.record).ffill().shift()
        return (position - last).where(self.close > before)

    @cached_property
    def round_hundred(self) -> pd.Series[float]:
        """The round hundred that this close is the first ever above; NaN on other sessions."""
        before = self.record.ffill().shift()
        hundred = self.close // 100 * 100
        return hundred.where((before <= hundred) & (hundred < self.close))
