"""US liquidity: the score of its nine conditions, and the regime it makes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from signals.conditions.hysteresis import Votes, debounce, votes
from signals.conditions.measured import Measured
from signals.conditions.measuring import Measuring
from signals.conditions.of_liquidity import LIQUIDITY
from signals.conditions.rows import number
from signals.data.panel import Alignment, Floats
from signals.data.series import Days
from signals.model import Liquidity, Regime
from signals.rules import REGIME

_REGIMES = (Regime.TIGHTENING, Regime.NEUTRAL, Regime.EASING)
_TIGHTENING, _NEUTRAL, _EASING = 0.0, 1.0, 2.0


@dataclass(frozen=True, slots=True)
class Level:
    """A level on sessions: the newest observation, unless it is stale."""

    values: Floats
    alignment: Alignment

    def at(self, session: int) -> tuple[float | None, date | None]:
        """Return the level on the session at a position, in USD billions, and the day it is of."""
        value = number(self.values, session)
        return value, None if value is None else self.alignment.day(session)


@dataclass(frozen=True, slots=True)
class LiquidityHistory:
    """Liquidity over all sessions. Regimes are 0 tightening, 1 neutral, 2 easing, NaN insufficient data."""

    score: Floats
    coverage: Floats
    raw: Floats
    shown: Floats
    last_published: Floats
    net: Level
    nowcast: Level

    def at(self, session: int) -> Liquidity:
        """Return liquidity on the session at a position."""
        net, net_on = self.net.at(session)
        nowcast, nowcast_on = self.nowcast.at(session)
        return Liquidity(
            score=number(self.score, session),
            regime=regime_at(self.shown, session),
            last_published=regime_at(self.last_published, session),
            raw=regime_at(self.raw, session),
            coverage=self.coverage.item(session),
            net_liquidity_bn=net,
            net_liquidity_on=net_on,
            nowcast_bn=nowcast,
            nowcast_on=nowcast_on,
        )


def regime_at(codes: Floats, session: int) -> Regime:
    """Return the regime on the session at a position."""
    code = number(codes, session)
    return Regime.INSUFFICIENT if code is None else _REGIMES[int(code)]


def liquidity_history(measuring: Measuring, measured: dict[str, Measured]) -> LiquidityHistory:
    """Score liquidity over the whole history."""
    rows = [measured[row.key] for row in LIQUIDITY]
    had = [row.had for row in rows]
    counted = votes([row.state for row in rows], had)
    without_late_data = votes([row.state_without_late_data for row in rows], had)
    score = np.where(counted.measured > 0, 100.0 * counted.on / np.maximum(counted.measured, 1), np.nan)
    coverage = counted.measured / len(rows)
    raw = _regimes(counted, coverage)
    # A late condition is used in what is shown; what is published follows only what it cannot change.
    published, _ = debounce(_regimes(without_late_data, coverage), REGIME.sessions)
    enough = coverage >= REGIME.least_coverage
    net, nowcast = measuring.net_liquidity, measuring.net_liquidity_nowcast
    weekly = measuring.panel.align(pd.DatetimeIndex(net.index), ("WALCL", "WDTGAL", "RRPONTSYD"), Days.WEDNESDAY)
    daily = measuring.panel.align(pd.DatetimeIndex(nowcast.index), ("TGA_DTS_CLOSING", "RRPONTSYD"), Days.BUSINESS)
    return LiquidityHistory(
        score=np.where(enough, score, np.nan),
        coverage=coverage,
        raw=np.where(enough, raw, np.nan),
        shown=np.where(enough & ~np.isnan(raw), published, np.nan),
        last_published=published,
        net=Level(weekly.on_sessions(net), weekly),
        nowcast=Level(daily.on_sessions(nowcast), daily),
    )


def _regimes(counted: Votes, coverage: Floats) -> Floats:
    """Return the regime of the score alone; unknown where a missing condition, or too little coverage, decides.

    Every condition that is missing for now is tried both ways: all off, and all on.
    """
    low = 100.0 * counted.on / np.maximum(counted.counted, 1)
    high = 100.0 * (counted.on + counted.missing) / np.maximum(counted.counted, 1)
    enough = coverage >= REGIME.least_coverage
    changed = np.flatnonzero(np.any([np.diff(x, prepend=np.nan) != 0 for x in (low, high, enough)], axis=0))
    found, before = np.full(len(changed), np.nan), _NEUTRAL
    # The same scores again give the same regime again, so only sessions on which one changed are judged.
    for i, at in enumerate(changed.tolist()):
        worst, best = _regime(low[at], before), _regime(high[at], before)
        if enough[at] and worst == best:
            found[i] = before = worst
    return np.repeat(found, np.diff(changed, append=len(low)))


def _regime(score: float, before: float) -> float:
    if score >= REGIME.easing or (before == _EASING and score >= REGIME.easing_leaves):
        return _EASING
    if score <= REGIME.tightening or (before == _TIGHTENING and score <= REGIME.tightening_leaves):
        return _TIGHTENING
    return _NEUTRAL
