"""Dividend-adjusted closes, made at evaluation, so that nothing archived changes when a dividend is paid."""

from __future__ import annotations

import pandas as pd


def price(frame: pd.DataFrame) -> pd.Series[float]:
    """Return the close as traded, or the adjusted close where a source has nothing else."""
    return frame["value"].where(frame["value"].notna(), frame["adj_close"])


def adjusted_close(frame: pd.DataFrame) -> pd.Series[float]:
    """Return a dividend-adjusted close per observation.

    A source's own adjusted closes are used where it has them for every date. Otherwise growth is chained forward
    from the first date, ``C_t / (C_{t-1} - D_t)``, so that a later dividend never rescales the past: the level
    is arbitrary, ratios, returns and distances are right.
    """
    closes, given = frame["value"], frame["adj_close"]
    if given.notna().any() and not (given.isna() & closes.notna()).any():
        return given
    growth = closes / (closes.shift() - frame["dividend"].fillna(0.0))
    given_growth = given / given.shift()
    growth = given_growth.where(given_growth.notna(), growth)
    start = price(frame).iloc[0] if len(frame) else 1.0
    return growth.fillna(1.0).cumprod() * start
