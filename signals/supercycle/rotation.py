"""Rotation, not exit: most of the risk panel rises, a composite of it is near its high, and leadership has turned."""

from __future__ import annotations

import numpy as np
import pandas as pd

from signals.conditions.hysteresis import at_least
from signals.conditions.measuring import Measuring
from signals.conditions.statements import as_state
from signals.data.panel import Floats, floats
from signals.data.series import SECTORS, SERIES
from signals.model import Unit
from signals.rules import SUPERCYCLE

_COMPOSITE = ("SPY", "IWM", "RSP", "EEM", "HYG", "BTC-USD", "ETH-USD")
_LEAST_SECTORS = 8
_PANEL = ("SPY", "IWM", "RSP", "IWC", "IJR", "EEM", "HYG", "SPHB", *SECTORS, "BTC-USD", "ETH-USD")


def rotation(measuring: Measuring) -> tuple[Floats, dict[tuple[str, Unit], Floats]]:
    """Return the property on sessions, and the numbers it is made of."""
    share, high, turned = _share_above(measuring), _composite_of_high(measuring), _leadership(measuring)
    holds = at_least(
        3,
        as_state(share >= SUPERCYCLE.panel_share, share),
        as_state(high >= SUPERCYCLE.composite_high, high),
        as_state(turned <= SUPERCYCLE.turned, turned),
    )
    in_time = ~measuring.gate.switches_nothing(_PANEL)
    numbers = {
        ("risk panel above its 200-day means", Unit.SHARE): share,
        ("composite of its high", Unit.SHARE): high,
        ("rank correlation", Unit.INDEX): turned,
    }
    return np.where(in_time, holds, np.nan), {named: np.where(in_time, x, np.nan) for named, x in numbers.items()}


def _seen(measuring: Measuring, key: str, values: pd.Series[float]) -> Floats:
    """Return a measurement as sessions saw it, up to three sessions late."""
    return measuring.panel.align(pd.DatetimeIndex(values.index), [key], SERIES[key].days).on_sessions(values)


def _share_above(measuring: Measuring) -> Floats:
    gaps = np.stack([_seen(measuring, key, measuring.against_mean(measuring.prices(key), 200)) for key in _PANEL])
    known = (~np.isnan(gaps)).sum(axis=0)
    return np.where(known >= SUPERCYCLE.panel_least, (gaps > 0).sum(axis=0) / np.maximum(known, 1), np.nan)


def _composite_of_high(measuring: Measuring) -> Floats:
    """Return the inverse-volatility composite over its 252-session high."""
    sessions = measuring.panel.sessions
    prices = pd.DataFrame({key: _seen(measuring, key, measuring.prices(key)) for key in _COMPOSITE}, index=sessions)
    returns = prices.pct_change(fill_method=None)
    weights = 1 / returns.rolling(SUPERCYCLE.composite_volatility).std().shift()
    weights = weights.where(returns.notna() & np.isfinite(weights))
    move = (returns * weights).sum(axis=1) / weights.sum(axis=1)
    known = weights.notna().sum(axis=1) >= 2
    level = (1 + move.where(known)).dropna().cumprod()
    return floats(Measuring.of_high(level, SUPERCYCLE.year).reindex(sessions))


def _leadership(measuring: Measuring) -> Floats:
    """Return the rank correlation of sector returns now with those of 63 sessions ago."""
    back = SUPERCYCLE.leadership
    returns = pd.DataFrame({key: measuring.growth(measuring.prices(key), back) for key in SECTORS})
    returns = returns.reindex(measuring.panel.sessions)
    before = returns.shift(back)
    both = returns.notna() & before.notna()
    enough = both.sum(axis=1) >= _LEAST_SECTORS
    now, then = (table.where(both)[enough].rank(axis=1) for table in (returns, before))
    return floats(now.corrwith(then, axis=1).reindex(returns.index))
