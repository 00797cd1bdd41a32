"""Dividend-adjusted closes, made at evaluation, so that nothing archived changes when a dividend is paid."""

from __future__ import annotations

import numpy as np
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
    closes, given, dividends = (frame[name].to_numpy(dtype=float) for name in ("value", "adj_close", "dividend"))
    is_given = ~np.isnan(given)
    if is_given.any() and is_given[~np.isnan(closes)].all():
        return frame["adj_close"]
    growth = np.ones(len(frame))
    growth[1:] = closes[1:] / (closes[:-1] - np.nan_to_num(dividends[1:]))
    if is_given.any():
        given_growth = given[1:] / given[:-1]
        growth[1:] = np.where(np.isnan(given_growth), growth[1:], given_growth)
    growth[np.isnan(growth)] = 1.0
    return pd.Series(np.cumprod(growth) * price(frame).iloc[0], index=frame.index)
