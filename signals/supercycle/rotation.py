"""Rotation, not exit: most of the risk panel rises, a composite of it is near its high, and leadership has turned.

A member that could be measured earlier and cannot now, late ones included, is tried both ways.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from signals.conditions.hysteresis import votes, within_span
from signals.conditions.measuring import Measuring
from signals.conditions.statements import as_state
from signals.data.panel import LATE, OK, Bools, Floats, floats
from signals.data.series import SECTORS, SERIES
from signals.model import Unit
from signals.nine_decimals import Sign, meets
from signals.rules import SUPERCYCLE
from signals.supercycle.needs import COMPOSITE, RISK_PANEL

_LEAST_SECTORS = 8


def rotation(measuring: Measuring) -> tuple[list[Floats], dict[tuple[str, Unit], Floats]]:
    """Return on sessions the three statements that must hold, and the numbers they are made of."""
    gaps = [_in_time(measuring, key, measuring.against_mean(measuring.prices(key), 200)) for key in RISK_PANEL]
    above = votes([as_state(meets(gap, Sign.ABOVE, 0.0), gap) for gap in gaps])
    listed = above.counted >= SUPERCYCLE.panel_least
    panel = np.where(listed, within_span(above.span, Sign.AT_LEAST, SUPERCYCLE.panel_share), np.nan)
    high, complete = _composite_of_high(measuring)
    turned = _leadership(measuring)
    near = as_state(meets(high, Sign.AT_LEAST, SUPERCYCLE.composite_high), high)
    return [
        panel,
        np.where(complete, near, np.nan),
        as_state(meets(turned, Sign.AT_MOST, SUPERCYCLE.turned), turned),
    ], {
        ("risk panel above its 200-day means", Unit.SHARE): np.where(listed, above.share, np.nan),
        ("members measured", Unit.COUNT): above.measured,
        ("members", Unit.COUNT): above.counted,
        ("composite of its high", Unit.SHARE): np.where(complete, high, np.nan),
        ("rank correlation", Unit.INDEX): turned,
    }


def _seen(measuring: Measuring, key: str, values: pd.Series[float], worst: int) -> Floats:
    """Return a measurement as sessions saw it, unknown where it is older than ``worst``."""
    return measuring.panel.align(values.index, [key], SERIES[key].days).on_sessions(values, worst)


def _in_time(measuring: Measuring, key: str, values: pd.Series[float]) -> Floats:
    """Return a measurement as sessions saw it, unknown where it is late or not to be believed."""
    return np.where(measuring.gate.is_invalid(key), np.nan, _seen(measuring, key, values, OK))


def _composite_of_high(measuring: Measuring) -> tuple[Floats, Bools]:
    """Return the inverse-volatility composite over its 252-session high, and where none of its members is missing."""
    sessions = measuring.panel.sessions
    in_time = np.stack([_in_time(measuring, key, measuring.prices(key)) for key in COMPOSITE])
    had = np.logical_or.accumulate(~np.isnan(in_time), axis=1)
    prices = pd.DataFrame(
        {key: _seen(measuring, key, measuring.prices(key), LATE) for key in COMPOSITE}, index=sessions
    )
    returns = prices.pct_change(fill_method=None)
    weights = 1 / returns.rolling(SUPERCYCLE.composite_volatility).std().shift()
    weights = weights.where(returns.notna() & np.isfinite(weights))
    move = (returns * weights).sum(axis=1) / weights.sum(axis=1)
    known = weights.notna().sum(axis=1) >= 2
    level = (1 + move.where(known)).dropna().cumprod()
    of_high = floats(Measuring.of_high(level, SUPERCYCLE.year).reindex(sessions))
    return of_high, ~np.asarray((had & np.isnan(in_time)).any(axis=0), dtype=np.bool_)


def _leadership(measuring: Measuring) -> Floats:
    """Return the rank correlation of sector returns now with those of 63 sessions ago; unknown while one is missing."""
    back, sessions = SUPERCYCLE.leadership, measuring.panel.sessions
    gains = (measuring.growth(measuring.prices(key), back) for key in SECTORS)
    now = np.stack([floats(gain.reindex(sessions)) for gain in gains], axis=1)
    then = np.concatenate((np.full((back, len(SECTORS)), np.nan), now))[: len(sessions)]
    believed = ~np.stack([measuring.gate.is_invalid(key) for key in SECTORS], axis=1)
    both = ~np.isnan(now) & ~np.isnan(then) & believed
    count = both.sum(axis=1)
    enough = (count >= _LEAST_SECTORS) & (count == np.logical_or.accumulate(both).sum(axis=1))
    found = np.full(len(sessions), np.nan)
    if enough.any():
        ranks, before = (pd.DataFrame(np.where(both, table, np.nan)[enough]).rank(axis=1) for table in (now, then))
        found[enough] = floats(ranks.corrwith(before, axis=1))
    return found
