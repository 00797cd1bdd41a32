"""Rotation, not exit: most of the risk panel rises, a composite of it is near its high, and leadership has turned."""

from __future__ import annotations

import numpy as np
import pandas as pd

from signals.conditions.measuring import Measuring
from signals.conditions.statements import state, votes
from signals.data.series import SECTORS, SERIES
from signals.rules import SUPERCYCLE

_COMPOSITE = ("SPY", "IWM", "RSP", "EEM", "HYG", "BTC-USD", "ETH-USD")
_PANEL = ("SPY", "IWM", "RSP", "IWC", "IJR", "EEM", "HYG", "SPHB", *SECTORS, "BTC-USD", "ETH-USD")


def rotation(measuring: Measuring) -> tuple[pd.Series[float], dict[str, pd.Series[float]]]:
    """Return the property on sessions, and the numbers it is made of."""
    share = _share_above(measuring)
    high = _composite_of_high(measuring)
    turned = _leadership(measuring)
    parts = [
        state(share >= SUPERCYCLE.panel_share, share),
        state(high >= SUPERCYCLE.composite_high, high),
        state(turned <= SUPERCYCLE.turned, turned),
    ]
    firm = ~measuring.doubtful(_PANEL)
    numbers = {
        "risk panel above its 200-day means": share.where(firm),
        "composite of its high": high.where(firm),
        "rank correlation": turned.where(firm),
    }
    return votes(pd.concat(parts, axis=1, sort=True), least_on=len(parts)).where(firm), numbers


def _seen(measuring: Measuring, key: str, values: pd.Series[float]) -> pd.Series[float]:
    """Return a measurement as sessions saw it, up to three sessions late."""
    panel = measuring.panel
    if not len(values):
        return pd.Series(np.nan, index=panel.sessions)
    alignment = panel.align(pd.DatetimeIndex(values.index), [key], SERIES[key].days)
    shown = values.to_numpy(dtype=np.float64)[np.maximum(alignment.position, 0)]
    return pd.Series(np.where(alignment.usable, shown, np.nan), index=panel.sessions)


def _share_above(measuring: Measuring) -> pd.Series[float]:
    gaps = pd.DataFrame(
        {key: _seen(measuring, key, measuring.against_mean(measuring.prices(key), 200)) for key in _PANEL}
    )
    known = gaps.notna().sum(axis=1)
    return ((gaps > 0).sum(axis=1) / known).where(known >= SUPERCYCLE.panel_least)


def _composite_of_high(measuring: Measuring) -> pd.Series[float]:
    """Return the inverse-volatility composite over its 252-session high."""
    prices = pd.DataFrame({key: _seen(measuring, key, measuring.prices(key)) for key in _COMPOSITE})
    returns = prices.pct_change(fill_method=None)
    weights = 1 / returns.rolling(SUPERCYCLE.composite_volatility).std().shift()
    weights = weights.where(returns.notna() & np.isfinite(weights))
    move = (returns * weights).sum(axis=1) / weights.sum(axis=1)
    known = weights.notna().sum(axis=1) >= 2
    level = (1 + move.where(known)).dropna().cumprod()
    return (level / level.rolling(SUPERCYCLE.year).max()).reindex(measuring.panel.sessions)


def _leadership(measuring: Measuring) -> pd.Series[float]:
    """Return the rank correlation of sector returns now with those of 63 sessions ago."""
    back = SUPERCYCLE.leadership
    returns = pd.DataFrame({key: measuring.growth(measuring.prices(key), back) for key in SECTORS})
    returns = returns.reindex(measuring.panel.sessions)
    before = returns.shift(back)
    both = returns.notna() & before.notna()
    now, then = (table.where(both).rank(axis=1) for table in (returns, before))
    return now.corrwith(then, axis=1).where(both.sum(axis=1) >= 8)
