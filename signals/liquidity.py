"""US liquidity: the score of its nine conditions, and the regime it makes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

from signals.conditions.hysteresis import Published, Votes, first_measured, lapsed, publish, votes
from signals.conditions.measured import Measured
from signals.conditions.measuring import Measuring
from signals.conditions.of_liquidity import LIQUIDITY
from signals.conditions.rows import began, day, number, unknown_since
from signals.data.panel import Alignment, Bools, Floats, Ints
from signals.data.series import Days
from signals.model import Liquidity, Regime
from signals.nine_decimals import Sign, meets
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


@dataclass(frozen=True)
class LiquidityHistory:
    """Liquidity over all sessions. Regimes are 0 tightening, 1 neutral, 2 easing, NaN unknown.

    ``counted`` are its conditions, ``enough`` is where the coverage allows any, ``raw`` is the regime of the score
    alone.
    """

    days: list[date]
    score: Floats
    counted: Votes
    coverage: Floats
    enough: Bools
    raw: Floats
    published: Published
    net: Level
    nowcast: Level

    @cached_property
    def shown(self) -> Floats:
        """The regime as shown: the published one, unknown where what is missing decides."""
        return np.where(np.isnan(self.raw), np.nan, self.published.state)

    @cached_property
    def _began(self) -> Ints:
        return began(self.published.state)

    @cached_property
    def _unknown_since(self) -> Ints:
        return unknown_since(self.shown)

    def at(self, session: int) -> Liquidity:
        """Return liquidity on the session at a position."""
        net, net_on = self.net.at(session)
        nowcast, nowcast_on = self.nowcast.at(session)
        return Liquidity(
            score=number(self.score, session),
            regime=self._regime(self.shown, session),
            last_published=self.last_published(session),
            raw=self._regime(self.raw, session),
            since=None if np.isnan(self.published.state.item(session)) else self.days[self._began.item(session)],
            unknown_since=day(self.days, self._unknown_since, session),
            silent=self.published.silent.item(session),
            toward=self.published.toward.item(session),
            on=int(self.counted.on.item(session)),
            measured=int(self.counted.measured.item(session)),
            coverage=self.coverage.item(session),
            net_liquidity_bn=net,
            net_liquidity_on=net_on,
            nowcast_bn=nowcast,
            nowcast_on=nowcast_on,
        )

    def last_published(self, session: int) -> Regime:
        """Return the published regime on the session at a position, which transitions compare."""
        return self._regime(self.published.state, session)

    def _regime(self, codes: Floats, session: int) -> Regime:
        code = number(codes, session)
        if code is None:
            return Regime.UNKNOWN if self.enough.item(session) else Regime.INSUFFICIENT
        return _REGIMES[int(code)]


def liquidity_history(measuring: Measuring, measured: dict[str, Measured]) -> LiquidityHistory:
    """Score liquidity over the whole history."""
    rows = [measured[row.key] for row in LIQUIDITY]
    had = [row.had for row in rows]
    states = [row.state for row in rows]
    counted = votes(states, had)
    without_late_data = votes([row.state_without_late_data for row in rows], had)
    coverage = counted.measured / len(rows)
    enough = np.asarray(meets(coverage, Sign.AT_LEAST, REGIME.least_coverage), dtype=np.bool_)
    raw = _regimes(counted, enough)
    # A late condition is used in what is shown; what is published follows only what it cannot change.
    followed = _regimes(without_late_data, enough)
    net, nowcast = measuring.net_liquidity, measuring.net_liquidity_nowcast
    weekly = measuring.panel.align(net.index, ("WALCL", "WDTGAL", "RRPONTSYD"), Days.WEDNESDAY)
    daily = measuring.panel.align(nowcast.index, ("TGA_DTS_CLOSING", "RRPONTSYD"), Days.BUSINESS)
    return LiquidityHistory(
        days=measuring.panel.days,
        score=np.where(enough, 100.0 * counted.share, np.nan),
        counted=counted,
        coverage=coverage,
        enough=enough,
        raw=raw,
        published=publish(followed, REGIME.sessions, lapsed(raw), first_measured(states)),
        net=Level(weekly.on_sessions(net), weekly),
        nowcast=Level(daily.on_sessions(nowcast), daily),
    )


def _regimes(counted: Votes, enough: Bools) -> Floats:
    """Return the regime of the score alone; unknown where a missing condition, or too little coverage, decides.

    Every condition that is missing for now is tried both ways: all off, and all on.
    """
    low, high = 100.0 * counted.span.low, 100.0 * counted.span.high
    changed = np.flatnonzero(np.any([np.diff(x, prepend=np.nan) != 0 for x in (low, high, enough)], axis=0))
    found, before = np.full(len(changed), np.nan), _NEUTRAL
    # The same scores again give the same regime again, so only sessions on which one changed are judged.
    after = {
        regime: list(zip(_after(regime, low[changed]), _after(regime, high[changed]), strict=True))
        for regime in (_EASING, _NEUTRAL, _TIGHTENING)
    }
    for i, at in enumerate(changed.tolist()):
        worst, best = after[before][i]
        if enough[at] and worst == best:
            found[i] = before = worst
    return np.repeat(found, np.diff(changed, append=len(low)))


def _after(before: float, scores: Floats) -> list[float]:
    """Return the regime that each score makes of the regime before."""
    eases = meets(scores, Sign.AT_LEAST, REGIME.easing_leaves if before == _EASING else REGIME.easing)
    tightens = meets(scores, Sign.AT_MOST, REGIME.tightening_leaves if before == _TIGHTENING else REGIME.tightening)
    regimes: list[float] = np.where(eases, _EASING, np.where(tightens, _TIGHTENING, _NEUTRAL)).tolist()
    return regimes
