"""US liquidity: the score of its nine conditions, and the regime it makes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.conditions.hysteresis import Floats, follow
from signals.conditions.measured import Measured
from signals.conditions.measuring import Measuring
from signals.conditions.of_liquidity import LIQUIDITY
from signals.conditions.rows import optional
from signals.data.panel import Alignment
from signals.data.series import Days
from signals.model import Liquidity, Regime
from signals.rules import REGIME

_REGIMES = (Regime.TIGHTENING, Regime.NEUTRAL, Regime.EASING)
_TIGHTENING, _NEUTRAL, _EASING = 0.0, 1.0, 2.0


@dataclass(frozen=True, slots=True)
class Level:
    """A level on sessions: the newest observation, unless it is stale."""

    values: list[float | None]
    dates: list[date | None]


@dataclass(frozen=True, slots=True)
class LiquidityHistory:
    """Liquidity over all sessions."""

    score: list[float | None]
    coverage: list[float]
    raw: list[Regime]
    shown: list[Regime]
    last_published: list[Regime]
    net: Level
    nowcast: Level

    def at(self, session: int) -> Liquidity:
        """Return liquidity on the session at a position."""
        return Liquidity(
            score=self.score[session],
            regime=self.shown[session],
            last_published=self.last_published[session],
            raw=self.raw[session],
            coverage=self.coverage[session],
            net_liquidity_bn=self.net.values[session],
            net_liquidity_on=self.net.dates[session],
            nowcast_bn=self.nowcast.values[session],
            nowcast_on=self.nowcast.dates[session],
        )


def liquidity_history(measuring: Measuring, measured: dict[str, Measured]) -> LiquidityHistory:
    """Score liquidity over the whole history."""
    rows = [measured[row.key] for row in LIQUIDITY]
    state = np.stack([row.state for row in rows])
    known = ~np.isnan(state)
    count = known.sum(axis=0)
    score = np.where(count > 0, 100.0 * np.nansum(state, axis=0) / np.maximum(count, 1), np.nan)
    coverage = count / len(rows)
    had = np.stack([row.had for row in rows])
    raw = _regimes(*_both_ways(state, had), coverage)
    # A late condition is used in what is shown; what is published follows only what it cannot change.
    firm = _regimes(*_both_ways(np.stack([row.firm for row in rows]), had), coverage)
    published, _ = follow(firm, REGIME.sessions)
    enough = coverage >= REGIME.least_coverage
    net, nowcast = measuring.net_liquidity, measuring.net_liquidity_nowcast
    weekly = measuring.panel.align(pd.DatetimeIndex(net.index), ("WALCL", "WDTGAL", "RRPONTSYD"), Days.WEDNESDAY)
    daily = measuring.panel.align(pd.DatetimeIndex(nowcast.index), ("TGA_DTS_CLOSING", "RRPONTSYD"), Days.BUSINESS)
    return LiquidityHistory(
        score=optional(np.where(enough, score, np.nan)),
        coverage=coverage.tolist(),
        raw=_named(np.where(enough, raw, np.nan)),
        shown=_named(np.where(enough & ~np.isnan(raw), published, np.nan)),
        last_published=_named(published),
        net=_level(net, weekly),
        nowcast=_level(nowcast, daily),
    )


def _both_ways(state: Floats, had: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return the score with every condition that is missing for now off, and with every one on."""
    missing = (had & np.isnan(state)).sum(axis=0)
    on, counted = np.nansum(state, axis=0), (~np.isnan(state)).sum(axis=0) + missing
    return 100.0 * on / np.maximum(counted, 1), 100.0 * (on + missing) / np.maximum(counted, 1)


def _named(codes: Floats) -> list[Regime]:
    return [Regime.INSUFFICIENT if np.isnan(code) else _REGIMES[int(code)] for code in codes]


def _regimes(low: Floats, high: Floats, coverage: Floats) -> Floats:
    """Return the regime of the score alone; unknown where a missing condition, or too little coverage, decides."""
    regimes = np.full(len(low), np.nan)
    before = _NEUTRAL
    for i, (lowest, highest, covered) in enumerate(zip(low.tolist(), high.tolist(), coverage.tolist(), strict=True)):
        if covered < REGIME.least_coverage:
            continue
        worst, best = _regime(lowest, before), _regime(highest, before)
        if worst == best:
            regimes[i] = before = worst
    return regimes


def _regime(score: float, before: float) -> float:
    if score >= REGIME.easing or (before == _EASING and score >= REGIME.easing_leaves):
        return _EASING
    if score <= REGIME.tightening or (before == _TIGHTENING and score <= REGIME.tightening_leaves):
        return _TIGHTENING
    return _NEUTRAL


def _level(values: pd.Series[float], alignment: Alignment) -> Level:
    figures, dates = values.tolist(), [day.date() for day in values.index]
    positions = np.where(alignment.usable, alignment.position, -1).tolist()
    return Level(
        [figures[at] if at >= 0 else None for at in positions], [dates[at] if at >= 0 else None for at in positions]
    )
