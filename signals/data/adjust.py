"""Dividend-adjusted closes, made at evaluation, so that nothing archived changes when a dividend is paid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

_COLUMNS = ("value", "adj_close", "dividend", "split")


def price(frame: pd.DataFrame) -> pd.Series[float]:
    """Return the close as traded, or the adjusted close where a source has nothing else."""
    closes = frame["value"]
    return closes.where(closes.notna(), frame["adj_close"]) if closes.hasnans else closes


def adjusted_close(frame: pd.DataFrame) -> pd.Series[float]:
    """Return a dividend-adjusted close per observation.

    A source's own adjusted closes are used where it has them for every date. Otherwise growth is chained forward
    from the first date, ``C_t / (C_{t-1} - D_t)``, so that a later dividend never rescales the past: the level
    is arbitrary, ratios, returns and distances are right.
    """
    if not len(frame):
        return frame["value"]
    bars = Closes.of(frame)
    is_given = ~np.isnan(bars.adjusted)
    if is_given.any() and is_given[~np.isnan(bars.traded)].all():
        return frame["adj_close"]
    steps = np.ones(len(frame))
    steps[1:] = growth(bars[:-1], bars[1:])
    steps[np.isnan(steps)] = 1.0
    return pd.Series(np.cumprod(steps) * bars.price[0], index=frame.index)


@dataclass(frozen=True, slots=True)
class Closes:
    """The figures of bars as arrays, by position: what looks at each bar and the one before it needs no index.

    Attributes
    ----------
    traded
        The close as traded, NaN where a source has only an adjusted one.
    adjusted
        The source's own adjusted close, NaN where it has none.
    paid
        The distribution of the day, 0 without one.
    split
        What the source lists as split, NaN where it lists none.
    """

    traded: Floats
    adjusted: Floats
    paid: Floats
    split: Floats

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Closes:
        """Return the bars of a frame."""
        traded, adjusted, paid, split = (frame[name].to_numpy(dtype=np.float64) for name in _COLUMNS)
        return cls(traded, adjusted, np.nan_to_num(paid), split)

    def __getitem__(self, which: slice | Positions) -> Closes:
        return Closes(self.traded[which], self.adjusted[which], self.paid[which], self.split[which])

    def __len__(self) -> int:
        return len(self.traded)

    @property
    def price(self) -> Floats:
        """The close as traded, or the adjusted close where a source has nothing else."""
        return np.asarray(np.where(np.isnan(self.traded), self.adjusted, self.traded))


def growth(before: Closes, bars: Closes) -> Floats:
    """Return what each bar makes, distribution included, of the one before it in ``before``; NaN where one is missing.

    The quotient of a source's own adjusted closes, where it has them for both.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        made = bars.traded / (before.traded - bars.paid)
        given = bars.adjusted / before.adjusted
    return np.asarray(np.where(np.isnan(given), made, given))
