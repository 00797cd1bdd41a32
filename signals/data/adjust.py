"""Dividend-adjusted closes, made at evaluation, so that nothing archived changes when a dividend is paid."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd


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
    closes, given = frame["value"].to_numpy(dtype=float), frame["adj_close"].to_numpy(dtype=float)
    is_given = ~np.isnan(given)
    if is_given.any() and is_given[~np.isnan(closes)].all():
        return frame["adj_close"]
    steps = np.ones(len(frame))
    steps[1:] = growth(frame.iloc[:-1], frame.iloc[1:])
    steps[np.isnan(steps)] = 1.0
    return pd.Series(np.cumprod(steps) * price(frame).iloc[0], index=frame.index)


def growth(before: pd.DataFrame, rows: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Return what each row makes, distribution included, of the row before it in ``before``; NaN where one is missing.

    The quotient of a source's own adjusted closes, where it has them for both.
    """
    earlier, later, paid = (
        frame[name].to_numpy(dtype=float) for frame, name in ((before, "value"), (rows, "value"), (rows, "dividend"))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        made = later / (earlier - np.nan_to_num(paid))
        given = rows["adj_close"].to_numpy(dtype=float) / before["adj_close"].to_numpy(dtype=float)
    return np.asarray(np.where(np.isnan(given), made, given), dtype=np.float64)
